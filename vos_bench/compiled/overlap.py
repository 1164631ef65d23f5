"""Counts how the objects of two label maps overlap, all objects in one pass, and what changed since the frame before.

The numbers are those of `vos_bench.metrics.overlaps.count_overlaps`; what differs is how they are reached.

1.  *Words of 64 pixels*, as in `vos_bench.compiled.count`: a word that has one label in each map is one addition. In
    the other words, each pair of labels is one conjunction of bits.
2.  *Words that did not change* are passed over: of the frame before, the label that each word begins with is kept, and
    whether others follow.
3.  *The inner border* of a region (boundary IoU) is the region without what a square erodes to. Erosion is a
    conjunction of shifted copies, and shifts by 1, 2, 4, … reach any width in few steps.
"""

import numpy as np
from numba import carray
from numpy.typing import NDArray

from vos_bench.compiled.cache import compile_program, inlined
from vos_bench.compiled.programs import LANES, OVERLAP, OVERLAPS, words_per_row
from vos_bench.compiled.words import count_ones, lanes_of, lowest_bit, valid_bits

_TRUTH, _MASKS = 0, 1
# A label's numbers, in the order of ObjectOverlap.
_INTERSECTION, _AREA, _OWNER, _OWNED = 0, 1, 3, 4
_LEFT, _TOP, _RIGHT, _BOTTOM = 5, 6, 7, 8  # of the truth; _BOX is added for the mask
_BOX = 4
_OUTLINE, _CONTACT, _INNER_BOTH, _INNER_EITHER, _FLICKER, _LOST = 13, 14, 15, 16, 17, 18
_MIXED = 256  # added to the label that a word begins with, where others follow
_WIDEST = 63  # what one round of erosion reaches: shifts stay inside a word and its neighbour

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]
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
        summary: 2 x H x words; filled with the label that each word begins with, plus `_MIXED` where others follow.
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
    several = _any_object(bitmaps[_TRUTH], extents[_TRUTH], stride)
    for label in range(1, len(numbers)):
        for layer in (_TRUTH, _MASKS):
            if extents[layer, label, 1] >= 0:
                _box(bitmaps[layer, label], extents[layer, label], stride, numbers[label], _BOX * layer)
        if extents[_TRUTH, label, 1] >= 0:
            _outline(bitmaps[_TRUTH], label, extents[_TRUTH, label], stride, several, numbers[label])
        if numbers[label, _INTERSECTION]:
            _inner_borders(bitmaps[:, label], extents[:, label], stride, reach, scratch, numbers[label])
    for layer in (_TRUTH, _MASKS):
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
            summary[_TRUTH, y, word], summary[_MASKS, y, word] = true, label
            if max(true, label) < _MIXED:
                if true | label:
                    if max(true, label) >= len(pairs):
                        return int(max(true, label))
                    valid = valid_bits(word, width)
                    pairs[true, label] += LANES if word < last else width - last * LANES
                    _mark(bitmaps[_TRUTH], extents[_TRUTH], true, y, word, last, valid)
                    _mark(bitmaps[_MASKS], extents[_MASKS], label, y, word, last, valid)
            else:
                beyond = _scan_word(truth, masks, y, word, last, width, pairs, bitmaps, extents)
                if beyond:
                    return beyond
    return 0


@inlined
def _first(labels: Bytes, y: int, word: int, width: int) -> int:
    """Return the label that a word begins with, plus `_MIXED` where others follow."""
    first = labels[y, word * LANES]
    return int(first) + _MIXED * int(lanes_of(labels, y, word, width, first) != valid_bits(word, width))


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
        _mark(bitmaps[_MASKS], extents[_MASKS], label, y, word, last, bits)
    left = valid
    while left:
        true = int(truth[y, word * LANES + lowest_bit(left)])
        if true >= len(pairs):
            return true
        bits = lanes_of(truth, y, word, width, np.uint8(true))
        left &= ~bits
        _mark(bitmaps[_TRUTH], extents[_TRUTH], true, y, word, last, bits)
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
            label = summary[_MASKS, y, word]
            if label >= _MIXED or label != before[_MASKS, y, word]:
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
        numbers[label, _INTERSECTION] = pairs[label, label]
        for other in range(len(pairs)):
            numbers[label, _AREA + _TRUTH] += pairs[label, other]
            numbers[label, _AREA + _MASKS] += pairs[other, label]
            if other and other != label and pairs[other, label] > numbers[label, _OWNED]:
                numbers[label, _OWNER], numbers[label, _OWNED] = other, pairs[other, label]


@inlined
def _any_object(bitmaps: Words, extents: Integers, stride: int) -> bool:
    """Mark the pixels of any object as those of label 0, where there are several; return whether there are."""
    objects = 0
    for label in range(1, len(bitmaps)):
        objects += extents[label, 1] >= 0
    if objects < 2:
        return False
    for label in range(1, len(bitmaps)):
        if extents[label, 1] >= 0:
            for i in range(extents[label, 0] * stride, (extents[label, 1] + 1) * stride):
                bitmaps[0, i] |= bitmaps[label, i]
            extents[0, 0] = min(extents[0, 0], extents[label, 0])
            extents[0, 1] = max(extents[0, 1], extents[label, 1])
    return True


