"""What the reference's training does to the frames of a mini-sequence, in its order and with its numbers."""

import cv2
import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field

from vos_bench.api import Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.training.augmentation import (
    BoxXYWH,
    Size,
    box_of,
    crop,
    crop_window,
    jitter_box,
    rotation_and_scale,
    warp,
)
from vos_bench.training.recipe import Batch
from vos_bench.training.sampling import MiniSequence, MiniSequences


class JitterSettings(FrozenModel):
    """How far a crop strays from its object.

    Attributes:
        scale: Spread of the logarithm of the object's size.
        centre: Range of the centre's shift in x and y, in units of that size.
    """

    scale: float
    centre: tuple[float, float]


class CropSettings(FrozenModel):
    """How a frame is cropped and changed; the defaults are the released code's.

    Attributes:
        height: Height of the crop, in pixels.
        width: Width of the crop, in pixels.
        search_area: Side of the crop in units of the object's size.
        train: Jitter of the train frame.
        test: Jitter of the test frames.
        affine: Whether a rotation and a scaling about the crop's centre follow.
        degrees: Largest rotation.
        log_scale: Largest logarithm of the scaling.
        grey: Probability that the train frame, or all test frames together, lose their colour.
        flip: Probability that the train frame, or all test frames together, are mirrored.
        brightness: Largest relative change of brightness, each frame's own.
    """

    height: int = Field(default=480, ge=16)
    width: int = Field(default=832, ge=16)
    search_area: float = Field(default=5.0, gt=0)
    train: JitterSettings = JitterSettings(scale=0.25, centre=(3.0, 3.0))
    test: JitterSettings = JitterSettings(scale=0.5, centre=(5.5, 4.5))
    affine: bool = True
    degrees: float = 15.0
    log_scale: float = 0.2
    grey: float = Field(default=0.05, ge=0, le=1)
    flip: float = Field(default=0.5, ge=0, le=1)
    brightness: float = Field(default=0.2, ge=0, lt=1)


class LwlTransform:
    """Makes `images` (Q x 3 x H x W, uint8, RGB), `masks` (Q x H x W, bool) and `boxes` of a mini-sequence.

    `boxes` holds the train frame's box in its crop: x, y, width, height.
    """

    def __init__(self, settings: CropSettings) -> None:
        self._settings = settings
        self._size = Size(settings.height, settings.width)

    def __call__(self, given: MiniSequence, rng: Generator, _supply: MiniSequences) -> Batch:
        """Change one mini-sequence."""
        images, masks = given
        first, first_masks = self._recolour_and_flip(images[:1], masks[:1], rng)
        others, other_masks = self._recolour_and_flip(images[1:], masks[1:], rng)
        cut, box = self._frame(first[0], first_masks[0], self._settings.train, rng)
        pairs = zip(others, other_masks, strict=True)
        frames = [cut, *(self._frame(image, mask, self._settings.test, rng)[0] for image, mask in pairs)]
        pixels = torch.from_numpy(np.stack([image for image, _ in frames])).permute(0, 3, 1, 2).contiguous()
        return {
            "images": pixels,
            "masks": torch.from_numpy(np.stack([mask for _, mask in frames])),
            "boxes": torch.tensor(box),
        }

    def _recolour_and_flip(
        self, images: list[Image], masks: list[Mask], rng: Generator
    ) -> tuple[list[Image], list[Mask]]:
        """One draw for all `images`. The reference weighs the channels of its BGR frames as if they were RGB."""
        if rng.random() < self._settings.grey:
            images = [np.repeat(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)[..., None], 3, axis=2) for image in images]
        if rng.random() < self._settings.flip:
            images = [np.ascontiguousarray(image[:, ::-1]) for image in images]
            masks = [np.ascontiguousarray(mask[:, ::-1]) for mask in masks]
        return images, masks

    def _frame(
        self, image: Image, mask: Mask, jitter: JitterSettings, rng: Generator
    ) -> tuple[tuple[Image, Mask], BoxXYWH]:
        """Crop, turn and brighten one frame; also return its object's box in the crop, before any turning."""
        settings = self._settings
        box = box_of(mask)
        jittered = jitter_box(box, scale=jitter.scale, centre=jitter.centre, rng=rng)
        window = crop_window(jittered, Size(*mask.shape), self._size, search_area=settings.search_area)
        image, mask = crop(image, mask, window, self._size)
        if settings.affine:
            degrees = rng.uniform(-settings.degrees, settings.degrees)
            scale = float(np.exp(rng.uniform(-settings.log_scale, settings.log_scale)))
            image, mask = warp(image, mask, rotation_and_scale(self._size, degrees=degrees, scale=scale))
        gain = rng.uniform(1 - settings.brightness, 1 + settings.brightness)
        return (np.asarray(cv2.convertScaleAbs(image, alpha=gain), np.uint8), mask), window.carry(box, self._size)
