"""How the objects of a label map overlap those of the truth, and what changed: all that failures and attributes need.

As for J and F (`vos_bench.metrics.counts`), plain NumPy counts object by object, and a compiled program
(`vos_bench.compiled.overlap`) counts all objects in one pass; both give the same numbers.
"""

import math
from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.labelmaps import NarrowLabels, object_ids
from vos_bench.metrics.counts import COMPILING_PIXELS, LOADING_PIXELS, as_bytes, fits_in_bytes

INNER_BORDER = 0.02
"""How wide the inner border of boundary IoU is, as a share of the image's diagonal."""


class ObjectOverlap(NamedTuple):
    """Numbers of pixels of one object on one frame.

    Attributes:
        intersection: In truth and mask.
        truth_area: In the truth.
        mask_area: In the mask.
        owner: The other object that has most pixels of the mask in the truth; 0 where none has any.
        owned: How many of them it has.
        left: Leftmost column of the truth; this and the next seven are 0 where there is no such region.
        top: Its uppermost row.
        right: Its rightmost column.
        bottom: Its lowest row.
        mask_left: Of the mask, likewise.
        mask_top: Likewise.
        mask_right: Likewise.
        mask_bottom: Likewise.
        outline: Sides of the truth's pixels beyond which the object ends.
        contact: Of these, those beyond which another object begins.
        inner_both: On the inner borders of truth and mask both; counted where there is an intersection.
        inner_either: On either inner border, likewise.
        flicker: Pixels that changed in the mask since the frame before, and in the truth did not; 0 without one.
        lost: Pixels of the mask on the frame before that it does not have on this one, likewise.
    """

    intersection: int
    truth_area: int
    mask_area: int
    owner: int = 0
    owned: int = 0
    left: int = 0
    top: int = 0
    right: int = 0
    bottom: int = 0
    mask_left: int = 0
    mask_top: int = 0
    mask_right: int = 0
    mask_bottom: int = 0
    outline: int = 0
    contact: int = 0
    inner_both: int = 0
    inner_either: int = 0
    flicker: int = 0
    lost: int = 0


FrameOverlaps = dict[int, ObjectOverlap]
"""Label to its numbers, for every label but 0 that the truth, the mask or the mask before has."""

NO_OVERLAP = ObjectOverlap(0, 0, 0)

Pair = tuple[NarrowLabels, NarrowLabels]
"""The true labels of a frame and those to judge."""


def inner_border_width(height: int, width: int) -> int:
    """Return how many pixels wide an inner border is: 20 at 480 x 854, and never none."""
    return max(1, round(INNER_BORDER * math.hypot(height, width)))


def count_overlaps(truth: NarrowLabels, masks: NarrowLabels, before: Pair | None = None) -> FrameOverlaps:
    """Count one frame with NumPy alone.

    Args:
        truth: The true label map, H x W, without void.
        masks: The label map to judge, of the same size.
        before: Both label maps of the frame before; None where there is none.
    """
    reach = inner_border_width(*truth.shape)
    present = object_ids(truth)
    labels = {*present, *object_ids(masks), *(object_ids(before[1]) if before else ())}
    found = {label: _count_one(truth, masks, label, present, before, reach) for label in sorted(labels)}
    return {label: numbers for label, numbers in found.items() if any(numbers)}


def _count_one(
    truth: NarrowLabels, masks: NarrowLabels, label: int, present: Iterable[int], before: Pair | None, reach: int
) -> ObjectOverlap:
    true, mask = truth == label, masks == label
    intersection = int(np.count_nonzero(true & mask))
    shares = {other: int(np.count_nonzero(mask & (truth == other))) for other in present if other != label}
    owner = max(shares, key=shares.__getitem__, default=0)
    flicker = lost = 0
    if before is not None:
        mask_before = before[1] == label
        flicker = int(np.count_nonzero((mask ^ mask_before) & ~(true ^ (before[0] == label))))
        lost = int(np.count_nonzero(mask_before & ~mask))
    inner = _inner_counts(true, mask, reach) if intersection else (0, 0)
    return ObjectOverlap(
        intersection,
        int(np.count_nonzero(true)),
        int(np.count_nonzero(mask)),
        owner if shares.get(owner) else 0,
        shares.get(owner, 0),
        *_box(true),
        *_box(mask),
        *_outline(true, truth > 0),
        *inner,
        flicker,
        lost,
    )


def _box(region: Mask) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of a region; zeros where it is empty."""
    rows, columns = np.flatnonzero(region.any(axis=1)), np.flatnonzero(region.any(axis=0))
    return (int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])) if rows.size else (0, 0, 0, 0)


def _outline(region: Mask, objects: Mask) -> tuple[int, int]:
    """Return how many sides of a region's pixels are its outline, and how many of these another object shares."""
    grown, others = np.pad(region, 1), np.pad(objects & ~region, 1)
    outline = contact = 0
    for beside in ((slice(1, -1), slice(2, None)), (slice(1, -1), slice(None, -2)), (slice(2, None), slice(1, -1))):
        outline += int(np.count_nonzero(region & ~grown[beside]))
        contact += int(np.count_nonzero(region & others[beside]))
    above = (slice(None, -2), slice(1, -1))
    return (
        outline + int(np.count_nonzero(region & ~grown[above])),
        contact + int(np.count_nonzero(region & others[above])),
    )


def _inner_counts(truth: Mask, mask: Mask, reach: int) -> tuple[int, int]:
    true, found = inner_border(truth, reach), inner_border(mask, reach)
    return int(np.count_nonzero(true & found)), int(np.count_nonzero(true | found))


