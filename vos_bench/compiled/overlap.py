"""Counts how the objects of two label maps overlap, all objects in one pass, and what changed since the frame before.

The numbers are those of `vos_bench.metrics.overlaps.count_overlaps`; what differs is how they are reached.

1.  *Words of 64 pixels*, as in `vos_bench.compiled.count`: a word that has one label in each map is one addition. In
    the other words, each pair of labels is one conjunction of bits.
2.  *Words that did not change* are passed over: of the frame before, the label that each word begins with is kept, and
    whether others follow.
3.  *Regions as bitmaps*: see `vos_bench.compiled.regions`.
"""

import numpy as np
from numba import carray
from numpy.typing import NDArray

from vos_bench.compiled.cache import compile_program, inlined
from vos_bench.compiled.programs import LANES, OVERLAP, OVERLAPS, words_per_row
from vos_bench.compiled.regions import AREA, INTERSECTION, any_object, box, inner_borders, outline
from vos_bench.compiled.words import (
    MASKS,
    MIXED,
    TRUTH,
    Bytes,
    Integers,
    Words,
    count_ones,
    lanes_of,
    lowest_bit,
    valid_bits,
)

# More of a label's numbers, in the order of ObjectOverlap.
_OWNER, _OWNED, _FLICKER, _LOST = 3, 4, 17, 18

Summary = NDArray[np.int16]

_words_per_row = inlined(words_per_row)


@inlined
def _overlap(
    truth: Bytes,
    masks: Bytes,
    before_truth: Bytes,
    before_masks: Bytes,
    width: int,
    reach: int,
    follows: bool,
    summary: Summary,
    before: Summary,
    pairs: Integers,
    bitmaps: Words,
    numbers: Integers,
    extents: Integers,
    scratch: Words,
) -> int:
    """Count one frame; return 0, or a label for which there is no bitmap, with nothing counted.

    Args:
        truth: H x stride true labels, of which the first `width` in a row are pixels.
        masks: H x stride labels to judge, likewise.
        before_truth: Those of the frame before, likewise.
        before_masks: Likewise.
        width: W; from each row's start on at least `LANES` bytes can be read.
        reach: How wide the inner border of a region is.
        follows: Whether there is a frame before.
        summary: 2 x H x words; filled with the label that each word begins with, plus `MIXED` where others follow.
        before: That of the frame before.
        pairs: Labels x labels; filled with the pixels that have one label in the truth and one in the mask.
        bitmaps: 2 x labels x (H * words per row), all zero; left so unless a label has none.
        numbers: Labels x `OVERLAPS`; filled.
        extents: 2 x labels x 2; scratch.
        scratch: 3 x (H * words per row); scratch.
    """
    pairs[:] = 0
    numbers[:] = 0
    extents[:, :, 0], extents[:, :, 1] = len(truth), -1
    beyond = _scan(truth, masks, width, summary, pairs, bitmaps, extents)
    if beyond:
        return beyond
    if follows:
        _changes(truth, masks, before_truth, before_masks, width, summary, before, numbers)
    _areas(pairs, numbers)
    stride = bitmaps.shape[2] // len(truth)
    several = any_object(bitmaps[TRUTH], extents[TRUTH], stride)
    for label in range(1, len(numbers)):
        for layer in (TRUTH, MASKS):
            if extents[layer, label, 1] >= 0:
                box(bitmaps[layer, label], extents[layer, label], stride, numbers[label], layer)
        if extents[TRUTH, label, 1] >= 0:
            outline(bitmaps[TRUTH], label, extents[TRUTH, label], stride, several, numbers[label])
        if numbers[label, INTERSECTION]:
            inner_borders(bitmaps[:, label], extents[:, label], stride, reach, scratch, numbers[label])
    for layer in (TRUTH, MASKS):
        for label in range(len(numbers)):
            start, end = extents[layer, label, 0] * stride, (extents[layer, label, 1] + 1) * stride
            bitmaps[layer, label, start : max(start, end)] = 0
    return 0


@inlined
def _scan(
    truth: Bytes, masks: Bytes, width: int, summary: Summary, pairs: Integers, bitmaps: Words, extents: Integers
) -> int:
    """Count pairs of labels and mark regions, word by word; return 0, or the first label met that has no bitmap."""
    last = summary.shape[2] - 1
    for y in range(len(truth)):
        for word in range(last + 1):
            true, label = _first(truth, y, word, width), _first(masks, y, word, width)
            summary[TRUTH, y, word], summary[MASKS, y, word] = true, label
            if max(true, label) < MIXED:
                if true | label:
                    if max(true, label) >= len(pairs):
                        return int(max(true, label))
                    valid = valid_bits(word, width)
                    pairs[true, label] += LANES if word < last else width - last * LANES
                    _mark(bitmaps[TRUTH], extents[TRUTH], true, y, word, last, valid)
                    _mark(bitmaps[MASKS], extents[MASKS], label, y, word, last, valid)
            else:
                beyond = _scan_word(truth, masks, y, word, last, width, pairs, bitmaps, extents)
                if beyond:
                    return beyond
    return 0


@inlined
def _first(labels: Bytes, y: int, word: int, width: int) -> int:
    """Return the label that a word begins with, plus `MIXED` where others follow."""
    first = labels[y, word * LANES]
    return int(first) + MIXED * int(lanes_of(labels, y, word, width, first) != valid_bits(word, width))


@inlined
def _mark(bitmaps: Words, extents: Integers, label: int, y: int, word: int, last: int, bits: np.uint64) -> None:
    """Note pixels of a label."""
    if label:
        bitmaps[label, y * (last + 3) + 1 + word] = bits
        extents[label, 0], extents[label, 1] = min(extents[label, 0], y), y


