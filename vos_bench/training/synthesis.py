"""Makes new mini-sequences of real ones: pasted objects, still frames that move, other colours, blur."""

import math
from collections.abc import Callable
from typing import Literal

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.training.augmentation import box_of
from vos_bench.training.sampling import MiniSequence

Donor = Callable[[Generator], MiniSequence]
"""Draws a mini-sequence whose object may be pasted."""


LEAST_TARGET = 50
"""A pasted object that shows no more pixels than that on the first frame is not followed, whatever was drawn."""


class SynthesisSettings(FrozenModel):
    """How often each change is made, as probabilities of a mini-sequence or, for blur, of a frame.

    Attributes:
        still: Use the train frame for all frames, so that only the crop and the pasted objects move.
        paste: Paste an object of another sequence, which moves through the frames.
        paste_is_target: Given a pasted object, follow it; the sequence's own object becomes a distractor.
        paste_behind: Given a pasted distractor, let it pass behind the target rather than before it.
        colour: Change hue, saturation and contrast of all frames alike.
        drift: Largest change of brightness and contrast from frame to frame, as a fraction.
        blur: Blur one frame along a line or in all directions.
        camera: Given frames that are all alike, move each as if a hand held the camera.
        pastes: Try to paste so many objects, each as often as `paste` says.
        lookalike: Given a pasted object, take a copy of the target, mirrored or in other colours; it is not followed.
        swing: How much a pasted object turns, grows and bends from frame to frame; 0 only shifts it.
        least_scale: Logarithm of the smallest scale of a pasted object.
        paste_scale: What that scale refers to: the donor's `pixels`, or its size in relation to its own `frame`.
        least_left: Paste no object that leaves less than this share of the target on the first frame.
    """

    still: float = Field(default=0.1, ge=0, le=1)
    paste: float = Field(default=0.5, ge=0, le=1)
    paste_is_target: float = Field(default=0.35, ge=0, le=1)
    paste_behind: float = Field(default=0.5, ge=0, le=1)
    colour: float = Field(default=0.5, ge=0, le=1)
    drift: float = Field(default=0.1, ge=0, le=1)
    blur: float = Field(default=0.1, ge=0, le=1)
    camera: float = Field(default=0.0, ge=0, le=1)
    pastes: int = Field(default=1, ge=1, le=1000)
    lookalike: float = Field(default=0.0, ge=0, le=1)
    swing: float = Field(default=0.0, ge=0, le=1)
    least_scale: float = Field(default=-0.7, ge=-10, le=0.4)
    paste_scale: Literal["pixels", "frame"] = "pixels"
    least_left: float = Field(default=0.0, ge=0, le=1)


def synthesise(given: MiniSequence, donor: Donor, settings: SynthesisSettings, rng: Generator) -> MiniSequence:
    """Return a changed copy of `given`; masks follow what can be seen of the object that is to be segmented."""
    images, masks = [image.copy() for image in given.images], [mask.copy() for mask in given.masks]
    rivals: list[Mask] = []
    if rng.random() < settings.still:
        images, masks = [images[0].copy() for _ in images], [masks[0].copy() for _ in masks]
    if settings.camera and _all_alike(images) and rng.random() < settings.camera:
        images, masks = _shaken(images, masks, rng)
    for _ in range(settings.pastes):
        if rng.random() < settings.paste:
            masks, rivals = _paste(images, masks, rivals, donor, settings, rng)
    if rng.random() < settings.colour:
        images = _recolour(images, rng)
    images = [_drift(image, settings.drift, rng) for image in images]
    blurred = [_blur(image, rng) if rng.random() < settings.blur else image for image in images]
    return MiniSequence(blurred, masks, rivals=rivals)


def _all_alike(images: list[Image]) -> bool:
    return len(images) > 1 and all(np.array_equal(images[0], image) for image in images[1:])


