"""Undoes the row filters of PNG files. Source for the compiler.

Source: W3C, "Portable Network Graphics (PNG) Specification (Third Edition)", section 9, for one byte a pixel.
"""

from typing import Any

import numpy as np
from numba import carray
from numpy.typing import NDArray

from vos_bench.compiled.compiler import compiled, entry
from vos_bench.compiled.programs import UNFILTER

_SUB, _UP, _AVERAGE, _PAETH = 1, 2, 3, 4

Rows = NDArray[np.uint8]


def compile_program() -> Any:
    """Return `vos_bench.compiled.programs.UNFILTER` as a `numba.cfunc`."""

    def program(height: int, stride: int, rows: int) -> int:
        return _unfilter(carray(rows, (height, stride), np.uint8))

    return entry(program, UNFILTER)


@compiled
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


@compiled
def _add_left(rows: Rows, y: int) -> None:
    left = 0
    for x in range(1, rows.shape[1]):
        left += rows[y, x]
        rows[y, x] = left


@compiled
def _add_above(rows: Rows, y: int) -> None:
    if y:
        for x in range(1, rows.shape[1]):
            rows[y, x] += rows[y - 1, x]


@compiled
def _add_average(rows: Rows, y: int) -> None:
    left = 0
    for x in range(1, rows.shape[1]):
        above = rows[y - 1, x] if y else 0
        left = (rows[y, x] + (left + above) // 2) & 255
        rows[y, x] = left


@compiled
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
