"""Counts frame after frame with the compiled kernel."""

import numpy as np

from vos_bench.labelmaps import NarrowLabels
from vos_bench.metrics.contour import disk_half_widths, tolerance_radius
from vos_bench.metrics.counts import Counts, FrameCounts, count_plain
from vos_bench.metrics.kernel import LARGEST_RADIUS, OVERFLOW, kernel, words_per_row


class FrameCounter:
    """Keeps the kernel's buffers from frame to frame. An instance is for one thread at a time."""

    def __init__(self) -> None:
        self._capacity = 9  # the background and eight objects; doubled when a frame has more
        self._allocate((0, 0))

    def __call__(self, truth: NarrowLabels, masks: NarrowLabels) -> FrameCounts:
        """Count one frame: what `count_plain` returns, with the labels in the order in which they are met."""
        if tolerance_radius(*truth.shape) > LARGEST_RADIUS:
            return count_plain(truth, masks)
        if truth.shape != self._shape:
            self._allocate(truth.shape)
        dtype = np.result_type(truth, masks)
        truth, masks = truth.astype(dtype, copy=False), masks.astype(dtype, copy=False)
        count = kernel(dtype)
        while True:
            used = count(truth, masks, self._half_widths, self._slots, self._labels, self._bitmaps, self._counts)
            if used != OVERFLOW:
                break
            self._capacity *= 2
            self._allocate(truth.shape)
        objects = zip(self._labels[:used].tolist(), self._counts[:used].tolist(), strict=True)
        return {label: Counts(*row) for label, row in objects if label}

    def _allocate(self, shape: tuple[int, ...]) -> None:
        height, width = shape
        self._shape = (height, width)
        self._half_widths = disk_half_widths(tolerance_radius(height, width))
        self._slots = np.full(np.iinfo(np.uint16).max + 1, -1, np.int64)
        self._labels = np.zeros(self._capacity, np.int64)
        self._bitmaps = np.zeros((2, self._capacity, height * words_per_row(width)), np.uint64)
        self._counts = np.zeros((self._capacity, len(Counts._fields)), np.int64)