def _shaken(images: list[Image], masks: list[Mask], rng: Generator) -> tuple[list[Image], list[Mask]]:
    """Move every frame after the first: each a little further than the one before, turned, scaled and bent."""
    velocity = rng.normal(0, 0.03, 2) * masks[0].shape[1]
    pairs = [(images[0], masks[0])]
    for number, (image, mask) in enumerate(zip(images[1:], masks[1:], strict=True), start=1):
        where = _bent_grid(mask.shape, number * velocity, 1.0, rng)
        moved = cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        region = cv2.remap(mask.astype(np.uint8), where, None, cv2.INTER_NEAREST)
        pairs.append((np.asarray(moved, np.uint8), region > 0))
    return [image for image, _ in pairs], [mask for _, mask in pairs]


def _bent_grid(
    shape: tuple[int, ...], shift: NDArray[np.float64], strength: float, rng: Generator
) -> NDArray[np.float32]:
    """Return for each pixel, H x W x 2, where a moved frame looks: an affine map and a smooth random bend."""
    height, width = shape
    centre = (width / 2, height / 2)
    turn = cv2.getRotationMatrix2D(
        centre, strength * rng.uniform(-12, 12), math.exp(strength * rng.uniform(-0.15, 0.15))
    )
    matrix = np.asarray(turn, np.float64)
    matrix[:, 2] += shift
    coarse = rng.normal(0, 0.012 * strength * width, (4, 4, 2)).astype(np.float32)
    bend = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    straight = np.stack([x, y], axis=-1) @ matrix[:, :2].T.astype(np.float32) + matrix[:, 2].astype(np.float32)
    return np.asarray(straight + bend, np.float32)


def _paste(
    images: list[Image],
    masks: list[Mask],
    rivals: list[Mask],
    donor: Donor,
    settings: SynthesisSettings,
    rng: Generator,
) -> tuple[list[Mask], list[Mask]]:
    """Paste an object into `images` in place; return the masks of the object to follow and of its latest rival."""
    double = bool(settings.lookalike) and rng.random() < settings.lookalike and masks[0].sum() > LEAST_TARGET
    given = _double(images, masks, rng) if double else donor(rng)
    place = _placement(given.masks[0], masks[0].shape, settings, rng)
    drift = rng.normal(0, 0.04, 2) * float(masks[0].shape[1])
    as_target = not double and rng.random() < settings.paste_is_target
    behind = not as_target and rng.random() < settings.paste_behind
    layers = []
    for number, mask in enumerate(masks):
        matrix = place.copy()
        matrix[:, 2] = matrix[:, 2] + number * drift
        colours, alpha = _moved(*_swung(given, number, settings.swing, rng), matrix, mask.shape)
        layers.append((colours, alpha * (1 - _soft(mask)) if behind else alpha))
    pasted = [alpha > 0.5 for _, alpha in layers]
    follow = as_target and pasted[0].sum() > LEAST_TARGET
    if not follow and (masks[0] & ~pasted[0]).sum() < settings.least_left * masks[0].sum():
        return masks, rivals
    for image, (colours, alpha) in zip(images, layers, strict=True):
        cv2.blendLinear(colours, image, alpha, 1 - alpha, dst=image)
    left = [mask & ~over for mask, over in zip(masks, pasted, strict=True)]
    return (pasted, left) if follow else (left, pasted)


def _swung(given: MiniSequence, number: int, swing: float, rng: Generator) -> tuple[Image, Mask]:
    """Return a donor's frame with its mask, turned, grown and bent after the first one."""
    image, mask = given.images[number], given.masks[number]
    if not number or not swing:
        return image, mask
    grid = _bent_grid(mask.shape, np.zeros(2), swing, rng)
    bent = cv2.remap(mask.astype(np.uint8), grid, None, cv2.INTER_NEAREST)
    return np.asarray(cv2.remap(image, grid, None, cv2.INTER_LINEAR), np.uint8), bent > 0


