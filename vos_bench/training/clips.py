"""Clips of neighbouring frames for networks with a memory: growing gaps, and one camera move a frame."""

import cv2
import numpy as np
import torch
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.training.augmentation import Size, nearest_resize
from vos_bench.training.recipe import Batch
from vos_bench.training.sampling import FrameRule, MiniSequence, MiniSequences
from vos_bench.training.visibility import TrainingObject


class SkipRule(FrameRule):
    """Frames in temporal order with gaps that may grow as the training goes on; the object is visible on the first.

    Attributes:
        test_frames: How many frames follow the first.
        growth: Frames by which the largest number of skipped frames grows at each stage.
        samples: Samples of a stage.
        most: The largest number of skipped frames at last.
    """

    test_frames: int = Field(default=2, ge=1, le=1000)
    growth: int = Field(default=5, ge=0, le=1000000)
    samples: int = Field(default=1, ge=1, le=1000000000)
    most: int = Field(default=25, ge=0, le=1000000)

    @property
    def needed(self) -> str:
        """See `FrameRule.needed`."""
        return f"one that is not among the last {self.test_frames}, or a single image"

    def accepts(self, candidate: TrainingObject) -> bool:
        """Tell whether an object can start a clip, or is on a single image, which is then repeated."""
        return len(candidate.visible) == 1 or bool(candidate.visible[: -self.test_frames].any())

    def draw(self, visible: NDArray[np.bool_], rng: Generator, number: int) -> tuple[int, ...]:
        """Draw the first frame, then each next one."""
        if len(visible) == 1:
            return (0,) * (1 + self.test_frames)
        skip = min(self.most, self.growth * (number // self.samples))
        frames = [int(rng.choice(np.flatnonzero(visible[: -self.test_frames])))]
        for left in range(self.test_frames - 1, -1, -1):
            last = min(frames[-1] + 1 + skip, len(visible) - 1 - left)
            frames.append(int(rng.integers(frames[-1] + 1, last + 1)))
        return tuple(frames)


class CameraSettings(FrozenModel):
    """How frames are moved; each draws its own.

    Attributes:
        side: Side of the square that is cut, in pixels.
        least: Least share of a frame's shorter side that the square covers; the most is all of it.
        zoom: Range of the square's size from frame to frame, as the largest logarithm of a factor.
        shift: Largest shift of the square from frame to frame, in shares of its side.
        degrees: Largest rotation.
        shear: Largest shear.
        bend: Strength of a smooth random bend of the frame, as the deviation of a shift in shares of the side.
        brightness: Largest relative change of brightness.
    """

    side: int = Field(default=384, ge=16, le=8192)
    least: float = Field(default=0.6, gt=0, le=1)
    zoom: float = Field(default=0.1, ge=0, le=100)
    shift: float = Field(default=0.05, ge=0, le=100)
    degrees: float = Field(default=10.0, ge=0, le=360)
    shear: float = Field(default=0.05, ge=0, le=100)
    bend: float = Field(default=0.0, ge=0, le=1000)
    brightness: float = Field(default=0.1, ge=0, lt=1)


class CameraTransform:
    """Makes `images` (Q x 3 x S x S, uint8, RGB) and `masks` (Q x S x S, bool) of a clip, as if a camera moved."""

    def __init__(self, settings: CameraSettings) -> None:
        self._settings = settings

    def __call__(self, given: MiniSequence, rng: Generator, _supply: MiniSequences) -> Batch:
        """Cut a square that holds part of the object on the first frame, and follow it with a shaky hand."""
        settings, mask = self._settings, given.masks[0]
        side = min(mask.shape) * rng.uniform(settings.least, 1)
        rows, columns = np.nonzero(mask)
        chosen = int(rng.integers(rows.size))
        centre = np.array([columns[chosen], rows[chosen]]) + rng.uniform(-0.25, 0.25, 2) * side
        mirror = -1.0 if rng.random() < 0.5 else 1.0
        pairs = zip(given.images, given.masks, strict=True)
        frames = [self._seen(image, mask, centre, side, mirror, rng) for image, mask in pairs]
        pixels = torch.from_numpy(np.stack([image for image, _ in frames])).permute(0, 3, 1, 2).contiguous()
        return {"images": pixels, "masks": torch.from_numpy(np.stack([mask for _, mask in frames]))}

    def _seen(
        self, image: Image, mask: Mask, centre: NDArray[np.float64], side: float, mirror: float, rng: Generator
    ) -> tuple[Image, Mask]:
        """Sample the frame where each pixel of the square looks."""
        settings = self._settings
        angle = np.deg2rad(rng.uniform(-settings.degrees, settings.degrees))
        shear = rng.uniform(-settings.shear, settings.shear)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        matrix = turn @ np.array([[mirror, shear], [0, 1]]) * side * np.exp(rng.uniform(-settings.zoom, settings.zoom))
        place = centre + rng.uniform(-settings.shift, settings.shift, 2) * side
        axis = (np.arange(settings.side) + 0.5) / settings.side - 0.5
        square = np.stack(np.meshgrid(axis, axis), axis=-1) + self._bend(rng)
        where = (square @ matrix.T + place).astype(np.float32)
        moved = cv2.remap(image, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101)
        moved_mask = cv2.remap(mask.astype(np.uint8), where, None, cv2.INTER_NEAREST)
        gain = rng.uniform(1 - settings.brightness, 1 + settings.brightness)
        return np.asarray(cv2.convertScaleAbs(moved, alpha=gain), np.uint8), moved_mask > 0

    def _bend(self, rng: Generator) -> NDArray[np.float64]:
        """Return a smooth random shift of each pixel of the square, in shares of its side."""
        side, strength = self._settings.side, self._settings.bend
        coarse = rng.normal(0, strength, (4, 4, 2)) if strength else np.zeros((4, 4, 2))
        return np.asarray(cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC), np.float64)


class SeenRule(FrameRule):
    """Takes any object that is visible at all."""

    @property
    def needed(self) -> str:
        """See `FrameRule.needed`."""
        return "one or more"

    def accepts(self, candidate: TrainingObject) -> bool:
        """Take any object that is visible at all."""
        return bool(candidate.visible.any())


class StillRule(SeenRule):
    """One frame on which the object is visible."""

    test_frames: int = 0

    def draw(self, visible: NDArray[np.bool_], rng: Generator, number: int) -> tuple[int, ...]:
        """Draw the frame."""
        del number
        return (int(rng.choice(np.flatnonzero(visible))),)


def resized_frame(image: Image, mask: Mask, size: Size) -> tuple[Image, Mask]:
    """Bring a frame (bilinear) and its mask (nearest) to a size; one that has it stays as it is."""
    if mask.shape == tuple(size):
        return image, mask
    resized = cv2.resize(image, (size.width, size.height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8), nearest_resize(mask.view(np.uint8), size).view(np.bool_)
