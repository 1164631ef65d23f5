"""The first mask, moved and scaled by correlation filters."""

from typing import ClassVar

import cv2
import numpy as np
from pydantic import Field

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.methods.correlation_filter.features import Features, describe
from vos_bench.methods.correlation_filter.filters import Filter, gaussian, peak
from vos_bench.methods.correlation_filter.pyramid import Pose, Pyramid
from vos_bench.parts.box_start import BoxFill, mask_of
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel

_LEAST_EXTENT = 8.0
"""Pixels; smaller objects are followed with this much of their surroundings, having too little pattern of their own."""


class CorrelationFilterConfig(FrozenModel):
    """Settings of correlation-filter; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        box_fill: What a first box becomes: `ellipse` or `rectangle` in it, or what `grabcut` separates.
        padding: How far the search reaches beyond the object's box, in shares of the box's sides.
        window_side: The search window is resampled to about this many pixels squared.
        cell: Side of the squares that are described, in pixels of that window.
        orientations: How many directions of gradients are told apart.
        colour_weight: Factor on the colour channels beside the gradients.
        spread: Width of the wanted response, as a share of the object's size.
        regularisation: Added to the filters' denominators, as a share of the mean energy.
        rate: Share of the newest frame in the filter of positions, 0 to 1.
        scales: How many sizes are tried, an odd number; 1 keeps the size.
        scale_step: Ratio between neighbouring sizes.
        scale_rate: Share of the newest frame in the filter of sizes, 0 to 1.
        scale_side: Each size is resampled to about this many pixels squared.
        smallest: Least scale against the first frame.
        largest: Greatest scale against the first frame.
        sure_from: Peak-to-sidelobe ratio below which nothing is learned and the object is taken to stand still.
        lost_below: Peak-to-sidelobe ratio below which the object is answered as out of sight.
    """

    box_fill: BoxFill = "grabcut"
    padding: float = Field(default=1.0, gt=0, le=16)
    window_side: int = Field(default=128, ge=16, le=2048)
    cell: int = Field(default=4, ge=1, le=256)
    orientations: int = Field(default=9, ge=2, le=180)
    colour_weight: float = Field(default=1.0, ge=0, le=1e6)
    spread: float = Field(default=0.1, gt=0, le=100)
    regularisation: float = Field(default=0.01, gt=0, le=1e6)
    rate: float = Field(default=0.015, ge=0, le=1)
    scales: int = Field(default=17, ge=1, le=500)
    scale_step: float = Field(default=1.03, gt=1, le=10)
    scale_rate: float = Field(default=0.05, ge=0, le=1)
    scale_side: int = Field(default=32, ge=8, le=512)
    smallest: float = Field(default=0.2, gt=0, le=1)
    largest: float = Field(default=5.0, gt=0, le=1000)
    sure_from: float = Field(default=3.0, ge=0, le=1e6)
    lost_below: float = Field(default=0.0, ge=0, le=1e6)


