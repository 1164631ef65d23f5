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
from numba import carray, types
from numpy.typing import NDArray

from vos_bench.compiled.cache import inlined, program

_TRUTH, _MASKS = 0, 1
_INTERSECTION, _AREA, _BOUNDARY, _MATCHED = 0, 1, 3, 5  # a label's counts; _TRUTH or _MASKS is added to the last three

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]


COUNTS = 7
"""How many numbers `count` gives for each label, in the order of `vos_bench.metrics.counts.PixelCounts`."""

LANES = 8
"""How many pixels' changes, one byte each, `count` looks through together."""

LARGEST_RADIUS = 63
"""`count` looks one word to either side, so a disk may reach this far; at 0.8 % that is an image of 7,875 pixels."""


def words_per_row(width: int) -> int:
    """Return how many words a row of a bitmap has: 64 pixels in each, and an empty one at both ends."""
    return (width + 63) // 64 + 2


def blocks_per_row(width: int) -> int:
    """Return how many words a row of changes has: `LANES` pixels in each."""
    return (width + LANES - 1) // LANES


_words_per_row, _blocks_per_row = inlined(words_per_row), inlined(blocks_per_row)


@inlined
def _count(
    truth: Bytes,
    masks: Bytes,
    half_widths: Integers,
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
        half_widths: The disk; see `vos_bench.metrics.measures.disk_half_widths`.
        bitmaps: 2 x labels x (H * words), all zero; left so unless a label has none.
        counts: labels x 7; filled.
        changes: 2 x (blocks * LANES); scratch.
        blocks: The same memory, a word a block.
        columns: W; scratch.
    """
    counts[:] = 0
    beyond = _scan(truth, masks, bitmaps, counts, changes, blocks, columns)
    if beyond:
        return beyond
    bitmaps[:, 0] = 0
    for label in range(1, len(counts)):
        if counts[label, _AREA + _TRUTH] or counts[label, _AREA + _MASKS]:
            for layer in (_TRUTH, _MASKS):
                boundary, matched = _match(bitmaps[layer, label], bitmaps[1 - layer, label], len(truth), half_widths)
                counts[label, _BOUNDARY + layer] = boundary
                counts[label, _MATCHED + layer] = matched
            bitmaps[:, label] = 0
    return 0


@inlined
def _scan(
    truth: Bytes, masks: Bytes, bitmaps: Words, counts: Integers, changes: Bytes, blocks: Words, columns: Integers
) -> int:
    """Count areas and mark boundaries, row by row; return 0, or the first label met that has no bitmap."""
    height, width = len(truth), len(columns)
    stride = bitmaps.shape[2] // height
    for y in range(height):
        below, start = min(y + 1, height - 1), 0
        highest_true = _find_changes(truth, y, below, width, changes[_TRUTH])
        highest = max(highest_true, _find_changes(masks, y, below, width, changes[_MASKS]))
        if highest >= len(counts):
            return int(highest)
        for place in range(_list_columns(blocks, width - 1, columns)):
            x = columns[place]
            right, word, bit = min(x + 1, width - 1), y * stride + 1 + (x >> 6), np.uint64(x & 63)
            pixel = np.uint64(changes[_TRUTH, x]) << bit
            bitmaps[_TRUTH, truth[y, x], word] |= pixel
            bitmaps[_TRUTH, truth[y, right], word] |= pixel
            bitmaps[_TRUTH, truth[below, x], word] |= pixel
            bitmaps[_TRUTH, truth[below, right], word] |= pixel
            pixel = np.uint64(changes[_MASKS, x]) << bit
            bitmaps[_MASKS, masks[y, x], word] |= pixel
            bitmaps[_MASKS, masks[y, right], word] |= pixel
            bitmaps[_MASKS, masks[below, x], word] |= pixel
            bitmaps[_MASKS, masks[below, right], word] |= pixel
            counts[truth[y, x], _AREA + _TRUTH] += x + 1 - start
            counts[masks[y, x], _AREA + _MASKS] += x + 1 - start
            counts[truth[y, x], _INTERSECTION] += (x + 1 - start) * (truth[y, x] == masks[y, x])
            start = x + 1
    return 0


@inlined
def _find_changes(labels: Bytes, y: int, below: int, width: int, changes: Bytes) -> np.uint8:
    """Set each pixel of `changes` to whether the 2 x 2 window that starts there on row `y` is not uniform.

    Returns:
        The highest label of the two rows.
    """
    highest: np.uint8 = max(labels[y, width - 1], labels[below, width - 1])
    for x in range(width - 1):  # kept free of branches, so that it is vectorised
        label, label_below = labels[y, x], labels[below, x]
        changes[x] = (label != labels[y, x + 1]) | (label != label_below) | (label != labels[below, x + 1])
        highest = max(highest, label, label_below)
    changes[width - 1] = labels[y, width - 1] != labels[below, width - 1]
    return highest


@inlined
def _list_columns(blocks: Words, last: int, columns: Integers) -> int:
    """Write into `columns` where either row of changes has a 1, and `last`, where every run ends; return how many."""
    found = 0
    for block in range(blocks.shape[1]):
        changes = blocks[_TRUTH, block] | blocks[_MASKS, block]
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


@inlined
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


@inlined
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


@inlined
def _ones(word: np.uint64) -> np.int64:
    """Return the number of set bits, by sums in ever wider fields (Warren, "Hacker's Delight", section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@program(
    types.int64(
        *(types.int64,) * 6,  # height, width, labels, radius, truth_stride, masks_stride
        *(types.voidptr,) * 7,  # truth, masks, half_widths, bitmaps, counts, changes, columns
    )
)
def count(
    height: int,
    width: int,
    labels: int,
    radius: int,
    truth_stride: int,
    masks_stride: int,
    truth: int,
    masks: int,
    half_widths: int,
    bitmaps: int,
    counts: int,
    changes: int,
    columns: int,
) -> int:
    """Count the pixels of two label maps; return 0, or a label for which there is no bitmap, with nothing counted.

    `labels` is how many there are bitmaps for, the background's included; a stride is how many bytes lie between the
    starts of two rows. At the addresses are: both label maps, 8 bits a pixel; `radius + 1` half widths of the disk;
    bitmaps, 2 x labels x height x `words_per_row` words, all zero before and, unless a label has none, after; counts,
    labels x `COUNTS`, filled; one row's changes in both maps, 2 x `blocks_per_row` words; and one row's columns, width
    numbers.
    """
    return _count(
        carray(truth, (height, truth_stride), np.uint8),
        carray(masks, (height, masks_stride), np.uint8),
        carray(half_widths, (radius + 1,), np.int64),
        carray(bitmaps, (2, labels, height * _words_per_row(width)), np.uint64),
        carray(counts, (labels, COUNTS), np.int64),
        carray(changes, (2, _blocks_per_row(width) * LANES), np.uint8),
        carray(changes, (2, _blocks_per_row(width)), np.uint64),
        carray(columns, (width,), np.int64),
    )
