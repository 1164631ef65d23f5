"""Counts the pixels of two label maps, all objects in one pass.

The numbers are those of `vos_bench.metrics.counts.count_frame`; what differs is how they are reached.

1.  *Words of 64 pixels.* One comparison of vectors says which pixels of a word have a label. A word whose pixels all
    have one label, with the same label around it in both maps, has no boundary and adds 64 pixels to one area. Nearly
    all words are of this kind. Those on either side of all objects, in a row and the one below, add nothing at all.
2.  *Boundaries as bits*, one bitmap for each map and label. In the other words, each label's bits are compared with
    those of the right, lower and lower right neighbours, for all 64 pixels at once
    (`vos_bench.metrics.contours.boundary`).
3.  *Dilation only where it is asked for*: see `vos_bench.compiled.boundary_matching`.
"""

from typing import Any

import numpy as np
from numba import carray

from vos_bench.compiled.boundary_matching import match
from vos_bench.compiled.cache import compile_program, inlined
from vos_bench.compiled.programs import ALL_NEIGHBOURS, AREAS_ALONE, COUNT, COUNTS, LANES, words_per_row
from vos_bench.compiled.words import (
    MASKS,
    MIXED,
    TRUTH,
    Bytes,
    Integers,
    Words,
    count_ones,
    equal_lanes,
    lanes_of,
    lowest_bit,
    valid_bits,
)

# A label's counts; TRUTH or MASKS is added to all but the first.
_INTERSECTION, _AREA, _BOUNDARY, _MATCHED, _MATCHED_DOT = 0, 1, 3, 5, 7
_TOP, _BOTTOM, _MET = 0, 1, 2  # the first and the last row of a label's boundaries, and the word where it was last met


_words_per_row = inlined(words_per_row)


@inlined
def _count(
    truth: Bytes,
    masks: Bytes,
    width: int,
    lines: int,
    disks: Integers,
    ends: Integers,
    limits: Integers,
    bitmaps: Words,
    counts: Integers,
    extents: Integers,
    words: Integers,
) -> int:
    """Count one frame; return 0, or a label for which there is no bitmap, with nothing counted.

    Args:
        truth: H x stride true labels, of which the first `width` in a row are pixels.
        masks: H x stride labels to judge, likewise.
        width: W; from each row's start on at least `LANES` bytes can be read.
        lines: `AREAS_ALONE`, `ANY_NEIGHBOUR` or `ALL_NEIGHBOURS`.
        disks: Rows x 3, the rows of all disks one after another; see `vos_bench.metrics.contours.DiskRow`.
        ends: Where each disk's rows end.
        limits: See `vos_bench.metrics.contours.MatchingDisks`.
        bitmaps: 2 x labels x (H * words), all zero; left so unless a label has none.
        counts: labels x `COUNTS`; filled.
        extents: labels x 3; scratch.
        words: 2 maps x 2 rows x (words + 1); scratch.
    """
    counts[:] = 0
    extents[:, _TOP], extents[:, _BOTTOM], extents[:, _MET] = len(truth), -1, 0
    beyond = _scan(truth, masks, width, lines, bitmaps, counts, extents, words)
    if beyond:
        return beyond
    stride = bitmaps.shape[2] // len(truth)
    for label in range(1, len(counts)):
        if extents[label, _BOTTOM] >= 0:
            start, end = extents[label, _TOP] * stride, (extents[label, _BOTTOM] + 1) * stride
            _match_label(bitmaps[:, label], start, end, stride, disks, ends, limits, counts[label])
            bitmaps[:, label, start:end] = 0
    return 0


@inlined
def _match_label(
    bitmaps: Words,
    start: int,
    end: int,
    stride: int,
    disks: Integers,
    ends: Integers,
    limits: Integers,
    counts: Integers,
) -> None:
    """Count one label's boundaries, from word `start` to `end`, and how much of them its disks match."""
    small = 0
    for place in range(len(limits)):
        if counts[_AREA + TRUTH] and counts[_AREA + TRUTH] <= limits[place]:
            small = place + 1
            break
    place = len(ends) - 1 if small else 0
    rows = disks[(ends[place - 1] if place else 0) : ends[place]]
    rows_dot = disks[(ends[small - 1] if small else 0) : ends[small]]
    for layer in (TRUTH, MASKS):
        own, other = bitmaps[layer], bitmaps[1 - layer]
        boundary, matched = match(own, other, start, end, stride, rows)
        counts[_BOUNDARY + layer] = boundary
        counts[_MATCHED + layer] = matched
        counts[_MATCHED_DOT + layer] = match(own, other, start, end, stride, rows_dot)[1] if small else matched


