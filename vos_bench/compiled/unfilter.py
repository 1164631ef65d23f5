"""Undoes the row filters of PNG files.

Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", section 9, for one byte a pixel.
"""

import numpy as np
from numba import carray
from numpy.typing import NDArray

from vos_bench.compiled.cache import compile_program, inlined
from vos_bench.compiled.programs import UNFILTER

_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4

Rows = NDArray[np.uint8]


@inlined
def _unfilter(rows: Rows) -> int:
    for y in range(len(rows)):
        kind = rows[y, 0]
        if kind == _SUB:
            _add_left(rows, y)
        elif kind == _UP:
            _add_above(rows, y)
        elif kind == _AVERAGE:
            _add_average(rows, y)
        elif kind == _PAETH:
            _add_paeth(rows, y)
        elif kind:
            return 1
        rows[y, 0] = 0
    return 0


@inlined
def _add_left(rows: Rows, y: int) -> None:
    left = 0
    for x in range(1, rows.shape[1]):
        left += rows[y, x]
        rows[y, x] = left


@inlined
def _add_above(rows: Rows, y: int) -> None:
    if y:
        for x in range(1, rows.shape[1]):
            rows[y, x] += rows[y - 1, x]


@inlined
def _add_average(rows: Rows, y: int) -> None:
    left = 0
    for x in range(1, rows.shape[1]):
        above = rows[y - 1, x] if y else 0
        left = (rows[y, x] + (left + above) // 2) & 255
        rows[y, x] = left


@inlined
def _add_paeth(rows: Rows, y: int) -> None:
    """Add whichever of left, above and above left is nearest to left + above - above left."""
    left = above_left = 0
    for x in range(1, rows.shape[1]):
        above = rows[y - 1, x] if y else 0
        to_left, to_above, to_both = abs(above - above_left), abs(left - above_left), abs(left + above - 2 * above_left)
        if to_left <= to_above and to_left <= to_both:
            nearest = left
        elif to_above <= to_both:
            nearest = above
        else:
            nearest = above_left
        left, above_left = (rows[y, x] + nearest) & 255, above
        rows[y, x] = left


@compile_program(UNFILTER)
def unfilter(height: int, stride: int, rows: int) -> int:
    """Undo the row filters of an 8-bit PNG in place; return 0, or 1 when a row has a filter that there is not.

    `stride` is one more than the width: before its pixels each row has the number of its filter, which becomes 0.
    """
    return _unfilter(carray(rows, (height, stride), np.uint8))
