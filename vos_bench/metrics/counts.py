"""Pixel counts of two label maps: all that J and F of their objects need.

Plain NumPy counts object by object; the compiled program (`vos_bench.compiled.count`) counts all objects in one pass.
Both give the same numbers; `counter` takes the one that is done first.
"""

import sys
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.labelmaps import NarrowLabels, object_ids
from vos_bench.metrics.measures import boundary, dilate, disk_half_widths, tolerance_radius


class PixelCounts(NamedTuple):
    """Numbers of pixels of one object on one frame; a boundary's `matched` ones lie near the other boundary."""

    intersection: int
    truth_area: int
    mask_area: int
    truth_boundary: int
    mask_boundary: int
    truth_matched: int
    mask_matched: int


FrameCounts = dict[int, PixelCounts]
"""Label to its counts, for every label but 0 that the truth or the mask has; of any other, all counts are zero."""

CountFrame = Callable[[NarrowLabels, NarrowLabels], FrameCounts]
"""Counts the pixels of one frame: its true labels and those to judge."""

LOADING_PIXELS = 20_000_000
"""Up to this many pixels (50 frames at 480p) plain NumPy is done before the compiled program is loaded."""

COMPILING_PIXELS = 100_000_000
"""Up to this many pixels (250 frames at 480p) plain NumPy is done long before the program is compiled, which happens
once on a machine."""


def count_frame(truth: NarrowLabels, masks: NarrowLabels) -> FrameCounts:
    """Count one frame with NumPy alone: the true label map, H x W, and the one to judge, of the same size."""
    radius = tolerance_radius(*truth.shape)
    window = _window((truth | masks) > 0)
    truth, masks = truth[window], masks[window]
    labels = {*object_ids(truth), *object_ids(masks)}
    return {label: _count_object(truth == label, masks == label, radius) for label in sorted(labels)}


def _window(covered: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest window that holds all objects and, where the image has them, one more pixel on each side.

    That pixel makes boundaries come out as in the whole image; matches never look beyond the boundaries' own extent.
    """
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def _count_object(truth: NDArray[np.bool_], mask: NDArray[np.bool_], radius: int) -> PixelCounts:
    window = _window(truth | mask)
    truth, mask = truth[window], mask[window]
    truth_boundary, mask_boundary = boundary(truth), boundary(mask)
    regions = (
        truth & mask,
        truth,
        mask,
        truth_boundary,
        mask_boundary,
        truth_boundary & dilate(mask_boundary, radius),
        mask_boundary & dilate(truth_boundary, radius),
    )
    return PixelCounts(*(int(np.count_nonzero(region)) for region in regions))


def counter(pixels: int) -> CountFrame:
    """Return what counts the frames of one sequence at a time soonest, when there are `pixels` in all."""
    if pixels > LOADING_PIXELS or "vos_bench.compiled.count" in sys.modules:
        from vos_bench.compiled.cache import is_compiled

        if pixels > COMPILING_PIXELS or is_compiled("count"):
            return CompiledCounter()
    return count_frame


class CompiledCounter:
    """Counts with the compiled program, and keeps its memory from frame to frame; for one thread at a time."""

    def __init__(self) -> None:
        from vos_bench.compiled.cache import uncollected

        with uncollected():
            from vos_bench.compiled import count  # loads numba

        self._program = count
        self._shape = (0, 0)
        self._labels = 8

    def __call__(self, truth: NarrowLabels, masks: NarrowLabels) -> FrameCounts:
        """Count one frame: what `count_frame` returns."""
        if tolerance_radius(*truth.shape) > self._program.LARGEST_RADIUS or not (_fits(truth) and _fits(masks)):
            return count_frame(truth, masks)
        if truth.shape != self._shape:
            self._allocate(truth.shape)
        truth, masks = _as_bytes(truth), _as_bytes(masks)
        while beyond := self._run(truth, masks):
            self._labels = beyond + 1
            self._allocate(truth.shape)
        return {
            label: PixelCounts(*numbers)
            for label, numbers in enumerate(self._counts.tolist())
            if label and (numbers[1] or numbers[2])
        }

    def _run(self, truth: NDArray[np.uint8], masks: NDArray[np.uint8]) -> int:
        """Count; return 0, or a label for which there is no bitmap yet."""
        sizes = (*self._shape, self._labels, len(self._half_widths) - 1, truth.strides[0], masks.strides[0])
        beyond: int = self._program.count.ctypes(*sizes, truth.ctypes.data, masks.ctypes.data, *self._addresses)
        return beyond

    def _allocate(self, shape: tuple[int, ...]) -> None:
        (height, width), labels = shape, self._labels
        self._shape = (height, width)
        self._half_widths = disk_half_widths(tolerance_radius(height, width))
        self._counts = np.zeros((labels, self._program.COUNTS), np.int64)
        self._memory = (
            self._half_widths,
            np.zeros((2, labels, height * self._program.words_per_row(width)), np.uint64),
            self._counts,
            np.zeros((2, self._program.blocks_per_row(width)), np.uint64),
            np.zeros(width, np.int64),
        )
        self._addresses = [array.ctypes.data for array in self._memory]


def _fits(labels: NarrowLabels) -> bool:
    """Return whether every label is a byte."""
    return labels.dtype == np.uint8 or int(labels.max()) <= np.iinfo(np.uint8).max


def _as_bytes(labels: NarrowLabels) -> NDArray[np.uint8]:
    """Return the labels as bytes, each row in one piece."""
    narrow = labels.astype(np.uint8, copy=False)
    return narrow if narrow.strides[1] == 1 and narrow.strides[0] > 0 else np.ascontiguousarray(narrow)