@inlined
def _scan_word(
    truth: Bytes,
    masks: Bytes,
    y: int,
    word: int,
    last: int,
    width: int,
    pairs: Integers,
    bitmaps: Words,
    extents: Integers,
) -> int:
    """Count the pairs of labels of one word; return 0, or a label that has no bitmap."""
    valid = valid_bits(word, width)
    left = valid
    while left:
        label = int(masks[y, word * LANES + lowest_bit(left)])
        if label >= len(pairs):
            return label
        bits = lanes_of(masks, y, word, width, np.uint8(label))
        left &= ~bits
        _mark(bitmaps[MASKS], extents[MASKS], label, y, word, last, bits)
    left = valid
    while left:
        true = int(truth[y, word * LANES + lowest_bit(left)])
        if true >= len(pairs):
            return true
        bits = lanes_of(truth, y, word, width, np.uint8(true))
        left &= ~bits
        _mark(bitmaps[TRUTH], extents[TRUTH], true, y, word, last, bits)
        while bits:
            label = int(masks[y, word * LANES + lowest_bit(bits)])
            both = bits & lanes_of(masks, y, word, width, np.uint8(label))
            pairs[true, label] += count_ones(both)
            bits &= ~both
    return 0


@inlined
def _changes(
    truth: Bytes,
    masks: Bytes,
    before_truth: Bytes,
    before_masks: Bytes,
    width: int,
    summary: Summary,
    before: Summary,
    numbers: Integers,
) -> None:
    """Count, for each label, what its mask lost since the frame before, and what changed without its truth."""
    for y in range(len(masks)):
        for word in range(summary.shape[2]):
            label = summary[MASKS, y, word]
            if label >= MIXED or label != before[MASKS, y, word]:
                _change_word(truth, masks, before_truth, before_masks, y, word, width, numbers)


@inlined
def _change_word(
    truth: Bytes,
    masks: Bytes,
    before_truth: Bytes,
    before_masks: Bytes,
    y: int,
    word: int,
    width: int,
    numbers: Integers,
) -> None:
    """Count the changes of one word."""
    valid = valid_bits(word, width)
    left = valid & ~lanes_of(masks, y, word, width, np.uint8(0))
    left_before = valid & ~lanes_of(before_masks, y, word, width, np.uint8(0))
    while left | left_before:
        if left:
            label = masks[y, word * LANES + lowest_bit(left)]
        else:
            label = before_masks[y, word * LANES + lowest_bit(left_before)]
        now, then = lanes_of(masks, y, word, width, label), lanes_of(before_masks, y, word, width, label)
        left, left_before = left & ~now, left_before & ~then
        if now != then and label < len(numbers):
            true = lanes_of(truth, y, word, width, label) ^ lanes_of(before_truth, y, word, width, label)
            numbers[label, _FLICKER] += count_ones((now ^ then) & ~true)
            numbers[label, _LOST] += count_ones(then & ~now)


@inlined
def _areas(pairs: Integers, numbers: Integers) -> None:
    """Fill in areas, intersections, and which other object has most of a mask (of several, the lowest label)."""
    for label in range(1, len(pairs)):
        numbers[label, INTERSECTION] = pairs[label, label]
        for other in range(len(pairs)):
            numbers[label, AREA + TRUTH] += pairs[label, other]
            numbers[label, AREA + MASKS] += pairs[other, label]
            if other and other != label and pairs[other, label] > numbers[label, _OWNED]:
                numbers[label, _OWNER], numbers[label, _OWNED] = other, pairs[other, label]


@compile_program(OVERLAP)
def overlap(
    height: int,
    width: int,
    labels: int,
    reach: int,
    follows: int,
    truth_stride: int,
    masks_stride: int,
    before_truth_stride: int,
    before_masks_stride: int,
    truth: int,
    masks: int,
    before_truth: int,
    before_masks: int,
    summary: int,
    before: int,
    pairs: int,
    bitmaps: int,
    numbers: int,
    extents: int,
    scratch: int,
) -> int:
    """Count how the objects of two label maps overlap; return 0, or a label for which there is no bitmap.

    `labels` is how many there are bitmaps for, the background's included; `reach` is how wide an inner border is;
    `follows` is 1 where there is a frame before; a stride is how many bytes lie between the starts of two rows. At the
    addresses are: both label maps and those of the frame before, 8 bits a pixel, of which `LANES` bytes can be read
    from the start of each row on; 2 x height x (`words_per_row` - 2) numbers of 16 bits of this frame, filled, and of
    the frame before; labels x labels numbers, filled; bitmaps, 2 x labels x height x `words_per_row` words, all zero
    before and, unless a label has none, after; labels x `OVERLAPS` numbers, filled; 2 x labels x 2 numbers and 3 x
    height x `words_per_row` words for the time of the call.
    """
    per_row = _words_per_row(width)
    return _overlap(
        carray(truth, (height, truth_stride), np.uint8),
        carray(masks, (height, masks_stride), np.uint8),
        carray(before_truth, (height, before_truth_stride), np.uint8),
        carray(before_masks, (height, before_masks_stride), np.uint8),
        width,
        reach,
        follows != 0,
        carray(summary, (2, height, per_row - 2), np.int16),
        carray(before, (2, height, per_row - 2), np.int16),
        carray(pairs, (labels, labels), np.int64),
        carray(bitmaps, (2, labels, height * per_row), np.uint64),
        carray(numbers, (labels, OVERLAPS), np.int64),
        carray(extents, (2, labels, 2), np.int64),
        carray(scratch, (3, height * per_row), np.uint64),
    )
