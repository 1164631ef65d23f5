"""Numbers of regions that are bitmaps: their boxes, outlines and inner borders.

A bitmap has 64 pixels a word, and an empty word at both ends of each row. The inner border of a region (boundary IoU)
is the region without what a square erodes to. Erosion is a conjunction of shifted copies, and shifts by 1, 2, 4, …
reach any width in few steps.

Loops begin at 0, and not at the place of a row: only then does the compiler know that no place is below 0, which would
be one from the end, and take several words at once.
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
_WIDEST = 63  # the longest step of an erosion: shifts stay inside a word and its neighbour


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
            start, end = extents[label, 0] * stride, (extents[label, 1] + 1) * stride
            every, own = bitmaps[0, start:end], bitmaps[label, start:end]
            for i in range(len(own)):
                every[i] |= own[i]
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
    own = bitmaps[label]
    sides = np.int64(0)
    region = own[start:end]
    beside, below, lowest = region[1:], region[stride:], region[len(region) - stride :]
    for i in range(len(beside)):
        sides += count_ones(region[i] & ~((region[i] >> one) | (beside[i] << far)))
    for i in range(len(below)):
        sides += count_ones(region[i] & ~below[i])
    for i in range(len(lowest)):
        sides += count_ones(lowest[i])
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
    """Fill in how many pixels the inner borders of both regions have together, and how many have either.

    Both regions are copied without the words to the left and the right of both, with an empty word before each row.
    """
    first = min(numbers[_LEFT], numbers[_LEFT + _BOX]) // LANES + 1
    last = max(numbers[_RIGHT], numbers[_RIGHT + _BOX]) // LANES + 1
    top, bottom = min(extents[TRUTH, 0], extents[MASKS, 0]), max(extents[TRUTH, 1], extents[MASKS, 1])
    narrow = last - first + 2
    size = (bottom + 1 - top) * narrow + 1
    for layer in (TRUTH, MASKS):
        borders = scratch[layer, :size]
        borders[:] = 0
        for y in range(extents[layer, 0], extents[layer, 1] + 1):
            row, copy = bitmaps[layer, y * stride + first :], borders[(y - top) * narrow + 1 :]
            for word in range(narrow - 1):
                copy[word] = row[word]
        start, end = (extents[layer, 0] - top) * narrow, (extents[layer, 1] + 1 - top) * narrow + 1
        _inner_border(borders[start:end], narrow, reach, scratch[2])
    true, found = scratch[TRUTH, :size], scratch[MASKS, :size]
    both = pixels = np.int64(0)
    for i in range(size):
        pixels += count_ones(true[i]) + count_ones(found[i])
        both += count_ones(true[i] & found[i])
    numbers[_INNER_BOTH], numbers[_INNER_EITHER] = both, pixels - both


@inlined
def _inner_border(region: Words, stride: int, reach: int, scratch: Words) -> None:
    """Leave the pixels of a region from which a square of 2 reach + 1 pixels leaves it.

    The first word and the last one of each row are empty. Beyond the image there is nothing, so that a region at the
    image's edge has an inner border there.
    """
    side = 2 * reach + 1
    if len(region) // stride < side:
        return  # the square is higher than the region
    eroded = scratch[: len(region)]
    for i in range(len(region)):
        eroded[i] = region[i]
    _erode_rows(eroded, side)
    _erode_columns(eroded, stride, side)
    # What is left are the upper left corners of squares inside the region; their centres do not count.
    bits, rest = np.uint64(reach % LANES), np.uint64(LANES - 1 - reach % LANES)
    before, corners, centres = eroded, eroded[1:], region[reach * stride + reach // LANES + 1 :]
    for i in range(len(centres)):
        centres[i] &= ~((corners[i] << bits) | (before[i] >> rest >> np.uint64(1)))


@inlined
def _erode_rows(region: Words, side: int) -> None:
    """Leave the pixels that see the region for `side` pixels to the right; an empty word parts any two rows."""
    ahead, window = region[1:], 1
    while window < side:
        step = np.uint64(min(window, side - window, _WIDEST))
        back = np.uint64(LANES) - step
        for i in range(len(ahead)):
            region[i] &= (region[i] >> step) | (ahead[i] << back)
        window += int(step)


@inlined
def _erode_columns(region: Words, stride: int, side: int) -> None:
    """Leave the pixels that see the region for `side` pixels down."""
    window = 1
    while window < side:
        step = min(window, side - window)
        below = region[step * stride :]
        for i in range(len(below)):
            region[i] &= below[i]
        region[len(below) :] = 0
        window += step