@inlined
def _box(bitmap: Words, rows: Integers, stride: int, numbers: Integers, offset: int) -> None:
    """Fill in the box around a region."""
    numbers[_TOP + offset], numbers[_BOTTOM + offset] = rows[0], rows[1]
    numbers[_LEFT + offset], numbers[_RIGHT + offset] = -1, -1
    for word in range(1, stride - 1):
        column = np.uint64(0)
        for y in range(rows[0], rows[1] + 1):
            column |= bitmap[y * stride + word]
        if column:
            if numbers[_LEFT + offset] < 0:
                numbers[_LEFT + offset] = (word - 1) * LANES + lowest_bit(column)
            numbers[_RIGHT + offset] = (word - 1) * LANES + _highest_bit(column)


@inlined
def _highest_bit(word: np.uint64) -> np.int64:
    """Return the place of the highest set bit."""
    for step in (1, 2, 4, 8, 16, 32):
        word |= word >> np.uint64(step)
    return count_ones(word) - 1


@inlined
def _outline(bitmaps: Words, label: int, rows: Integers, stride: int, several: bool, numbers: Integers) -> None:
    """Fill in how many sides of a region's pixels are its outline, and how many of these another object shares."""
    one = np.uint64(1)
    far = np.uint64(LANES - 1)
    start, end = rows[0] * stride, (rows[1] + 1) * stride
    own, size = bitmaps[label], bitmaps.shape[1]
    sides = np.int64(0)
    for i in range(start + 1, end - 1):
        below = own[i + stride] if i + stride < size else np.uint64(0)
        right = (own[i] >> one) | (own[i + 1] << far)
        sides += count_ones(own[i] & ~right) + count_ones(own[i] & ~below)
    numbers[_OUTLINE] = 2 * sides  # each row and column leaves the region as often as it enters
    if several:
        shared = np.int64(0)
        for i in range(start + 1, end - 1):
            if own[i]:
                left = _other(bitmaps, label, i - 1)
                here = _other(bitmaps, label, i)
                right = _other(bitmaps, label, i + 1)
                shared += count_ones(own[i] & ((here >> one) | (right << far)))
                shared += count_ones(own[i] & ((here << one) | (left >> far)))
                shared += count_ones(own[i] & _other(bitmaps, label, i - stride))
                shared += count_ones(own[i] & _other(bitmaps, label, i + stride))
        numbers[_CONTACT] = shared


@inlined
def _other(bitmaps: Words, label: int, i: int) -> np.uint64:
    """Return the pixels of a word that another object has; none beyond the image."""
    if i < 0 or i >= bitmaps.shape[1]:
        return np.uint64(0)
    pixels: np.uint64 = bitmaps[0, i] & ~bitmaps[label, i]
    return pixels


@inlined
def _inner_borders(
    bitmaps: Words, extents: Integers, stride: int, reach: int, scratch: Words, numbers: Integers
) -> None:
    """Fill in how many pixels the inner borders of both regions have together, and how many have either."""
    for layer in (_TRUTH, _MASKS):
        _inner_border(bitmaps[layer], extents[layer], stride, reach, scratch[2], scratch[layer])
    both = pixels = np.int64(0)
    for layer in (_TRUTH, _MASKS):
        for i in range(extents[layer, 0] * stride, (extents[layer, 1] + 1) * stride):
            pixels += count_ones(scratch[layer, i])
    top, bottom = max(extents[_TRUTH, 0], extents[_MASKS, 0]), min(extents[_TRUTH, 1], extents[_MASKS, 1])
    for i in range(top * stride, (bottom + 1) * stride):
        both += count_ones(scratch[_TRUTH, i] & scratch[_MASKS, i])
    numbers[_INNER_BOTH], numbers[_INNER_EITHER] = both, pixels - both


@inlined
def _inner_border(bitmap: Words, rows: Integers, stride: int, reach: int, eroded: Words, border: Words) -> None:
    """Fill the rows of a region in `border` with its pixels from which a square of 2 reach + 1 pixels leaves it.

    Beyond the image there is nothing, so that a region at the image's edge has an inner border there.
    """
    start, end = rows[0] * stride, (rows[1] + 1) * stride
    for i in range(start, end):
        border[i] = eroded[i] = bitmap[i]
    if rows[1] - rows[0] < 2 * reach:
        return  # the square is higher than the region
    left = reach
    while left:
        step = min(left, _WIDEST)
        _erode_rows(eroded, start, end, step)
        _erode_columns(eroded, start, end, stride, step)
        left -= step
    for i in range(start, end):
        border[i] &= ~eroded[i]


@inlined
def _erode_rows(region: Words, start: int, end: int, reach: int) -> None:
    """Leave the pixels that see the region for `reach` pixels to either side; two empty words part any two rows."""
    window = 1
    while window < 2 * reach + 1:
        step = np.uint64(min(window, 2 * reach + 1 - window))
        back = np.uint64(LANES) - step
        for i in range(start, end - 1):
            region[i] &= (region[i] >> step) | (region[i + 1] << back)
        window += int(step)
    step, back = np.uint64(reach), np.uint64(LANES - reach)
    for i in range(end - 1, start, -1):
        region[i] = (region[i] << step) | (region[i - 1] >> back)


@inlined
def _erode_columns(region: Words, start: int, end: int, stride: int, reach: int) -> None:
    """Leave the pixels that see the region for `reach` pixels up and down."""
    window = 1
    while window < 2 * reach + 1:
        step = min(window, 2 * reach + 1 - window)
        inside = max(start, end - step * stride)
        for i in range(start, inside):
            region[i] &= region[i + step * stride]
        region[inside:end] = 0
        window += step
    first = min(end, start + reach * stride)
    for i in range(end - 1, first - 1, -1):
        region[i] = region[i - reach * stride]
    region[start:first] = 0


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
