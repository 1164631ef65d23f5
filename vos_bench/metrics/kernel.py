"""Pixel counts of two label maps, compiled: all objects in one pass. Imported only when much is to be scored.

The numbers are those of `vos_bench.metrics.counts.count_plain`; what differs is how they are reached.

1.  *One pass over both label maps.* Where a 2 x 2 window is uniform in both maps nothing changes, and that is nearly
    everywhere; a vectorised comparison finds the other windows. Each label of a window that is not uniform has a
    boundary pixel there (`vos_bench.metrics.contour.boundary`: a pixel that differs from its right, lower or lower
    right neighbour).
2.  *Areas from runs.* Between two changes along a row the pair (true label, label) is constant, so that whole runs of
    pixels are counted at once.
3.  *Boundaries as bits*, 64 pixels a word, one bitmap for each map and object.
4.  *Dilation only where it is asked for.* A boundary pixel is matched when the other map's boundary, dilated by the
    disk, covers it. For each word that has boundary pixels the other map's rows are taken from near to far, each
    widened by shifts to the disk's width there, until every pixel of the word is covered or the disk ends.

A label gets a *slot*, its place among the bitmaps and counts, when it is first met on a frame. Slot 0 is the
background's: it is filled like the others, which saves a branch at every pixel, and nobody reads it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

from vos_bench.labelmaps import NarrowLabels

LARGEST_RADIUS = 63
"""A disk that reaches beyond the neighbouring words is not this module's to match."""

OVERFLOW = -1
"""What the kernel returns when a frame has more labels than there are slots."""

_TRUTH, _MASKS = 0, 1
_INTERSECTION, _AREA, _BOUNDARY, _MATCHED = 0, 1, 3, 5  # a slot's counts; _TRUTH or _MASKS is added to the last three
_LANES = 8  # pixels of a row, one byte each, that are searched together for changes

Function = TypeVar("Function", bound=Callable[..., Any])
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]


def words_per_row(width: int) -> int:
    """Return how many words a row of a bitmap has: its pixels', and an empty one at each end."""
    return (width + 63) // 64 + 2


@cache
def kernel(dtype: np.dtype[Any]) -> Callable[..., int]:
    """Return `_count` compiled for one type of label; the machine code is kept on disk where a folder allows it."""
    label_map = numba.types.Array(numba.from_dtype(dtype), 2, "A", readonly=True)
    integers, bitmaps, counts = numba.int64[::1], numba.uint64[:, :, ::1], numba.int64[:, ::1]
    signature = numba.int64(label_map, label_map, integers, integers, integers, bitmaps, counts)
    try:
        return numba.njit(signature, nogil=True, cache=True)(_count)
    except RuntimeError:  # numba found no folder to write to
        return numba.njit(signature, nogil=True)(_count)


def _compiled(function: Function) -> Function:
    return cast("Function", numba.njit(nogil=True)(function))


def _count(
    truth: NarrowLabels,
    masks: NarrowLabels,
    half_widths: Integers,
    slots: Integers,
    labels: Integers,
    bitmaps: Words,
    counts: Integers,
) -> int:
    """Count one frame; return how many slots are in use, or `OVERFLOW`.

    Args:
        truth: H x W true labels.
        masks: H x W labels to judge.
        half_widths: The disk; see `vos_bench.metrics.contour.disk_half_widths`.
        slots: Slot of each label; all -1 before and after.
        labels: Label of each slot; filled.
        bitmaps: 2 x slots x (H * words_per_row); all zero before and after.
        counts: slots x 7, in the order of `vos_bench.metrics.counts.Counts`; filled.
    """
    counts[:] = 0
    used = _scan(truth, masks, slots, labels, bitmaps, counts)
    for slot in range(1, min(used, len(labels))):
        for layer in (_TRUTH, _MASKS):
            found, matched = _match(bitmaps[layer, slot], bitmaps[1 - layer, slot], truth.shape[0], half_widths)
            counts[slot, _BOUNDARY + layer] = found
            counts[slot, _MATCHED + layer] = matched
    for slot in range(min(used, len(labels))):
        slots[labels[slot]] = -1
        bitmaps[:, slot] = 0
    return used if used <= len(labels) else OVERFLOW