def inner_border(region: Mask, reach: int) -> Mask:
    """Return a region's pixels from which a square of 2 `reach` + 1 pixels leaves it; beyond the image is outside.

    Source: Cheng et al., "Boundary IoU: Improving Object-Centric Image Segmentation Evaluation", CVPR 2021, whose code
    erodes by 3 x 3 pixels as often as `reach` says.
    """
    inside = region.astype(np.int32)
    for axis in (0, 1):
        sums = np.cumsum(np.pad(inside, [(reach + 1, reach) if i == axis else (0, 0) for i in (0, 1)]), axis=axis)
        length = region.shape[axis]
        high = np.take(sums, range(2 * reach + 1, 2 * reach + 1 + length), axis=axis)
        low = np.take(sums, range(length), axis=axis)
        inside = (high - low == 2 * reach + 1).astype(np.int32)
    border: Mask = region & (inside == 0)
    return border


class OverlapCounter:
    """Counts the frames of one sequence in order, and keeps the frame before; for one thread at a time."""

    def __init__(self) -> None:
        self._before: Pair | None = None

    def count(self, truth: NarrowLabels, masks: NarrowLabels, *, follows: bool) -> FrameOverlaps:
        """Count one frame: what `count_overlaps` returns.

        Args:
            truth: The true label map, H x W, without void; it must not be changed afterwards.
            masks: The label map to judge, likewise.
            follows: Whether it comes right after the frame that was counted last.
        """
        before = self._before if follows and self._before and self._before[0].shape == truth.shape else None
        found = self._count(truth, masks, before)
        self._before = truth, masks
        return found

    def _count(self, truth: NarrowLabels, masks: NarrowLabels, before: Pair | None) -> FrameOverlaps:
        return count_overlaps(truth, masks, before)


class _Pointer(NamedTuple):
    """Where a label map lies, and how many bytes apart its rows are."""

    stride: int
    address: int


class CompiledOverlapCounter(OverlapCounter):
    """Counts with the compiled program, and keeps its memory from frame to frame."""

    def __init__(self) -> None:
        from vos_bench.compiled import cache, programs

        super().__init__()
        self._call, self._programs = cache.load(programs.OVERLAP), programs
        self._shape, self._labels = (0, 0), 8
        self._summarised = False
        """Whether the program counted the frame before, whose label maps `_old` keeps in memory."""
        self._old: tuple[list[NDArray[np.uint8]], list[_Pointer]] = ([], [])

    def _count(self, truth: NarrowLabels, masks: NarrowLabels, before: Pair | None) -> FrameOverlaps:
        narrow = fits_in_bytes(truth) and fits_in_bytes(masks)
        if not narrow or (before is not None and not self._summarised):
            self._summarised = False
            return count_overlaps(truth, masks, before)
        if truth.shape != self._shape:
            self._allocate(truth.shape[0], truth.shape[1])
        maps = [as_bytes(labels, self._programs.LANES) for labels in (truth, masks)]
        pointers = [_Pointer(each.strides[0], each.ctypes.data) for each in maps]
        old = self._old[1] if before is not None else pointers
        self._summaries.reverse()
        while beyond := self._run(pointers, old, follows=before is not None):
            self._labels = beyond + 1
            self._allocate_labels()
        self._old, self._summarised = (maps, pointers), True
        return {
            label: ObjectOverlap(*numbers)
            for label, numbers in enumerate(self._numbers.tolist())
            if label and (numbers[_TRUTH_AREA] or numbers[_MASK_AREA] or numbers[_LOST])
        }

    def _run(self, maps: list[_Pointer], old: list[_Pointer], *, follows: bool) -> int:
        """Count; return 0, or a label for which there is no bitmap yet."""
        pointers = *maps, *old
        sizes = (*self._shape, self._labels, self._reach, int(follows), *(each.stride for each in pointers))
        return self._call(*sizes, *(each.address for each in pointers), *self._summaries, *self._addresses)

    def _allocate(self, height: int, width: int) -> None:
        self._shape, self._reach = (height, width), inner_border_width(height, width)
        per_row = self._programs.words_per_row(width)
        self._kept = [np.zeros((2, height, per_row - 2), np.int16) for _ in range(2)]
        self._summaries = [each.ctypes.data for each in self._kept]
        self._scratch = np.zeros((3, height * per_row), np.uint64)
        self._allocate_labels()

    def _allocate_labels(self) -> None:
        labels = self._labels
        self._numbers = np.zeros((labels, self._programs.OVERLAPS), np.int64)
        self._memory = (
            np.zeros((labels, labels), np.int64),
            np.zeros((2, labels, self._scratch.shape[1]), np.uint64),
            self._numbers,
            np.zeros((2, labels, 2), np.int64),
            self._scratch,
        )
        self._addresses = [each.ctypes.data for each in self._memory]


_TRUTH_AREA, _MASK_AREA, _LOST = (ObjectOverlap._fields.index(name) for name in ("truth_area", "mask_area", "lost"))


def overlap_counter(pixels: int) -> OverlapCounter:
    """Return what counts the frames of a sequence soonest, when there are `pixels` in all, about."""
    from vos_bench.compiled import cache, programs

    compiled = cache.is_loaded(programs.OVERLAP) or (
        pixels > LOADING_PIXELS and (pixels > COMPILING_PIXELS or cache.is_compiled(programs.OVERLAP))
    )
    return CompiledOverlapCounter() if compiled else OverlapCounter()
