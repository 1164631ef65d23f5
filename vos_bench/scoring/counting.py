"""Which way of counting pixels is done first: plain NumPy at once, or a compiled program after it is loaded."""

import sys
from collections.abc import Callable

from vos_bench.labelmaps import NarrowLabels
from vos_bench.metrics.counts import FrameCounts, count_plain

CountFrame = Callable[[NarrowLabels, NarrowLabels], FrameCounts]
"""Counts the pixels of one frame: its true labels and those to judge."""

LOADING_PIXELS = 20_000_000
"""Up to this many pixels (50 frames at 480p) plain NumPy is done before the compiled program is loaded."""

COMPILING_PIXELS = 100_000_000
"""Up to this many pixels (250 frames at 480p) plain NumPy is done long before the program is compiled, which happens
once on a machine."""


def counter(pixels: int) -> CountFrame:
    """Return a counter for one sequence at a time, the one that is done first when there are `pixels` in all."""
    if pixels > LOADING_PIXELS or "vos_bench.compiled.machine_code" in sys.modules:
        from vos_bench.compiled.machine_code import is_compiled
        from vos_bench.compiled.programs import COUNT

        if pixels > COMPILING_PIXELS or is_compiled(COUNT):
            from vos_bench.metrics.counter import FrameCounter

            return FrameCounter()
    return count_plain
