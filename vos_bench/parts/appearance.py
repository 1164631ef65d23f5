"""What an object and its surroundings look like: colours anywhere, and colours at a place. No network, no torch."""

import cv2
import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Image
from vos_bench.config import FrozenModel

Indices = NDArray[np.intp]
"""H x W; the palette's nearest colour to every pixel."""

Evidence = NDArray[np.float32]
"""H x W; log odds that a pixel shows the object."""

_LEVELS = 32
"""Steps per channel of the table from RGB to the palette: finer than any palette, small enough to fill at once."""

_SAMPLES = 10_000
"""Pixels that a palette is made from: enough for some hundred colours, whatever the size of the image."""

_NOTHING = 1e-6
"""Weights and counts below this become zero: subnormal numbers would slow the products down more than tenfold."""


class AppearanceConfig(FrozenModel):
    """How appearance is learned.

    Attributes:
        colours: Size of the palette, made from the frame where the object starts.
        similarity: How far colours support each other: standard deviation in units of Lab (8 bits a channel).
        cell: Side of the squares in which colours at a place are counted, pixels at the working size.
        first_share: Share of the first frame in the colours anywhere, 0 to 1; the rest is a running mean.
        rate: Share of the newest frame in that running mean, 0 to 1.
        local_rate: Share of the newest frame in the colours at a place, 0 to 1.
        local_prior: Pixels of either kind that every colour and place is taken to have shown already.
        limit: Largest log odds that a single piece of evidence may claim.
        margin: How far the surroundings reach beyond the object's box, in shares of the box's sides.
    """

    colours: int = Field(default=256, ge=2, le=1024)
    similarity: float = Field(default=2.0, gt=0, le=1e6)
    cell: int = Field(default=16, ge=1, le=256)
    first_share: float = Field(default=0.6, ge=0, le=1)
    rate: float = Field(default=0.05, ge=0, le=1)
    local_rate: float = Field(default=0.1, ge=0, le=1)
    local_prior: float = Field(default=1.0, gt=0, le=1e6)
    limit: float = Field(default=3.0, gt=0, le=1e6)
    margin: float = Field(default=0.5, ge=0, le=1e6)


