"""Counts the pixels of two label maps, all objects in one pass.

The numbers are those of `vos_bench.metrics.counts.count_frame`; what differs is how they are reached.

1.  *One pass over both label maps.* Where a 2 x 2 window is uniform in both maps nothing changes, and that is nearly
    everywhere; a vectorised comparison finds the other windows. Each label of a window that is not uniform has a
    boundary pixel there (`vos_bench.metrics.measures.boundary`: a pixel that differs from its right, lower or lower
    right neighbour).
2.  *Areas from runs.* Between two changes along a row the pair (true label, label) is constant, so that whole runs of
    pixels are counted at once.
3.  *Boundaries as bits*, 64 pixels a word, one bitmap for each map and label. The background is treated like an
    object, which saves a branch at every pixel; nobody reads its numbers.
4.  *Dilation only where it is asked for.* A boundary pixel is matched when the other map's boundary, dilated by the
    disk, covers it. For each word that has boundary pixels the other map's rows are taken from near to far, each
    widened by shifts to the disk's width there, until every pixel of the word is covered or the disk ends.
"""

import numpy as np
from numba import carray
from numpy.typing import NDArray

from vos_bench.compiled.cache import compile_program, inlined
from vos_bench.compiled.programs import (
    ALL_NEIGHBOURS,
    AREAS_ALONE,
    BLOCKS,
    COUNT,
    COUNTS,
    LANES,
    blocks_per_row,
    words_per_row,
)

_TRUTH, _MASKS = 0, 1
# A label's counts; _TRUTH or _MASKS is added to all but the first.
_INTERSECTION, _AREA, _BOUNDARY, _MATCHED, _MATCHED_DOT = 0, 1, 3, 5, 7
_ROW, _LEFT, _RIGHT = 0, 1, 2  # of a disk's row

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]

_words_per_row, _blocks_per_row = inlined(words_per_row), inlined(blocks_per_row)


@inlined
def _count(
    truth: Bytes,
    masks: Bytes,
    lines: int,
    disks: Integers,
    ends: Integers,
    limits: Integers,
    bitmaps: Words,
    counts: Integers,
    changes: Bytes,
    blocks: Words,
    columns: Integers,
) -> int:
    """Count one frame; return 0, or a label for which there is no bitmap, with nothing counted.

    Args:
        truth: H x stride true labels, of which the first `len(columns)` in a row are pixels.
        masks: H x stride labels to judge, likewise.
        lines: `AREAS_ALONE`, `ANY_NEIGHBOUR` or `ALL_NEIGHBOURS`.
        disks: Rows x 3, the rows of all disks one after another; see `vos_bench.metrics.measures.DiskRow`.
        ends: Where each disk's rows end.
        limits: See `vos_bench.metrics.measures.MatchingDisks`.
        bitmaps: 2 x labels x (H * words), all zero; left so unless a label has none.
        counts: labels x `COUNTS`; filled.
        changes: blocks * LANES; scratch, with zeros behind the last column.
        blocks: The same memory, a word a block.
        columns: W; scratch.
    """
    counts[:] = 0
    beyond = _scan(truth, masks, lines, bitmaps, counts, changes, blocks, columns)
    if beyond or lines == AREAS_ALONE:
        return beyond
    bitmaps[:, 0] = 0
    for label in range(1, len(counts)):
        if counts[label, _AREA + _TRUTH] or counts[label, _AREA + _MASKS]:
            _match_label(bitmaps[:, label], len(truth), disks, ends, limits, counts[label])
            bitmaps[:, label] = 0
    return 0


@inlined
def _match_label(
    bitmaps: Words, height: int, disks: Integers, ends: Integers, limits: Integers, counts: Integers
) -> None:
    """Count one label's boundaries and how much of them matches, by the disks for its area."""
    small = 0
    for place in range(len(limits)):
        if counts[_AREA + _TRUTH] and counts[_AREA + _TRUTH] <= limits[place]:
            small = place + 1
            break
    place = len(ends) - 1 if small else 0
    rows = disks[(ends[place - 1] if place else 0) : ends[place]]
    rows_dot = disks[(ends[small - 1] if small else 0) : ends[small]]
    for layer in (_TRUTH, _MASKS):
        own, other = bitmaps[layer], bitmaps[1 - layer]
        boundary, matched = _match(own, other, height, rows)
        counts[_BOUNDARY + layer] = boundary
        counts[_MATCHED + layer] = matched
        counts[_MATCHED_DOT + layer] = _match(own, other, height, rows_dot)[1] if small else matched


