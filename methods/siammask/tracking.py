"""Where SiamMask looks for an object, which box it takes, and where the mask lies in the frame.

Frames are H x W x 3, boxes a centre and a size in pixels as (x, y); arithmetic is float64 unless said.
"""

import math
from dataclasses import dataclass
from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Image

from .config import TrackingRules
from .network import GRID, SEARCH, STRIDE, TEMPLATE, Cell

Pair = NDArray[np.float64]
"""x and y, or width and height."""

Plane = NDArray[np.float32]

NOWHERE = -1.0
"""What a soft mask says of a pixel that the mask of the object does not reach."""

_LEAST_SIDE = 10.0
"""Of a box, in pixels."""

_BORDER = 4
"""Cells by which the grid of answers is larger, on each side, than the search crop's places for a template."""

_BASE_AREA, _SCALE = 64, 8
_RATIOS = (0.33, 0.5, 1.0, 2.0, 3.0)
"""Of height to width."""


def _anchor_sizes() -> list[tuple[int, int]]:
    widths = [int(math.sqrt(_BASE_AREA / ratio)) for ratio in _RATIOS]
    return [(_SCALE * width, _SCALE * int(width * ratio)) for width, ratio in zip(widths, _RATIOS, strict=True)]


def anchors(grid: int) -> NDArray[np.float32]:
    """Return all anchors as rows of x, y, width, height from the crop's centre: ratio by ratio, row by row."""
    places = STRIDE * (np.arange(grid) - grid // 2)
    rows = [(x, y, width, height) for width, height in _anchor_sizes() for y in places for x in places]
    return np.array(rows, np.float32)


ANCHORS = anchors(GRID)
WINDOW: NDArray[np.float64] = np.outer(np.hanning(GRID), np.hanning(GRID)).ravel()
"""Prefers the crop's centre; by cell, row by row."""


@dataclass(frozen=True)
class Region:
    """A square of a frame.

    Attributes:
        centre: x, y.
        side: In pixels of the frame.
    """

    centre: Pair
    side: int

    def cut(self, image: Image, beyond: NDArray[np.uint8], side: int) -> Image:
        """Return the square's pixels, side x side x 3; those outside the frame have the colour `beyond`.

        The corner goes to the nearest pixel, ties to the even one; sizes change bilinearly, without antialiasing.
        """
        left, top = (round(float(at) - (self.side + 1) / 2) for at in self.centre)
        height, width = image.shape[:2]
        patch = np.empty((self.side, self.side, 3), np.uint8)
        patch[:] = beyond
        rows, columns = _overlap(top, self.side, height), _overlap(left, self.side, width)
        patch[rows.start - top : rows.stop - top, columns.start - left : columns.stop - left] = image[rows, columns]
        if self.side == side:
            return patch
        return np.asarray(cv2.resize(patch, (side, side), interpolation=cv2.INTER_LINEAR), np.uint8)

    def paste(self, mask: Plane, cell: Cell, size: tuple[int, int]) -> Plane:
        """Bring the square mask of a cell of this search region into a frame of `size` (H, W), bilinear.

        Pixels that it does not reach are `NOWHERE`, and those at its edge are blended with that. OpenCV before
        version 5 rounds the source's coordinates to 1/32 pixel.
        """
        height, width = size
        scale = self.side / SEARCH
        left, top = (
            at - self.side / 2 + (place - _BORDER) * STRIDE * scale
            for at, place in zip(self.centre, (cell.column, cell.row), strict=True)
        )
        zoom = len(mask) / (TEMPLATE * scale)
        across, down = (width - 1) / (width * zoom), (height - 1) / (height * zoom)
        matrix = np.array([[across, 0, across * (left * zoom)], [0, down, down * (top * zoom)]])
        pasted = cv2.warpAffine(
            mask, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=NOWHERE
        )
        return np.asarray(pasted, np.float32)


def _overlap(start: int, side: int, extent: int) -> slice:
    first = min(max(start, 0), extent)
    return slice(first, max(first, min(start + side, extent)))


@dataclass
class Target:
    """Where an object is.

    Attributes:
        centre: x, y.
        size: Width, height of its box.
        beyond: The mean colour of the frame on which it started, which fills what lies outside a frame.
    """

    centre: Pair
    size: Pair
    beyond: NDArray[np.uint8]

    @classmethod
    def started(cls, image: Image, box: Box) -> "Target":
        """Take a half-open box on the frame where an object starts."""
        x0, y0, x1, y1 = box
        centre, size = np.array([x0 + (x1 - x0) / 2, y0 + (y1 - y0) / 2]), np.array([x1 - x0, y1 - y0])
        return cls(centre, size, image.mean(axis=(0, 1)).astype(np.uint8))

    def template(self) -> Region:
        """Return the square around the object from which the template is made."""
        return Region(self.centre, max(1, round(self._context())))

    def search(self) -> Region:
        """Return the square in which it is looked for on the next frame."""
        context = self._context()
        margin = (SEARCH - TEMPLATE) / 2 / (TEMPLATE / context)
        return Region(self.centre, max(1, round(context + 2 * margin)))

    def move(self, found: "Found", rules: TrackingRules, frame: tuple[int, int]) -> None:
        """Go to what was found on a frame of this size (H, W): the place is taken as it is, the size by its score."""
        scale = TEMPLATE / self._context()
        rate = found.penalty * found.score * rules.size_rate
        extent = np.array([frame[1], frame[0]], np.float64)
        centre, size = self.centre + found.centre / scale, self.size * (1 - rate) + found.size / scale * rate
        self.centre = np.clip(centre, 0, extent)
        self.size = np.maximum(_LEAST_SIDE, np.minimum(extent, size))

    def in_search(self) -> Pair:
        """Return its width and height in pixels of the search crop."""
        return self.size * (TEMPLATE / self._context())

    def _context(self) -> float:
        return math.sqrt(float(np.prod(self.size + self.size.sum() / 2)))


class Found(NamedTuple):
    """The box that was chosen.

    Attributes:
        cell: Where in the grid.
        centre: x, y in pixels of the search crop, from its centre.
        size: Width, height there.
        score: How sure the network is, 0 to 1.
        penalty: The factor for its change of size and shape, 0 to 1.
    """

    cell: Cell
    centre: Pair
    size: Pair
    score: float
    penalty: float


def choose(scores: Plane, deltas: Plane, target: Pair, rules: TrackingRules) -> Found:
    """Choose a box by score, likeness to the last one, and nearness to the crop's centre; the first of equal ones.

    Args:
        scores: How sure the network is of each anchor, 3125.
        deltas: dx, dy, dw, dh of each anchor, 4 x 3125 float32.
        target: Width and height of the last box in pixels of the search crop.
        rules: The weights of the three.
    """
    with np.errstate(all="ignore"):  # random parameters give boxes without end
        places = deltas[:2] * ANCHORS[:, 2:].T + ANCHORS[:, :2].T
        sizes = np.exp(deltas[2:]) * ANCHORS[:, 2:].T  # float32 up to the comparison, as in the authors' code
        growth = _change(_extent(sizes) / _extent(target))
        reshaping = _change((target[0] / target[1]) / (sizes[0] / sizes[1]))
        penalties = np.exp(-(reshaping * growth - 1) * rules.change_penalty)
    finite = np.isfinite(places).all(axis=0) & np.isfinite(sizes).all(axis=0) & np.isfinite(penalties * scores)
    places[:, ~finite], sizes[:, ~finite] = 0, target[:, None]
    penalties, scores = np.where(finite, penalties, 0), np.where(finite, scores, 0)
    influence = rules.window_influence
    ranks = penalties * scores * (1 - influence) + np.tile(WINDOW, len(_RATIOS)) * influence
    best = int(ranks.argmax())
    row, column = divmod(best % GRID**2, GRID)
    at, size = places[:, best].astype(np.float64), sizes[:, best].astype(np.float64)
    return Found(Cell(row, column), at, size, float(scores[best]), float(penalties[best]))


def _change(ratios: NDArray[np.floating]) -> NDArray[np.floating]:
    change: NDArray[np.floating] = np.maximum(ratios, 1 / ratios)
    return change


def _extent(size: NDArray[np.floating]) -> NDArray[np.floating]:
    """Return the side of a square with the area of boxes, each widened by half the sum of its sides."""
    margin = (size[0] + size[1]) / 2
    extent: NDArray[np.floating] = np.sqrt((size[0] + margin) * (size[1] + margin))
    return extent
