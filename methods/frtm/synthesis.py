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
    """Return samples with the object moved, turned, scaled and blurred; those in which it left the frame stay out.

    The object's new places are spread over the frame: one in each of as many cells of a square grid, by chance there.
    """
    background = _without_object(image, mask)
    side = math.ceil(math.sqrt(config.samples))
    cells = rng.permutation(side**2)[: config.samples]
    made = [
        _moved(image, mask, background, (cell % side + x) / side, (cell // side + y) / side, config=config, rng=rng)
        for cell, (x, y) in zip(cells, rng.random((config.samples, 2)), strict=True)
    ]
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


def _moved(
    image: Image, mask: Mask, background: Image, x: float, y: float, *, config: SynthesisConfig, rng: Generator
) -> Sample:
    """Put the object's middle at x and y, in units of the frame, over the changed background."""
    height, width = mask.shape
    matrix = _placement(mask, (x * width, y * height), config, rng)
    seen, label = (
        cv2.warpAffine(mask.astype(np.float32), matrix, (width, height), flags=flags)
        for flags in (cv2.INTER_LINEAR, cv2.INTER_NEAREST)
    )
    colours = cv2.warpAffine(image, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
    if rng.random() < config.blurred:
        path = _path(config.blur, rng.uniform(0, math.pi))
        colours, seen = (cv2.filter2D(plane, -1, path) for plane in (colours, seen))
    behind = _changed(background, config, rng)
    mixed = colours * seen[..., None] + behind * (1 - seen[..., None])
    return Sample(mixed.round().astype(np.uint8), np.asarray(label > 0.5))


def _placement(mask: Mask, middle: tuple[float, float], config: SynthesisConfig, rng: Generator) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix that mirrors, slants, turns and scales an object and brings its middle there."""
    x, y, width, height = box_of(mask)
    mirror = -1.0 if rng.random() < config.mirrored else 1.0
    skew = rng.choice((-config.skew, config.skew)) if rng.random() < config.skewed else 0.0
    angle = math.radians(rng.choice(config.degrees) * rng.choice((-1, 1)))
    cosine, sine = math.cos(angle), math.sin(angle)
    linear = rng.choice(config.scales) * np.array([[cosine, sine], [-sine, cosine]]) @ [[mirror, skew], [0, 1]]
    return np.column_stack([linear, middle - linear @ (x + width / 2, y + height / 2)])


def _path(length: float, angle: float) -> NDArray[np.float32]:
    """Return the kernel of a motion along a line."""
    half = math.ceil(length / 2)
    x, y = (round(length / 2 * f(angle)) for f in (math.cos, math.sin))
    kernel = np.zeros((2 * half + 1, 2 * half + 1), np.float32)
    cv2.line(kernel, (half - x, half - y), (half + x, half + y), 1.0)
    return np.asarray(kernel / kernel.sum(), np.float32)


def _changed(background: Image, config: SynthesisConfig, rng: Generator) -> Image:
    """Enlarge the background about its middle, or blur it."""
    height, width = background.shape[:2]
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(background, (0, 0), max(config.blur, 0.1)), np.uint8)
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), 0, config.background_scale)
    return np.asarray(cv2.warpAffine(background, matrix, (width, height), flags=cv2.INTER_LINEAR), np.uint8)