class CorrelationFilter(PerObject):
    """Follows each object by a `FollowedMask`."""

    Config: ClassVar[type[CorrelationFilterConfig]] = CorrelationFilterConfig
    on_cpu = True

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`."""
        self._pyramid = Pyramid()
        return super().initialize(image, prompt)

    def see_frame(self, image: Image) -> None:
        """Share one pyramid of the frame among all objects."""
        self._pyramid.see_frame(image)

    def build_model(self, object_id: int) -> SingleObjectModel:  # noqa: ARG002 (all alike)
        """Return a follower of one object."""
        return FollowedMask(self.config, pyramid=self._pyramid, seed=self.seed)


class FollowedMask(SingleObjectModel):
    """The first mask, where its object is now, and the filters that find it."""

    def __init__(self, config: CorrelationFilterConfig, *, pyramid: Pyramid, seed: int) -> None:
        self._config, self._pyramid, self._seed = config, pyramid, seed

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Take the mask, and what it and its surroundings look like."""
        config = self._config
        mask = mask_of(image, start, fill=config.box_fill, seed=self._seed).astype(np.float32)
        x, y, height, width = _box(mask)
        self._first = self._mask = mask
        self._start = self._pose = Pose(x, y, 1.0)
        self._extent = height, width
        self._window = height * (1 + config.padding), width * (1 + config.padding)
        self._window_size = _size(self._window, config.window_side, config.cell)
        self._scale_size = _size(self._extent, config.scale_side, config.cell)
        cells = self._window_size[0] // config.cell, self._window_size[1] // config.cell
        spreads = cells[0] / (1 + config.padding) * config.spread, cells[1] / (1 + config.padding) * config.spread
        self._place = self._filter(gaussian(cells, spreads), config.rate)
        self._size = self._filter(gaussian((config.scales,), (max(0.5, config.scales / 12),)), config.scale_rate)
        self._learn()
        return mask

    def step(self, image: Image) -> Probability:
        """Look for the object round its last place, then for its size, and move the mask there."""
        config = self._config
        shift, sureness = peak(self._place.respond(self._seen(self._pose)))
        if sureness >= config.sure_from:
            self._move(shift, image.shape)
            self._rescale()
            self._learn()
        self._mask = self._moved(image.shape) if sureness >= config.lost_below else np.zeros_like(self._first)
        return self._mask

    def _filter(self, wanted: np.ndarray, rate: float) -> Filter:
        return Filter(wanted, regularisation=self._config.regularisation, rate=rate)

    def _learn(self) -> None:
        self._place.learn(self._seen(self._pose))
        if self._config.scales > 1:
            self._size.learn(self._sizes())

    def _seen(self, pose: Pose) -> Features:
        return self._describe(self._pyramid.patch(pose, self._window, self._window_size))

    def _describe(self, patch: Image) -> Features:
        config = self._config
        return describe(patch, cell=config.cell, orientations=config.orientations, colour_weight=config.colour_weight)

    def _sizes(self) -> Features:
        """Describe the object as it would look at each size: one column a size, smallest first."""
        steps = np.arange(self._config.scales) - self._config.scales // 2
        poses = [self._pose._replace(scale=self._pose.scale * self._config.scale_step**k) for k in steps]
        patches = [self._pyramid.patch(pose, self._extent, self._scale_size) for pose in poses]
        return np.stack([self._describe(patch).ravel() for patch in patches], axis=1)

    def _move(self, cells: np.ndarray, shape: tuple[int, ...]) -> None:
        steps = [self._pose.scale * e / n for e, n in zip(self._window, self._window_size, strict=True)]
        y = self._pose.y + float(cells[0]) * self._config.cell * steps[0]
        x = self._pose.x + float(cells[1]) * self._config.cell * steps[1]
        self._pose = Pose(min(max(x, 0.0), shape[1]), min(max(y, 0.0), shape[0]), self._pose.scale)

    def _rescale(self) -> None:
        if self._config.scales == 1:
            return
        shift, _ = peak(self._size.respond(self._sizes()))
        scale = self._pose.scale * self._config.scale_step ** float(shift[0])
        self._pose = self._pose._replace(scale=min(max(scale, self._config.smallest), self._config.largest))

    def _moved(self, shape: tuple[int, ...]) -> Probability:
        """Return the first mask at the present pose; bilinear, zero from outside the frame."""
        pose, start = self._pose, self._start
        back = np.array(
            [
                [1 / pose.scale, 0, start.x - 0.5 - (pose.x - 0.5) / pose.scale],
                [0, 1 / pose.scale, start.y - 0.5 - (pose.y - 0.5) / pose.scale],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        return np.asarray(cv2.warpAffine(self._first, back, (shape[1], shape[0]), flags=flags), np.float32)


def _box(mask: Probability) -> tuple[float, float, float, float]:
    """Return the centre (x, y) and the height and width of the box round a mask."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    top, bottom, left, right = rows[0], rows[-1] + 1, columns[0], columns[-1] + 1
    height, width = max(float(bottom - top), _LEAST_EXTENT), max(float(right - left), _LEAST_EXTENT)
    return (left + right) / 2, (top + bottom) / 2, height, width


def _size(extent: tuple[float, float], side: int, cell: int) -> tuple[int, int]:
    """Return height and width in whole cells, of about `side` squared pixels and the extent's proportions."""
    aspect = min(max((extent[0] / extent[1]) ** 0.5, 0.5), 2.0)
    return max(4, round(side * aspect / cell)) * cell, max(4, round(side / aspect / cell)) * cell
