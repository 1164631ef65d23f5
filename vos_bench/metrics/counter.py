"""Counts frame after frame with the compiled program."""

import numpy as np
from numpy.typing import NDArray

from vos_bench.compiled.machine_code import load
from vos_bench.compiled.programs import COUNT, COUNTS, LARGEST_RADIUS, blocks_per_row, words_per_row
from vos_bench.labelmaps import NarrowLabels
from vos_bench.metrics.contour import disk_half_widths, tolerance_radius
from vos_bench.metrics.counts import Counts, FrameCounts, count_plain


class FrameCounter:
    """Keeps the program's memory from frame to frame. An instance is for one thread at a time."""

    def __init__(self) -> None:
        self._count = load(COUNT)
        self._shape = (0, 0)
        self._labels = 8

    def __call__(self, truth: NarrowLabels, masks: NarrowLabels) -> FrameCounts:
        """Count one frame: what `vos_bench.metrics.counts.count_plain` returns."""
        if tolerance_radius(*truth.shape) > LARGEST_RADIUS or not (_fits(truth) and _fits(masks)):
            return count_plain(truth, masks)
        if truth.shape != self._shape:
            self._allocate(truth.shape)
        truth, masks = _as_bytes(truth), _as_bytes(masks)
        while beyond := self._run(truth, masks):
            self._labels = beyond + 1
            self._allocate(truth.shape)
        return {
            label: Counts(*numbers)
            for label, numbers in enumerate(self._counts.tolist())
            if label and (numbers[1] or numbers[2])
        }

    def _run(self, truth: NDArray[np.uint8], masks: NDArray[np.uint8]) -> int:
        """Count; return 0, or a label for which there is no bitmap yet."""
        sizes = (*self._shape, self._labels, len(self._half_widths) - 1, truth.strides[0], masks.strides[0])
        beyond: int = self._count.call(*sizes, truth.ctypes.data, masks.ctypes.data, *self._addresses)
        return beyond

    def _allocate(self, shape: tuple[int, ...]) -> None:
        (height, width), labels = shape, self._labels
        self._shape = (height, width)
        self._half_widths = disk_half_widths(tolerance_radius(height, width))
        self._counts = np.zeros((labels, COUNTS), np.int64)
        self._memory = (
            self._half_widths,
            np.zeros((2, labels, height * words_per_row(width)), np.uint64),
            self._counts,
            np.zeros((2, blocks_per_row(width)), np.uint64),
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
