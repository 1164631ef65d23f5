"""The programs there are: what they take, and what they and their callers have to agree on."""

from ctypes import c_int64, c_void_p
from dataclasses import dataclass

Kind = type[c_int64] | type[c_void_p]


@dataclass(frozen=True)
class Program:
    """One program. It takes sizes and addresses and returns a number, all of 64 bits.

    Attributes:
        name: The module in this package that holds its source.
        arguments: Their names and kinds, in order.
    """

    name: str
    arguments: tuple[tuple[str, Kind], ...]


UNFILTER = Program("unfilter", (("height", c_int64), ("stride", c_int64), ("rows", c_void_p)))
"""Undoes the row filters of an 8-bit PNG in place; returns 0, or 1 when a row has a filter that there is not.

`stride` is one more than the width: before its pixels each row has the number of its filter, which becomes 0.
"""

COUNT = Program(
    "count",
    (
        ("height", c_int64),
        ("width", c_int64),
        ("labels", c_int64),
        ("radius", c_int64),
        ("truth_stride", c_int64),
        ("masks_stride", c_int64),
        ("truth", c_void_p),
        ("masks", c_void_p),
        ("half_widths", c_void_p),
        ("bitmaps", c_void_p),
        ("counts", c_void_p),
        ("changes", c_void_p),
        ("columns", c_void_p),
    ),
)
"""Counts the pixels of two label maps; returns 0, or a label for which there is no bitmap, with nothing counted.

`labels` is how many there are bitmaps for, the background's included; a stride is how many bytes lie between the
starts of two rows. At the addresses are: both label maps, 8 bits a pixel; `radius + 1` half widths of the disk;
bitmaps, 2 x labels x height x `words_per_row` words, all zero before and, unless a label has none, after; counts,
labels x `COUNTS`, filled; one row's changes in both maps, 2 x `blocks_per_row` words; and one row's columns, width
numbers.
"""

COUNTS = 7
"""How many numbers `COUNT` gives for each label, in the order of `vos_bench.metrics.counts.Counts`."""

LANES = 8
"""How many pixels' changes, one byte each, `COUNT` looks through together."""

LARGEST_RADIUS = 63
"""`COUNT` looks one word to either side, so a disk may reach this far; at 0.8 % that is an image of 7,875 pixels."""


def words_per_row(width: int) -> int:
    """Return how many words a row of a bitmap has: 64 pixels in each, and an empty one at both ends."""
    return (width + 63) // 64 + 2


def blocks_per_row(width: int) -> int:
    """Return how many words a row of changes has: `LANES` pixels in each."""
    return (width + LANES - 1) // LANES
