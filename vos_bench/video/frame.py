"""One frame of a video and when it is shown."""

from fractions import Fraction
from typing import NamedTuple

from vos_bench.api import Image


class TimedFrame(NamedTuple):
    """A frame in memory.

    Attributes:
        image: H x W x 3, RGB.
        time: Seconds from the first frame on, exact; never less than that of the frame before.
    """

    image: Image
    time: Fraction
