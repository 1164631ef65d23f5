"""What the reference's training does to the frames of a mini-sequence, in its order and with its numbers."""

from typing import Annotated, NamedTuple, Self

import cv2
import numpy as np
import torch
from numpy.random import Generator
from pydantic import Field
from torch import Tensor

from vos_bench.api import Box, Image, Mask
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

    scale: float = Field(ge=0, le=10)
    centre: tuple[Annotated[float, Field(ge=0, le=1000)], Annotated[float, Field(ge=0, le=1000)]]


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
        brightness: Largest relative change of brightness, each frame's own, in floats.
    """

    height: int = Field(default=480, ge=16, le=8192)
    width: int = Field(default=832, ge=16, le=8192)
    search_area: float = Field(default=5.0, gt=0, le=100)
    train: JitterSettings = JitterSettings(scale=0.25, centre=(3.0, 3.0))
    test: JitterSettings = JitterSettings(scale=0.5, centre=(5.5, 4.5))
    affine: bool = True
    degrees: float = Field(default=15.0, ge=0, le=360)
    log_scale: float = Field(default=0.2, ge=0, le=10)
    grey: float = Field(default=0.05, ge=0, le=1)
    flip: float = Field(default=0.5, ge=0, le=1)
    brightness: float = Field(default=0.2, ge=0, lt=1)

    def for_validation(self) -> Self:
        """Return the same crops without what the released code does in training alone: turning and brightness."""
        return type(self).model_validate({**self.model_dump(), "affine": False, "brightness": 0.0})


class Frame(NamedTuple):
    """One frame and its object.

    Attributes:
        image: H x W x 3, RGB.
        mask: The object's mask.
        box: The object's box: x, y, width, height.
    """

    image: Image
    mask: Mask
    box: BoxXYWH

    def without_colour(self) -> "Frame":
        """Return the frame in grey."""
        grey = cv2.cvtColor(self.image, cv2.COLOR_BGR2GRAY)
        return Frame(np.repeat(grey[..., None], 3, axis=2), self.mask, self.box)

    def mirrored(self) -> "Frame":
        """Return the frame with left and right exchanged."""
        x, y, width, height = self.box
        return Frame(
            np.ascontiguousarray(self.image[:, ::-1]),
            np.ascontiguousarray(self.mask[:, ::-1]),
            (self.mask.shape[1] - x - width, y, width, height),
        )


class LwlTransform:
    """Makes `images` (Q x 3 x H x W, uint8, RGB), `gains` (Q), `masks` (Q x H x W, bool) and `boxes` of frames.

    An image has to be multiplied by its gain: `brightened` does so in floats, where the images are needed. `boxes`
    holds the train frame's box in its crop: x, y, width, height.
    """

    def __init__(self, settings: CropSettings) -> None:
        self._settings = settings
        self._size = Size(settings.height, settings.width)

    def __call__(self, given: MiniSequence, rng: Generator, _supply: MiniSequences) -> Batch:
        """Change one mini-sequence."""
        marked = [Frame(*each) for each in zip(given.images, given.masks, _boxes(given), strict=True)]
        [first] = self._recolour_and_flip(marked[:1], rng)
        others = self._recolour_and_flip(marked[1:], rng)
        cut = [self._cut(first, self._settings.train, rng)]
        cut += [self._cut(frame, self._settings.test, rng) for frame in others]
        pixels = torch.from_numpy(np.stack([frame.image for frame, _ in cut])).permute(0, 3, 1, 2).contiguous()
        return {
            "images": pixels,
            "gains": torch.tensor([gain for _, gain in cut], dtype=torch.float32),
            "masks": torch.from_numpy(np.stack([frame.mask for frame, _ in cut])),
            "boxes": torch.tensor(cut[0][0].box),
        }

    def _recolour_and_flip(self, frames: list[Frame], rng: Generator) -> list[Frame]:
        """One draw for all frames. The reference weighs the channels of its BGR frames as if they were RGB."""
        grey, flip = rng.random() < self._settings.grey, rng.random() < self._settings.flip
        frames = [frame.without_colour() for frame in frames] if grey else frames
        return [frame.mirrored() for frame in frames] if flip else frames

    def _cut(self, frame: Frame, jitter: JitterSettings, rng: Generator) -> tuple[Frame, float]:
        """Crop and turn one frame; also return its gain. The box in the crop is the one before any turning."""
        settings = self._settings
        jittered = jitter_box(frame.box, scale=jitter.scale, centre=jitter.centre, rng=rng)
        window = crop_window(jittered, Size(*frame.mask.shape), self._size, search_area=settings.search_area)
        image, mask = crop(frame.image, frame.mask, window, self._size)
        if settings.affine:
            degrees = rng.uniform(-settings.degrees, settings.degrees)
            scale = float(np.exp(rng.uniform(-settings.log_scale, settings.log_scale)))
            image, mask = warp(image, mask, rotation_and_scale(self._size, degrees=degrees, scale=scale))
        gain = float(rng.uniform(1 - settings.brightness, 1 + settings.brightness))
        return Frame(image, mask, window.carry(frame.box, self._size)), gain


def _boxes(given: MiniSequence) -> list[BoxXYWH]:
    """Return the object's box on each frame: its own where the dataset gives one, else its mask's."""
    own = given.boxes or [None] * len(given.masks)
    return [_as_xywh(box) if box else box_of(mask) for box, mask in zip(own, given.masks, strict=True)]


def _as_xywh(box: Box) -> BoxXYWH:
    x0, y0, x1, y1 = box
    return x0, y0, x1 - x0, y1 - y0


def brightened(batch: Batch) -> Tensor:
    """Return the images of a batch, S x Q x 3 x H x W of 0..255, times their gains: in floats, without rounding.

    A batch without `gains` keeps its images.
    """
    images = batch["images"].float()
    return images if "gains" not in batch else (images * batch["gains"][..., None, None, None]).clamp_(0, 255)