@inlined
def _scan(
    truth: Bytes,
    masks: Bytes,
    lines: int,
    bitmaps: Words,
    counts: Integers,
    changes: Bytes,
    blocks: Words,
    columns: Integers,
) -> int:
    """Count areas and mark boundaries, row by row; return 0, or the first label met that has no bitmap."""
    height, width = len(truth), len(columns)
    stride = bitmaps.shape[2] // height
    for y in range(height):
        below, start = min(y + 1, height - 1), 0
        highest = _find_changes(truth, masks, y, below, width, changes)
        if highest >= len(counts):
            return int(highest)
        for place in range(_list_columns(blocks, width - 1, columns)):
            x = columns[place]
            if lines != AREAS_ALONE:
                word, bit, change = y * stride + 1 + (x >> 6), np.uint64(x & 63), np.uint64(changes[x])
                # The last row and column are those of ANY_NEIGHBOUR.
                several = lines == ALL_NEIGHBOURS and below > y and x < width - 1
                _mark(truth, x, y, below, width, several, (change & np.uint64(1)) << bit, bitmaps[_TRUTH], word)
                _mark(masks, x, y, below, width, several, (change >> np.uint64(1)) << bit, bitmaps[_MASKS], word)
            counts[truth[y, x], _AREA + _TRUTH] += x + 1 - start
            counts[masks[y, x], _AREA + _MASKS] += x + 1 - start
            counts[truth[y, x], _INTERSECTION] += (x + 1 - start) * (truth[y, x] == masks[y, x])
            start = x + 1
    return 0


@inlined
def _mark(
    labels: Bytes,
    x: int,
    y: int,
    below: int,
    width: int,
    several: bool,
    pixel: np.uint64,
    bitmaps: Words,
    word: int,
) -> None:
    """Mark a pixel in the bitmaps of the labels whose boundary it is on; `several` for `ALL_NEIGHBOURS`."""
    right = min(x + 1, width - 1)
    own, beside, lower, corner = labels[y, x], labels[y, right], labels[below, x], labels[below, right]
    bitmaps[beside, word] |= pixel
    bitmaps[lower, word] |= pixel
    bitmaps[corner, word] |= pixel
    if several and own in (beside, lower, corner):
        bitmaps[own, word] &= ~pixel
    else:
        bitmaps[own, word] |= pixel


@inlined
def _find_changes(truth: Bytes, masks: Bytes, y: int, below: int, width: int, changes: Bytes) -> np.uint8:
    """Set each pixel of `changes` to whether the 2 x 2 window that starts there on row `y` is not uniform.

    That is 1 for the truth, and 2 more for the masks.

    Returns:
        The highest label of the two rows.
    """
    last = width - 1
    highest: np.uint8 = max(truth[y, last], truth[below, last], masks[y, last], masks[below, last])
    for x in range(last):  # kept free of branches, so that it is vectorised
        true, true_below = truth[y, x], truth[below, x]
        label, label_below = masks[y, x], masks[below, x]
        in_truth = (true != truth[y, x + 1]) | (true != true_below) | (true != truth[below, x + 1])
        in_masks = (label != masks[y, x + 1]) | (label != label_below) | (label != masks[below, x + 1])
        changes[x] = np.uint8(in_truth) | (np.uint8(in_masks) << np.uint8(1))
        highest = max(highest, true, true_below, label, label_below)
    in_masks = masks[y, last] != masks[below, last]
    changes[last] = np.uint8(truth[y, last] != truth[below, last]) | (np.uint8(in_masks) << np.uint8(1))
    return highest


@inlined
def _list_columns(blocks: Words, last: int, columns: Integers) -> int:
    """Write into `columns` where there are changes, and `last`, where every run ends; return how many."""
    found = 0
    for group in range(0, len(blocks), BLOCKS):
        several = np.uint64(0)
        for block in range(group, group + BLOCKS):
            several |= blocks[block]
        if several == 0:
            continue
        for block in range(group, group + BLOCKS):
            changes = (blocks[block] | (blocks[block] >> np.uint64(1))) & np.uint64(0x0101010101010101)
            while changes:
                lowest = changes & (~changes + np.uint64(1))
                columns[found] = block * LANES + (_ones(lowest - np.uint64(1)) >> 3)
                found += 1
                changes ^= lowest
    if found == 0 or columns[found - 1] < last:
        columns[found] = last
        found += 1
    return found


