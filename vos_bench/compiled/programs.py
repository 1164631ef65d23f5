"""The programs that there are: what they take, and what they and their callers have to agree on.

All of them take sizes first and then addresses, and return a number, each of 64 bits.
"""

from typing import NamedTuple


class Program(NamedTuple):
    """One program.

    Attributes:
        name: The module in this package that holds its source.
        sizes: How many numbers it takes.
        addresses: How many addresses it takes after them.
        modules: The modules in this package that its source takes functions from.
    """

    name: str
    sizes: int
    addresses: int
    modules: tuple[str, ...] = ("words",)


UNFILTER = Program("unfilter", sizes=2, addresses=1)
COUNT = Program("count", sizes=9, addresses=9, modules=("words", "boundary_matching"))
OVERLAP = Program("overlap", sizes=9, addresses=11, modules=("words", "regions"))

COUNTS = 9
"""How many numbers `COUNT` gives for each label, in the order of `vos_bench.metrics.counts.PixelCounts`."""

OVERLAPS = 19
"""How many numbers `OVERLAP` gives for each label, in the order of `vos_bench.metrics.overlaps.ObjectOverlap`."""

LANES = 64
"""How many pixels `COUNT` and `OVERLAP` compare at once: as many as a word has bits."""

LARGEST_RADIUS = 63
"""`COUNT` looks one word to either side, so a disk may reach this far; at 0.8 % that is an image of 7,875 pixels."""

AREAS_ALONE, ANY_NEIGHBOUR, ALL_NEIGHBOURS = 0, 1, 2
"""What `COUNT` counts: no boundaries; those of `vos_bench.metrics.contours.boundary`; of `compiled_op_boundary`."""


def words_per_row(width: int) -> int:
    """Return how many words a row of a bitmap has: 64 pixels in each, and an empty one at both ends."""
    return (width + LANES - 1) // LANES + 2