@inlined
def _scan(
    truth: Bytes,
    masks: Bytes,
    width: int,
    lines: int,
    bitmaps: Words,
    counts: Integers,
    extents: Integers,
    words: Integers,
) -> int:
    """Count areas and mark boundaries, word by word; return 0, or the first label met that has no bitmap."""
    height, last = len(truth), words.shape[2] - 2
    lower = _look_through_both(truth, masks, 0, width, words[:, 0])
    for y in range(height):
        below = min(y + 1, height - 1)
        here, there, row = y & 1, below & 1, lower
        if below > y:
            lower = _look_through_both(truth, masks, below, width, words[:, there])
        # The word before the first object may differ from its neighbour on the right.
        for word in range(max(0, min(row[0], lower[0]) - 1), max(row[1], lower[1])):
            true, label = words[TRUTH, here, word], words[MASKS, here, word]
            if _is_plain(words[TRUTH], here, there, word) and _is_plain(words[MASKS], here, there, word):
                if true | label:
                    if max(true, label) >= len(counts):
                        return int(max(true, label))
                    pixels = LANES if word < last else width - last * LANES
                    counts[true, _AREA + TRUTH] += pixels
                    counts[label, _AREA + MASKS] += pixels
                    counts[true, _INTERSECTION] += pixels * (true == label)
            else:
                beyond = _count_word(truth, masks, y, below, word, width, lines, words, bitmaps, counts, extents)
                if beyond:
                    return beyond
    return 0


@inlined
def _look_through_both(truth: Bytes, masks: Bytes, y: int, width: int, words: Integers) -> tuple[int, int]:
    """Look through a row of both label maps; return the first word that shows an object in either, and the end."""
    start, end = _look_through(truth, y, width, words[TRUTH])
    other_start, other_end = _look_through(masks, y, width, words[MASKS])
    return min(start, other_start), max(end, other_end)


@inlined
def _look_through(labels: Bytes, y: int, width: int, words: Integers) -> tuple[int, int]:
    """Note the label that each word of a row begins with, plus `MIXED` where others follow; then the last pixel's.

    Returns the first word that shows an object, and the one behind the last that does.
    """
    last = len(words) - 2
    start, end = last + 1, 0
    for word in range(last + 1):
        label = labels[y, word * LANES]
        if word < last:
            mixed = equal_lanes(labels, y * labels.shape[1] + word * LANES, label) != ~np.uint64(0)
        else:
            mixed = lanes_of(labels, y, word, width, label) != valid_bits(word, width)
        words[word] = np.int64(label) + MIXED * mixed
        if words[word]:
            start, end = min(start, word), word + 1
    words[last + 1] = labels[y, width - 1]
    return start, end


@inlined
def _is_plain(words: Integers, here: int, there: int, word: int) -> bool:
    """Return whether a word, the one below it and the pixels to the right of both have one label."""
    label = words[here, word]
    if label >= MIXED or words[there, word] != label:
        return False
    return bool(words[here, word + 1] & 255 == label) and bool(words[there, word + 1] & 255 == label)


@inlined
def _count_word(
    truth: Bytes,
    masks: Bytes,
    y: int,
    below: int,
    word: int,
    width: int,
    lines: int,
    words: Integers,
    bitmaps: Words,
    counts: Integers,
    extents: Integers,
) -> int:
    """Count one word label by label; return 0, or a label that has no bitmap."""
    sides, place = _sides(words, y & 1, below & 1, word), y * (words.shape[2] + 1) + 1 + word
    left = _four_lanes(truth, masks, y, below, word, width, np.uint8(0))
    left = ~left[0], ~left[1], ~left[2], ~left[3]  # the pixels whose label was not met yet
    valid = valid_bits(word, width)
    left = left[0] & valid, left[1] & valid, left[2] & valid, left[3] & valid
    while True:
        label = _next_label(truth, masks, y, below, word * LANES, left, sides, extents[:, _MET], place)
        if label == 0 or label >= len(counts):
            return label
        extents[label, _MET] = place
        lanes = _four_lanes(truth, masks, y, below, word, width, np.uint8(label))
        counts[label, _INTERSECTION] += count_ones(lanes[0] & lanes[2] & left[2])
        counts[label, _AREA + TRUTH] += count_ones(lanes[0] & left[0])
        counts[label, _AREA + MASKS] += count_ones(lanes[2] & left[2])
        if lines != AREAS_ALONE:
            several = valid if lines == ALL_NEIGHBOURS and below > y else np.uint64(0)
            if word == words.shape[2] - 2:  # the last column is that of ANY_NEIGHBOUR
                several &= valid >> np.uint64(1)
            last = min(LANES, width - word * LANES) - 1
            line = _boundary(lanes[0], lanes[1], sides[0] == label, sides[1] == label, last, several)
            other = _boundary(lanes[2], lanes[3], sides[2] == label, sides[3] == label, last, several)
            if line | other:
                bitmaps[TRUTH, label, place], bitmaps[MASKS, label, place] = line, other
                extents[label, _TOP], extents[label, _BOTTOM] = min(extents[label, _TOP], y), y
        left = left[0] & ~lanes[0], left[1] & ~lanes[1], left[2] & ~lanes[2], left[3] & ~lanes[3]