@inlined
def _match(own: Words, other: Words, height: int, rows: Integers) -> tuple[np.int64, np.int64]:
    """Return how many pixels one object's bitmap has, and how many of them the other one, dilated, covers."""
    stride = len(own) // height
    pixels = matched = np.int64(0)
    for word in range(len(own)):
        if own[word]:
            here = _ones(own[word])
            pixels += here
            matched += here - _ones(_uncovered(own[word], other, word, stride, rows))
    return pixels, matched


@inlined
def _uncovered(pixels: np.uint64, other: Words, word: int, stride: int, rows: Integers) -> np.uint64:
    """Return those of a word's pixels that no pixel of `other` reaches with the disk; its rows go from near to far."""
    for row in range(len(rows)):
        near = word + rows[row, _ROW] * stride
        if 0 < near < len(other) - 1:
            left, middle, right = other[near - 1], other[near], other[near + 1]
            if left | middle | right:
                pixels &= ~_widened(left, middle, right, rows[row, _LEFT], rows[row, _RIGHT])
                if pixels == 0:
                    return pixels
    return pixels


@inlined
def _widened(left: np.uint64, middle: np.uint64, right: np.uint64, to_left: int, to_right: int) -> np.uint64:
    """Return the pixels of the middle one of three words that see a pixel so far to their left or right.

    Spreading by s and then by t is spreading by s + t, so that steps of 1, 2, 4, … reach any width in few shifts.
    Pixel x is bit x of its word: a shift to the left moves pixels to the right. A negative number, as a disk off its
    centre may have, is how far away on the other side a pixel has to be at least.
    """
    if to_right < 0:
        step = np.uint64(-to_right)
        middle, left = (middle << step) | (left >> (np.uint64(64) - step)), left << step
        to_left, to_right = to_left + to_right, 0
    elif to_left < 0:
        step = np.uint64(-to_left)
        middle, right = (middle >> step) | (right << (np.uint64(64) - step)), right >> step
        to_left, to_right = 0, to_left + to_right
    rightward, leftward, reach = middle, middle, np.int64(0)
    while reach < to_left:
        step = np.uint64(min(reach + 1, to_left - reach))
        rightward |= (rightward << step) | (left >> (np.uint64(64) - step))
        left |= left << step
        reach += np.int64(step)
    reach = np.int64(0)
    while reach < to_right:
        step = np.uint64(min(reach + 1, to_right - reach))
        leftward |= (leftward >> step) | (right << (np.uint64(64) - step))
        right |= right >> step
        reach += np.int64(step)
    return rightward | leftward


@inlined
def _ones(word: np.uint64) -> np.int64:
    """Return the number of set bits, by sums in ever wider fields (Warren, "Hacker's Delight", section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@compile_program(COUNT)
def count(
    height: int,
    width: int,
    labels: int,
    lines: int,
    rows: int,
    disks: int,
    limits: int,
    truth_stride: int,
    masks_stride: int,
    truth: int,
    masks: int,
    disk_rows: int,
    disk_ends: int,
    area_limits: int,
    bitmaps: int,
    counts: int,
    changes: int,
    columns: int,
) -> int:
    """Count the pixels of two label maps; return 0, or a label for which there is no bitmap, with nothing counted.

    `labels` is how many there are bitmaps for, the background's included; `lines` is what is counted; `rows`, `disks`
    and `limits` are the lengths of three arrays below; a stride is how many bytes lie between the starts of two rows.
    At the addresses are: both label maps, 8 bits a pixel; the disks' rows, rows x 3; where each disk ends; the limits;
    bitmaps, 2 x labels x height x `words_per_row` words, all zero before and, unless a label has none, after; counts,
    labels x `COUNTS`, filled; one row's changes, `blocks_per_row` words, zero before; and one row's columns, width
    numbers.
    """
    return _count(
        carray(truth, (height, truth_stride), np.uint8),
        carray(masks, (height, masks_stride), np.uint8),
        lines,
        carray(disk_rows, (rows, 3), np.int64),
        carray(disk_ends, (disks,), np.int64),
        carray(area_limits, (limits,), np.int64),
        carray(bitmaps, (2, labels, height * _words_per_row(width)), np.uint64),
        carray(counts, (labels, COUNTS), np.int64),
        carray(changes, (_blocks_per_row(width) * LANES,), np.uint8),
        carray(changes, (_blocks_per_row(width),), np.uint64),
        carray(columns, (width,), np.int64),
    )