class Palette:
    """A few hundred colours that stand for all others, and how alike they are."""

    def __init__(self, image: Image, colours: int, *, similarity: float, seed: int) -> None:
        """Choose at most so many colours by k-means in Lab among pixels spread evenly over the image, H x W x 3, RGB.

        `similarity` is the standard deviation in Lab of the weight with which one colour supports another.
        """
        pixels = image.reshape(-1, 3)[:: max(1, image.shape[0] * image.shape[1] // _SAMPLES)]
        lab = _lab(pixels)
        cv2.setRNGSeed(seed)
        stop = (cv2.TERM_CRITERIA_MAX_ITER, 10, 0)
        _, _, self._centres = cv2.kmeans(lab, min(colours, len(lab)), None, stop, 1, cv2.KMEANS_PP_CENTERS)
        steps = (np.arange(_LEVELS) * (256 // _LEVELS) + 128 // _LEVELS).astype(np.uint8)
        grid = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), axis=-1)
        self._nearest = _distances(_lab(grid.reshape(-1, 3)), self._centres).argmin(axis=1)
        support = np.exp(-_distances(self._centres, self._centres) / (2 * similarity**2))
        support[support < _NOTHING] = 0
        # Sparse, because a colour has few neighbours, and because BLAS would start threads for a product this small.
        self._support = scipy.sparse.csr_array((support / support.sum(axis=1, keepdims=True)).astype(np.float32))
        self._image: Image | None = None

    def __len__(self) -> int:
        return len(self._centres)

    def index(self, image: Image) -> Indices:
        """Return for every pixel, H x W, the position of its nearest colour.

        The answer to the last image is kept, since all objects of a frame ask for the same.
        """
        if image is not self._image:
            self._image, self._indices = image, self._look_up(image)
        return self._indices

    def spread(self, counts: NDArray[np.float32]) -> NDArray[np.float32]:
        """Let each colour's count, N x K, support the colours that are like it; sums stay."""
        return np.asarray(counts @ self._support, np.float32)

    def _look_up(self, image: Image) -> Indices:
        steps = (image >> 3).astype(np.intp)
        indices: Indices = self._nearest[(steps[..., 0] * _LEVELS + steps[..., 1]) * _LEVELS + steps[..., 2]]
        return indices


class Appearance:
    """The colours of one object and of its surroundings, over the whole sequence and at each place."""

    def __init__(self, size: tuple[int, ...], config: AppearanceConfig, *, palette: Palette) -> None:
        """Start without any knowledge; `size` is H, W of the frames at the working size."""
        self._config, self._palette = config, palette
        self._rows, self._columns = (np.arange(n) // config.cell for n in size)
        self._grid = (int(self._rows[-1]) + 1, int(self._columns[-1]) + 1)
        self._cells: Indices = self._rows[:, None] * self._grid[1] + self._columns
        # The grid has a rim of empty cells, so that every cell has neighbours.
        self._local = np.zeros((2, self._grid[0] + 2, self._grid[1] + 2, len(palette)), np.float32)
        self._first: NDArray[np.float32] | None = None

    def learn(self, indices: Indices, probability: NDArray[np.float32]) -> None:
        """Take in a frame that has been segmented; both arrays H x W. Frames without the object teach nothing."""
        region = region_of(probability, margin=self._config.margin)
        if region is None:
            return
        inside, near = probability * (probability > 0.5), np.zeros_like(probability)
        near[region] = (1 - probability[region]) * (probability[region] <= 0.5)
        colours = np.stack([self._histogram(indices, share) for share in (inside, near)])
        places = np.stack([self._places(indices, share) for share in (probability, 1 - probability)])
        if self._first is None:
            self._first = self._recent = colours
            self._local[:, 1:-1, 1:-1] = places
        else:
            self._recent = self._recent + self._config.rate * (colours - self._recent)
            self._local[:, 1:-1, 1:-1] += self._config.local_rate * (places - self._local[:, 1:-1, 1:-1])
            self._local[self._local < _NOTHING] = 0

    def anywhere(self, indices: Indices) -> Evidence:
        """Return the log odds of the colours alone, wherever they are seen."""
        config = self._config
        assert self._first is not None
        share = config.first_share * self._first + (1 - config.first_share) * self._recent
        odds = np.log((share[0] + 1e-4) / (share[1] + 1e-4)).clip(-config.limit, config.limit)
        evidence: Evidence = odds.astype(np.float32)[indices]
        return evidence

    def in_place(self, indices: Indices, region: tuple[slice, slice]) -> Evidence:
        """Return the log odds of seeing these colours in these places.

        Args:
            indices: Of the region, h x w.
            region: Where that is in the frame.
        """
        config, rows, columns = self._config, self._rows[region[0]], self._columns[region[1]]
        near = self._local[:, rows[0] : rows[-1] + 3, columns[0] : columns[-1] + 3]
        spread = self._palette.spread(_smooth_places(near).reshape(-1, len(self._palette)))
        smooth = spread.reshape(2, -1, len(self._palette))
        odds = np.log((smooth[0] + config.local_prior) / (smooth[1] + config.local_prior))
        flat = odds.clip(-config.limit, config.limit).reshape(-1)
        cells = (rows - rows[0])[:, None] * (near.shape[2] - 2) + (columns - columns[0])
        evidence: Evidence = flat[cells * len(self._palette) + indices]
        return evidence

    def _histogram(self, indices: Indices, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        counts = np.bincount(indices.ravel(), weights.ravel(), minlength=len(self._palette)).astype(np.float32)
        return np.asarray(self._palette.spread(counts[None] / (counts.sum() + np.float32(1e-6)))[0])

    def _places(self, indices: Indices, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        bins = self._cells * len(self._palette) + indices
        counts = np.bincount(bins.ravel(), weights.ravel(), minlength=self._local[0, 1:-1, 1:-1].size)
        return counts.reshape(*self._grid, -1).astype(np.float32)


def region_of(probability: NDArray[np.float32], *, margin: float, least: int = 8) -> tuple[slice, slice] | None:
    """Return the rows and columns round the pixels above one half, or None where there are none.

    Args:
        probability: H x W.
        margin: What is added on each side, in shares of the box's height and width.
        least: What is added on each side beyond that, in pixels.
    """
    found = probability > 0.5
    rows, columns = np.flatnonzero(found.any(axis=1)), np.flatnonzero(found.any(axis=0))
    if not rows.size:
        return None
    return _widened(rows, margin, least, found.shape[0]), _widened(columns, margin, least, found.shape[1])


def _widened(where: NDArray[np.intp], margin: float, least: int, size: int) -> slice:
    start, stop = int(where[0]), int(where[-1]) + 1
    more = int((stop - start) * margin) + least
    return slice(max(0, start - more), min(size, stop + more))


def _lab(rgb: NDArray[np.uint8]) -> NDArray[np.float32]:
    lab: NDArray[np.float32] = cv2.cvtColor(rgb[None], cv2.COLOR_RGB2LAB)[0].astype(np.float32)
    return lab


def _distances(one: NDArray[np.float32], other: NDArray[np.float32]) -> NDArray[np.float32]:
    squares: NDArray[np.float32] = (one**2).sum(axis=1)[:, None] + (other**2).sum(axis=1) - 2 * one @ other.T
    return squares


def _smooth_places(counts: NDArray[np.float32]) -> NDArray[np.float32]:
    """Spread counts, 2 x rows x columns x K, over neighbours with the weights 1/4, 1/2, 1/4; the outer cells go."""
    rows = counts[:, :-2] / 4 + counts[:, 1:-1] / 2 + counts[:, 2:] / 4
    return np.asarray(rows[:, :, :-2] / 4 + rows[:, :, 1:-1] / 2 + rows[:, :, 2:] / 4, np.float32)
