"""Numbers of regions that are bitmaps: their boxes, outlines and inner borders.

A bitmap has 64 pixels a word, and an empty word at both ends of each row. The inner border of a region (boundary IoU)
is the region without what a square erodes to. Erosion is a conjunction of shifted copies, and shifts by 1, 2, 4, …
reach any width in few steps.
"""

import numpy as np

from vos_bench.compiled.cache import inlined
from vos_bench.compiled.programs import LANES
from vos_bench.compiled.words import MASKS, TRUTH, Integers, Words, count_ones, lowest_bit

# A label's numbers, in the order of ObjectOverlap.
INTERSECTION, AREA = 0, 1
_LEFT, _TOP, _RIGHT, _BOTTOM = 5, 6, 7, 8  # of the truth; _BOX is added for the mask
_BOX = 4
_OUTLINE, _CONTACT, _INNER_BOTH, _INNER_EITHER = 13, 14, 15, 16
_WIDEST = 63  # what one round of erosion reaches: shifts stay inside a word and its neighbour


@inlined
def any_object(bitmaps: Words, extents: Integers, stride: int) -> bool:
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
def box(bitmap: Words, rows: Integers, stride: int, numbers: Integers, layer: int) -> None:
    """Fill in the box around a region."""
    offset = _BOX * layer
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
def outline(bitmaps: Words, label: int, rows: Integers, stride: int, several: bool, numbers: Integers) -> None:
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
def inner_borders(
    bitmaps: Words, extents: Integers, stride: int, reach: int, scratch: Words, numbers: Integers
) -> None:
    """Fill in how many pixels the inner borders of both regions have together, and how many have either."""
    for layer in (TRUTH, MASKS):
        _inner_border(bitmaps[layer], extents[layer], stride, reach, scratch[2], scratch[layer])
    both = pixels = np.int64(0)
    for layer in (TRUTH, MASKS):
        for i in range(extents[layer, 0] * stride, (extents[layer, 1] + 1) * stride):
            pixels += count_ones(scratch[layer, i])
    top, bottom = max(extents[TRUTH, 0], extents[MASKS, 0]), min(extents[TRUTH, 1], extents[MASKS, 1])
    for i in range(top * stride, (bottom + 1) * stride):
        both += count_ones(scratch[TRUTH, i] & scratch[MASKS, i])
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
