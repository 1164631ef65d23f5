"""Which pixels of one boundary are near another one: within a disk around it.

Dilation happens only where it is asked for. A boundary pixel is matched when the other map's boundary, dilated by the
disk, covers it. For each word that has boundary pixels, a rectangle inside the disk comes first: it covers nearly all
of them with one widening. For the rest, the other map's rows are taken from near to far, each widened by shifts to the
disk's width there, until every pixel of the word is covered or the disk ends.
"""

import numpy as np

from vos_bench.compiled.cache import inlined
from vos_bench.compiled.programs import LANES
from vos_bench.compiled.words import Integers, Words, count_ones

_ROW, _LEFT, _RIGHT = 0, 1, 2  # of a disk's row


@inlined
def match(own: Words, other: Words, start: int, end: int, stride: int, rows: Integers) -> tuple[np.int64, np.int64]:
    """Return how many pixels one object's bitmap has, and how many of them the other one, dilated, covers."""
    near, to_left, to_right = _inner_rectangle(rows)
    pixels = matched = np.int64(0)
    for word in range(start, end):
        if own[word]:
            here = count_ones(own[word])
            pixels += here
            rest = _beyond_rectangle(own[word], other, word, stride, rows[:near], to_left, to_right)
            if rest:
                rest = _uncovered(rest, other, word, stride, rows)
            matched += here - count_ones(rest)
    return pixels, matched


@inlined
def _inner_rectangle(rows: Integers) -> tuple[int, int, int]:
    """Return a rectangle inside a disk: how many of its nearest rows, and how far all of them reach left and right."""
    farthest = np.int64(0)
    for row in range(len(rows)):
        farthest = max(farthest, abs(rows[row, _ROW]))
    near, to_left, to_right = 0, LANES, LANES
    for row in range(len(rows)):
        if 2 * abs(rows[row, _ROW]) <= farthest and min(rows[row, _LEFT], rows[row, _RIGHT]) >= 0:
            to_left, to_right = min(to_left, rows[row, _LEFT]), min(to_right, rows[row, _RIGHT])
            near += 1
        else:
            break
    return near, to_left, to_right


@inlined
def _beyond_rectangle(
    pixels: np.uint64, other: Words, word: int, stride: int, rows: Integers, to_left: int, to_right: int
) -> np.uint64:
    """Return those of a word's pixels that no pixel of `other` reaches with the rectangle of some of a disk's rows."""
    left = middle = right = np.uint64(0)
    for row in range(len(rows)):
        near = word + rows[row, _ROW] * stride
        if 0 < near < len(other) - 1:
            left, middle, right = left | other[near - 1], middle | other[near], right | other[near + 1]
    return pixels & ~_widened(left, middle, right, to_left, to_right) if len(rows) else pixels


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
