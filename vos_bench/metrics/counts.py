"""Pixel counts of two label maps: all that J and F of their objects need.

Plain NumPy counts object by object; the compiled program (`vos_bench.compiled.count`) counts all objects in one pass.
Both give the same numbers; `counter` takes the one that is done first.
"""

import sys
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.labelmaps import NarrowLabels, object_ids
from vos_bench.metrics.contours import CONTOUR, ContourRule, Disk, MatchingDisks, boundary, dilate, dilate_by_disk, disk


class PixelCounts(NamedTuple):
    """Numbers of pixels of one object on one frame.

    Attributes:
        intersection: In truth and mask.
        truth_area: In the truth.
        mask_area: In the mask.
        truth_boundary: On the truth's boundary.
        mask_boundary: On the mask's boundary.
        truth_matched: Of the truth's boundary, near the mask's boundary.
        mask_matched: Of the mask's boundary, near the truth's boundary.
        truth_matched_dot: As `truth_matched`, nearer for small objects where the rule says so.
        mask_matched_dot: Likewise.
    """

    intersection: int
    truth_area: int
    mask_area: int
    truth_boundary: int
    mask_boundary: int
    truth_matched: int
    mask_matched: int
    truth_matched_dot: int
    mask_matched_dot: int


FrameCounts = dict[int, PixelCounts]
"""Label to its counts, for every label but 0 that the truth or the mask has; of any other, all counts are zero."""

CountFrame = Callable[[NarrowLabels, NarrowLabels], FrameCounts]
"""Counts the pixels of one frame: its true labels and those to judge."""

MOST_LABEL = 65535

LOADING_PIXELS = 6_000_000
"""Up to this many pixels (15 frames at 480p) plain NumPy is done before the compiled program is loaded."""

COMPILING_PIXELS = 100_000_000
"""Up to this many pixels (250 frames at 480p) plain NumPy is done long before the program is compiled, which happens
once on a machine."""


def count_frame(truth: NarrowLabels, masks: NarrowLabels, contour: ContourRule | None = CONTOUR) -> FrameCounts:
    """Count one frame with NumPy alone.

    Args:
        truth: The true label map, H x W.
        masks: The label map to judge, of the same size.
        contour: What F means; None to count areas alone.
    """
    disks = contour.disks(*truth.shape) if contour else None
    window = _window((truth | masks) > 0)
    truth, masks = truth[window], masks[window]
    labels = {*object_ids(truth), *object_ids(masks)}
    return {label: _count_object(truth == label, masks == label, contour, disks) for label in sorted(labels)}