@_compiled
def _scan(
    truth: NarrowLabels, masks: NarrowLabels, slots: Integers, labels: Integers, bitmaps: Words, counts: Integers
) -> int:
    """Count areas and mark boundaries; return how many slots are in use, too large a number when they ran out."""
    height, width = truth.shape
    truth_changes = np.zeros((width + _LANES - 1) // _LANES * _LANES, np.uint8)
    masks_changes = truth_changes.copy()
    truth_blocks, masks_blocks = truth_changes.view(np.uint64), masks_changes.view(np.uint64)
    columns = np.empty(width, np.int64)
    used = _take_slot(0, slots, labels, 0)
    for y in range(height):
        _find_changes(truth, y, truth_changes)
        _find_changes(masks, y, masks_changes)
        changes = _list_columns(truth_blocks, masks_blocks, width - 1, columns)
        below, start = min(y + 1, height - 1), 0
        for x in columns[:changes]:
            right, word, bit = min(x + 1, width - 1), y * (bitmaps.shape[2] // height) + 1 + (x >> 6), np.uint64(x & 63)
            in_truth, in_masks = np.uint64(truth_changes[x]) << bit, np.uint64(masks_changes[x]) << bit
            for label in (truth[y, x], truth[y, right], truth[below, x], truth[below, right]):
                if slots[label] < 0:
                    used = _take_slot(label, slots, labels, used)
                bitmaps[_TRUTH, slots[label], word] |= in_truth
            for label in (masks[y, x], masks[y, right], masks[below, x], masks[below, right]):
                if slots[label] < 0:
                    used = _take_slot(label, slots, labels, used)
                bitmaps[_MASKS, slots[label], word] |= in_masks
            _add_run(counts, slots[truth[y, x]], slots[masks[y, x]], x + 1 - start)
            start = x + 1
        if used > len(labels):
            slots[:] = -1
            break
    return used


@_compiled
def _find_changes(labels: NarrowLabels, y: int, changes: NDArray[np.uint8]) -> None:
    """Set each pixel of `changes` to whether the 2 x 2 window that starts there on row `y` is not uniform."""
    height, width = labels.shape
    here, below = labels[y], labels[min(y + 1, height - 1)]
    for x in range(width - 1):  # kept free of branches, so that it is vectorised
        label = here[x]
        changes[x] = (label != here[x + 1]) | (label != below[x]) | (label != below[x + 1])
    changes[width - 1] = here[width - 1] != below[width - 1]


@_compiled
def _list_columns(truth_blocks: Words, masks_blocks: Words, last: int, columns: Integers) -> int:
    """Write into `columns` where either row of changes has a 1, and `last`, where every run ends; return how many."""
    found = 0
    for block in range(len(truth_blocks)):
        changes = truth_blocks[block] | masks_blocks[block]
        while changes:
            lowest = changes & (~changes + np.uint64(1))
            columns[found] = block * _LANES + (_ones(lowest - np.uint64(1)) >> 3)
            found += 1
            changes ^= lowest
    if found == 0 or columns[found - 1] < last:
        columns[found] = last
        found += 1
    return found


@_compiled
def _take_slot(label: int, slots: Integers, labels: Integers, used: int) -> int:
    """Give a label that has no slot the next one, or the background's when none is left; return how many were asked."""
    slots[label] = used if used < len(labels) else 0
    labels[slots[label]] = label
    return used + 1


@_compiled
def _add_run(counts: Integers, true_slot: int, slot: int, pixels: int) -> None:
    """Add a run of pixels that all have one pair of labels to the areas."""
    counts[true_slot, _AREA + _TRUTH] += pixels
    counts[slot, _AREA + _MASKS] += pixels
    counts[true_slot, _INTERSECTION] += pixels * (true_slot == slot)


@_compiled
def _match(own: Words, other: Words, height: int, half_widths: Integers) -> tuple[np.int64, np.int64]:
    """Return how many pixels one object's bitmap has, and how many of them the other one, dilated, covers."""
    stride = len(own) // height
    pixels = matched = np.int64(0)
    for word in range(len(own)):
        if own[word]:
            here = _ones(own[word])
            pixels += here
            matched += here - _ones(_uncovered(own[word], other, word, stride, half_widths))
    return pixels, matched


@_compiled
def _uncovered(pixels: np.uint64, other: Words, word: int, stride: int, half_widths: Integers) -> np.uint64:
    """Return those of a word's pixels that no pixel of `other` reaches with the disk."""
    for distance in range(len(half_widths)):
        for near in (word - distance * stride, word + distance * stride):
            if 0 < near < len(other) - 1:
                left, middle, right = other[near - 1], other[near], other[near + 1]
                if left | middle | right:
                    pixels &= ~_widened(left, middle, right, half_widths[distance])
                    if pixels == 0:
                        return pixels
    return pixels


@_compiled
def _widened(left: np.uint64, middle: np.uint64, right: np.uint64, half_width: int) -> np.uint64:
    """Return the middle one of three words of a row after every pixel was spread by `half_width` to both sides.

    Spreading by s and then by t is spreading by s + t, so that steps of 1, 2, 4, … reach any width in few shifts.
    Pixel x is bit x of its word: a shift to the left moves pixels to the right.
    """
    rightward, leftward, reach = middle, middle, np.int64(0)
    while reach < half_width:
        step = np.uint64(min(reach + 1, half_width - reach))
        rest = np.uint64(64) - step
        rightward |= (rightward << step) | (left >> rest)
        leftward |= (leftward >> step) | (right << rest)
        left |= left << step
        right |= right >> step
        reach += np.int64(step)
    return rightward | leftward


@_compiled
def _ones(word: np.uint64) -> np.int64:
    """Return the number of set bits, by sums in ever wider fields (Warren, "Hacker's Delight", section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))
