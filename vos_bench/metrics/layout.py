"""The memory that the compiled kernel works in: what the kernel and its caller have to agree on."""

from ctypes import c_int64, c_void_p

from vos_bench.metrics.counts import Counts

LARGEST_RADIUS = 63
"""The kernel looks one word to either side, so a disk may reach this far; at 0.8 % that is an image of 7,875 pixels."""

COUNTS = len(Counts._fields)
"""How many numbers the kernel gives for each label, in the order of `vos_bench.metrics.counts.Counts`."""

LANES = 8
"""How many pixels' changes, one byte each, are looked through together."""

ARGUMENTS: dict[str, type[c_int64] | type[c_void_p]] = {
    "height": c_int64,
    "width": c_int64,
    "labels": c_int64,
    "radius": c_int64,
    "truth_stride": c_int64,
    "masks_stride": c_int64,
    "truth": c_void_p,
    "masks": c_void_p,
    "half_widths": c_void_p,
    "bitmaps": c_void_p,
    "counts": c_void_p,
    "changes": c_void_p,
    "columns": c_void_p,
}
"""The kernel's arguments, in order: sizes, then addresses.

`labels` is one more than the highest label; a stride is how many bytes lie between the starts of two rows. At the
addresses are: both label maps, 8 bits a pixel; `radius + 1` half widths of the disk; bitmaps, 2 x labels x height x
`words_per_row` words, all zero before and after; counts, labels x `COUNTS`, filled; one row's changes in both maps,
2 x `blocks_per_row` words; and one row's columns, width numbers. All integers have 64 bits.
"""


def words_per_row(width: int) -> int:
    """Return how many words a row of a bitmap has: 64 pixels in each, and an empty one at both ends."""
    return (width + 63) // 64 + 2


def blocks_per_row(width: int) -> int:
    """Return how many words a row of changes has: `LANES` pixels in each."""
    return (width + LANES - 1) // LANES