def _double(images: list[Image], masks: list[Mask], rng: Generator) -> MiniSequence:
    """Return the frames as they are, for a second copy of their own object; perhaps in other colours."""
    copies = [image.copy() for image in images]
    return MiniSequence(_recolour(copies, rng) if rng.random() < 0.5 else copies, [mask.copy() for mask in masks])


def _placement(mask: Mask, shape: tuple[int, ...], settings: SynthesisSettings, rng: Generator) -> NDArray[np.float64]:
    """Return the matrix that puts the object of `mask` somewhere on the frame, turned, scaled, perhaps mirrored."""
    x, y, width, height = box_of(mask)
    scale = math.exp(rng.uniform(settings.least_scale, 0.4))
    if settings.paste_scale == "frame":
        scale *= shape[1] / mask.shape[1]
    turn = cv2.getRotationMatrix2D((x + width / 2, y + height / 2), rng.uniform(-20, 20), scale)
    matrix = np.asarray(turn, np.float64)
    if rng.random() < 0.5:
        matrix = matrix @ np.array([[-1.0, 0, 2 * x + width], [0, 1, 0], [0, 0, 1]])
    centre = rng.uniform(0.1, 0.9, 2) * (shape[1], shape[0])
    matrix[:, 2] = matrix[:, 2] + centre - (x + width / 2, y + height / 2)
    return matrix


def _moved(
    image: Image, mask: Mask, matrix: NDArray[np.float64], shape: tuple[int, ...]
) -> tuple[Image, NDArray[np.float32]]:
    size = (shape[1], shape[0])
    moved, alpha = cv2.warpAffine(image, matrix, size), cv2.warpAffine(_soft(mask), matrix, size)
    return np.asarray(moved, np.uint8), np.asarray(alpha, np.float32)


def _soft(mask: Mask) -> NDArray[np.float32]:
    """Return the mask with a soft edge, so that a pasted object does not look cut out."""
    return np.asarray(cv2.GaussianBlur(mask.astype(np.float32), (3, 3), 0), np.float32)


def _recolour(images: list[Image], rng: Generator) -> list[Image]:
    """Mix the colour channels of all frames alike: hue turns, saturation and contrast change."""
    grey = np.full((3, 3), 1 / 3)
    angle = rng.normal(0, 0.25)
    turn = _turn_about_grey(angle)
    saturation, contrast = rng.uniform(0.5, 1.5), rng.uniform(0.7, 1.3)
    matrix = contrast * (grey + saturation * (turn - grey))
    shift = 127 * (1 - contrast) + rng.uniform(-20, 20)
    mixer = np.column_stack([matrix, np.full(3, shift)])
    return [np.asarray(cv2.transform(image, mixer), np.uint8) for image in images]


def _turn_about_grey(angle: float) -> NDArray[np.float64]:
    """Return the rotation of RGB about the grey axis (Rodrigues' formula)."""
    turn, _ = cv2.Rodrigues(np.full(3, angle / math.sqrt(3)))
    return np.asarray(turn, np.float64)


def _drift(image: Image, strength: float, rng: Generator) -> Image:
    gain, shift = 1 + rng.uniform(-strength, strength), 127 * rng.uniform(-strength, strength) / 2
    return np.asarray(cv2.addWeighted(image, gain, image, 0, shift), np.uint8)


def _blur(image: Image, rng: Generator) -> Image:
    if rng.random() < 0.5:
        return np.asarray(cv2.GaussianBlur(image, (0, 0), rng.uniform(0.7, 2.0)), np.uint8)
    length = int(rng.integers(3, 10)) | 1
    kernel = np.zeros((length, length), np.float32)
    kernel[length // 2] = 1 / length
    turn = cv2.getRotationMatrix2D((length // 2, length // 2), rng.uniform(0, 180), 1.0)
    turned = cv2.warpAffine(kernel, turn, (length, length))
    return np.asarray(cv2.filter2D(image, -1, turned / turned.sum()), np.uint8)