def _window(covered: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest window that holds all objects and, where the image has them, one more pixel on each side.

    That pixel makes boundaries come out as in the whole image; matches never look beyond the boundaries' own extent.
    """
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def _count_object(
    truth: NDArray[np.bool_], mask: NDArray[np.bool_], contour: ContourRule | None, disks: MatchingDisks | None
) -> PixelCounts:
    window = _window(truth | mask)
    truth, mask = truth[window], mask[window]
    areas = [int(np.count_nonzero(region)) for region in (truth & mask, truth, mask)]
    if contour is None or disks is None:
        return PixelCounts._make((*areas, 0, 0, 0, 0, 0, 0))
    lines = contour.boundary(truth), contour.boundary(mask)
    matched = [_matched(*lines, disks.disks[place]) for place in disks.places(areas[1])]
    return PixelCounts._make((*areas, *(int(np.count_nonzero(line)) for line in lines), *matched[0], *matched[1]))


def _matched(truth: Mask, mask: Mask, rows: Disk) -> tuple[int, int]:
    """Return how many pixels of each boundary have one of the other in the disk around them."""
    grow = partial(dilate, radius=rows[0].right) if _is_whole(rows) else partial(dilate_by_disk, rows=rows)
    return int(np.count_nonzero(truth & grow(mask))), int(np.count_nonzero(mask & grow(truth)))


def _is_whole(rows: Disk) -> bool:
    """Return whether a disk is one with a whole radius."""
    return rows[0].right >= 0 and set(rows) == set(disk(rows[0].right))


def counter(pixels: int, contour: ContourRule | None = CONTOUR) -> CountFrame:
    """Return what counts the frames of one sequence at a time soonest, when there are `pixels` in all.

    Args:
        pixels: How many pixels are to be counted, about.
        contour: What F means; None to count areas alone.
    """
    if pixels > LOADING_PIXELS or "vos_bench.compiled.cache" in sys.modules:
        from vos_bench.compiled import cache, programs

        if pixels > COMPILING_PIXELS or cache.is_loaded(programs.COUNT) or cache.is_compiled(programs.COUNT):
            return CompiledCounter(contour)
    return partial(count_frame, contour=contour)


class CompiledCounter:
    """Counts with the compiled program, and keeps its memory from frame to frame; for one thread at a time."""

    def __init__(self, contour: ContourRule | None = CONTOUR) -> None:
        from vos_bench.compiled import cache, programs

        self._count, self._programs, self._contour = cache.load(programs.COUNT), programs, contour
        self._lines = programs.AREAS_ALONE
        if contour is not None:
            self._lines = programs.ANY_NEIGHBOUR if contour.boundary is boundary else programs.ALL_NEIGHBOURS
        self._shape = (0, 0)
        self._labels = 8

    def __call__(self, truth: NarrowLabels, masks: NarrowLabels, *, most: int = MOST_LABEL) -> FrameCounts:
        """Count one frame: what `count_frame` returns.

        Raises:
            HigherLabelError: There is a label above `most`, which was met before all was counted.
        """
        if not (fits_in_bytes(truth) and fits_in_bytes(masks)):
            return count_frame(truth, masks, self._contour)
        if truth.shape != self._shape:
            self._allocate(truth.shape)
        if self._reach > self._programs.LARGEST_RADIUS:
            return count_frame(truth, masks, self._contour)
        truth, masks = (as_bytes(labels, self._programs.LANES) for labels in (truth, masks))
        while beyond := self._run(truth, masks):
            if beyond > most:
                self._allocate(truth.shape)  # part of the frame is in the bitmaps
                raise HigherLabelError
            self._labels = beyond + 1
            self._allocate(truth.shape)
        return {
            label: PixelCounts(*numbers)
            for label, numbers in enumerate(self._counts.tolist())
            if label and (numbers[1] or numbers[2])
        }

    def _run(self, truth: NDArray[np.uint8], masks: NDArray[np.uint8]) -> int:
        """Count; return 0, or a label for which there is no bitmap yet."""
        sizes = (*self._shape, self._labels, self._lines, *self._lengths, truth.strides[0], masks.strides[0])
        return self._count(*sizes, truth.ctypes.data, masks.ctypes.data, *self._addresses)

    def _allocate(self, shape: tuple[int, ...]) -> None:
        (height, width), labels = shape, self._labels
        self._shape = (height, width)
        found = self._contour.disks(height, width) if self._contour else MatchingDisks(())
        rows = np.array([row for each in found.disks for row in each], np.int64).reshape(-1, 3)
        ends = np.cumsum([len(each) for each in found.disks], dtype=np.int64)
        limits = np.array(found.limits, np.int64)
        self._reach, self._lengths = int(np.abs(rows).max(initial=0)), (len(rows), len(ends), len(limits))
        self._counts = np.zeros((labels, self._programs.COUNTS), np.int64)
        self._memory = (
            rows,
            ends,
            limits,
            np.zeros((2, labels, height * self._programs.words_per_row(width)), np.uint64),
            self._counts,
            np.zeros((labels, 3), np.int64),
            np.zeros(4 * (self._programs.words_per_row(width) - 1), np.int64),
        )
        self._addresses = [array.ctypes.data for array in self._memory]


class HigherLabelError(ValueError):
    """A label map holds a higher label than it may."""


def count_object(count: CountFrame, truth: NarrowLabels, mask: NarrowLabels) -> PixelCounts | None:
    """Count one object on one frame from two masks that are labels, 0 and 1; None where neither shows it.

    To find out whether they are takes a third of the time of reading them. So they are counted as they are.

    Raises:
        HigherLabelError: One of them has other labels.
    """
    counts = count(truth, mask, most=1) if isinstance(count, CompiledCounter) else count(truth, mask)
    if counts and max(counts) > 1:
        raise HigherLabelError
    return counts.get(1)


def fits_in_bytes(labels: NarrowLabels) -> bool:
    """Return whether every label is a byte."""
    return labels.dtype == np.uint8 or int(labels.max()) <= np.iinfo(np.uint8).max


def as_bytes(labels: NarrowLabels, least: int) -> NDArray[np.uint8]:
    """Return the labels as bytes, each row in one piece, of which `least` bytes can be read."""
    narrow = labels.astype(np.uint8, copy=False)
    if narrow.shape[1] < least:
        room = ((0, 0), (0, least - narrow.shape[1]))
        return np.pad(np.ascontiguousarray(narrow), room)[:, : narrow.shape[1]]
    return narrow if narrow.strides[1] == 1 and narrow.strides[0] > 0 else np.ascontiguousarray(narrow)