@inlined
def _four_lanes(truth: Bytes, masks: Bytes, y: int, below: int, word: int, width: int, label: np.uint8) -> Any:
    """Return where a word has a label, and where the one below has it: in the truth, then in the masks."""
    return (
        lanes_of(truth, y, word, width, label),
        lanes_of(truth, below, word, width, label),
        lanes_of(masks, y, word, width, label),
        lanes_of(masks, below, word, width, label),
    )


@inlined
def _sides(words: Integers, here: int, there: int, word: int) -> Any:
    """Return the label to the right of a word and of the one below: in the truth, then in the masks."""
    return (
        words[TRUTH, here, word + 1] & 255,
        words[TRUTH, there, word + 1] & 255,
        words[MASKS, here, word + 1] & 255,
        words[MASKS, there, word + 1] & 255,
    )


@inlined
def _next_label(
    truth: Bytes, masks: Bytes, y: int, below: int, start: int, left: Any, sides: Any, met: Integers, place: int
) -> int:
    """Return a label of a word or of its sides that was not met yet; 0 where there is none."""
    if left[0]:
        return int(truth[y, start + lowest_bit(left[0])])
    if left[1]:
        return int(truth[below, start + lowest_bit(left[1])])
    if left[2]:
        return int(masks[y, start + lowest_bit(left[2])])
    if left[3]:
        return int(masks[below, start + lowest_bit(left[3])])
    for label in sides:
        if label and (label >= len(met) or met[label] != place):
            return int(label)
    return 0


@inlined
def _boundary(own: np.uint64, lower: np.uint64, beside: bool, corner: bool, last: int, several: np.uint64) -> np.uint64:
    """Return the boundary pixels of a word, given those of a label in it and below it.

    `beside` and `corner` say whether the pixels to the right of the two words have the label; `last` is the bit of the
    last pixel; `several` says where the boundary is that of `ALL_NEIGHBOURS`.
    """
    right = (own >> np.uint64(1)) | (np.uint64(beside) << np.uint64(last))
    lower_right = (lower >> np.uint64(1)) | (np.uint64(corner) << np.uint64(last))
    differing = (own ^ right) | (own ^ lower) | (own ^ lower_right)
    return (differing & ~several) | ((own ^ (right | lower | lower_right)) & several)


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
    extents: int,
    words: int,
) -> int:
    """Count the pixels of two label maps; return 0, or a label for which there is no bitmap, with nothing counted.

    `labels` is how many there are bitmaps for, the background's included; `lines` is what is counted; `rows`, `disks`
    and `limits` are the lengths of three arrays below; a stride is how many bytes lie between the starts of two rows.
    At the addresses are: both label maps, 8 bits a pixel, of which `LANES` bytes can be read from the start of each row
    on; the disks' rows, rows x 3; where each disk ends; the limits; bitmaps, 2 x labels x height x `words_per_row`
    words, all zero before and, unless a label has none, after; counts, labels x `COUNTS`, filled; labels x 3 numbers
    and 4 x (`words_per_row` - 1) numbers for the time of the call.
    """
    per_row = _words_per_row(width)
    return _count(
        carray(truth, (height, truth_stride), np.uint8),
        carray(masks, (height, masks_stride), np.uint8),
        width,
        lines,
        carray(disk_rows, (rows, 3), np.int64),
        carray(disk_ends, (disks,), np.int64),
        carray(area_limits, (limits,), np.int64),
        carray(bitmaps, (2, labels, height * per_row), np.uint64),
        carray(counts, (labels, COUNTS), np.int64),
        carray(extents, (labels, 3), np.int64),
        carray(words, (2, 2, per_row - 1), np.int64),
    )
