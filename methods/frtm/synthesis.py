"""Further samples of an object's first frame: the object is moved over a guess of what lies behind it."""

import math
from typing import NamedTuple

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from vos_bench.api import Image, Mask
from vos_bench.training.augmentation import box_of

from .config import SynthesisConfig

_SIDE = 160
"""Pixels of the shorter side at which the hole behind an object is filled."""


class Sample(NamedTuple):
    """A frame and where the object is on it."""

    image: Image
    mask: Mask


def moved_objects(image: Image, mask: Mask, config: SynthesisConfig, rng: Generator) -> list[Sample]:
    """Return samples with the object moved, turned, scaled and blurred; those in which it left the frame stay out."""
    background = _without_object(image, mask)
    made = (_moved(image, mask, background, config, rng) for _ in range(config.samples))
    return [sample for sample in made if sample.mask.any()]


def _without_object(image: Image, mask: Mask) -> Image:
    """Fill the object's region from around it, at a small size and smoothly."""
    height, width = mask.shape
    factor = min(1.0, _SIDE / min(height, width))
    size = max(1, round(width * factor)), max(1, round(height * factor))
    small = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    hole = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8))
    small_hole = (cv2.resize(hole.astype(np.float32), size, interpolation=cv2.INTER_AREA) > 0).astype(np.uint8)
    if small_hole.all():
        return np.full_like(image, image.mean(axis=(0, 1)).astype(np.uint8))
    filled = cv2.resize(cv2.inpaint(small, small_hole, 3, cv2.INPAINT_TELEA), (width, height))
    return np.where(hole[..., None] > 0, filled, image)


def _moved(image: Image, mask: Mask, background: Image, config: SynthesisConfig, rng: Generator) -> Sample:
    height, width = mask.shape
    matrix = _placement(mask, config, rng)
    alpha = cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=cv2.INTER_LINEAR)
    colours = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    deviation = rng.uniform(0, config.blur)
    if deviation > 0.1:
        colours = cv2.GaussianBlur(colours, (0, 0), deviation)
        alpha = cv2.GaussianBlur(alpha, (0, 0), deviation)
    mixed = colours * alpha[..., None] + background * (1 - alpha[..., None])
    return Sample(mixed.round().astype(np.uint8), np.asarray(alpha > 0.5))


def _placement(mask: Mask, config: SynthesisConfig, rng: Generator) -> NDArray[np.float64]:
    x, y, width, height = box_of(mask)
    low, high = config.scale
    centre = (x + width / 2, y + height / 2)
    degrees = rng.uniform(-config.degrees, config.degrees)
    matrix = np.asarray(cv2.getRotationMatrix2D(centre, degrees, rng.uniform(low, high)), np.float64)
    matrix[:, 2] += rng.uniform(-config.shift, config.shift, 2) * math.sqrt(width * height)
    return matrix
