"""Boundaries of masks, and which of their pixels match: the geometry behind F.

Two boundary pixels match when they are at most a tolerance apart. Each benchmark has a `ContourRule`, which says what a
boundary is and how large the tolerance is. The formula of F is `vos_bench.metrics.measures.contour_accuracy`.
"""

import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask

TOLERANCE = 0.008
"""The distance at which two boundary pixels still match, as a share of the image's diagonal."""


def tolerance(height: int, width: int) -> float:
    """Return the matching distance in pixels: 7.84 at 480 x 854."""
    return TOLERANCE * math.sqrt(height * height + width * width)


def tolerance_radius(height: int, width: int) -> int:
    """Return the matching distance in pixels, rounded up: 8 at 480 x 854."""
    return math.ceil(tolerance(height, width))


def disk_half_widths(radius: int) -> NDArray[np.int64]:
    """Return, for each row distance 0..radius from its centre, how far the disk reaches to either side."""
    return np.array([math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1)], np.int64)


class DiskRow(NamedTuple):
    """One row of a disk.

    Attributes:
        row: Its distance from the disk's centre, downwards.
        left: How far it reaches to the left of the centre.
        right: How far it reaches to the right of it.
    """

    row: int
    left: int
    right: int


Disk = tuple[DiskRow, ...]
"""The rows of a disk, from near to far."""


def disk(radius: float) -> Disk:
    """Return a disk as morphology has it: for a whole radius the pixels at most that far from its centre.

    For a fractional radius r it is what MOSEv2's tool takes: ceil(2 r + 1) rows and columns, the k-th of them for the
    coordinate k - r, with the centre at the middle one. Such a disk is smaller than the next whole one, and lies off
    its centre by a fraction of a pixel. Below a radius of 0.59, in images of less than 74 pixels from corner to corner,
    it has no pixel; OpenCV, by which the tool dilates, then takes that of its upper left corner.
    """
    size = math.ceil(2 * radius + 1)
    centre, coordinates = size // 2, [k - radius for k in range(size)]
    rows = []
    for k, y in enumerate(coordinates):
        inside = [i - centre for i, x in enumerate(coordinates) if x * x + y * y <= radius * radius]
        if inside:
            rows.append(DiskRow(k - centre, -inside[0], inside[-1]))
    return tuple(sorted(rows, key=lambda each: (abs(each.row), each.row))) or (DiskRow(-1, 1, -1),)


class MatchingDisks(NamedTuple):
    """The disks by which boundary pixels match in images of one size.

    Attributes:
        disks: The first is for every object, unless `limits` has the object.
        limits: The largest areas of the objects that disk 1, 2, … is for, ascending; the last disk is then for the F
            of all of them, and disk 1, 2, … for their F_dot.
    """

    disks: tuple[Disk, ...]
    limits: tuple[int, ...] = ()

    def places(self, area: int) -> tuple[int, int]:
        """Return which disk is for F and which for F_dot, for an object of this area in the truth."""
        small = next((k for k, limit in enumerate(self.limits, 1) if 0 < area <= limit), 0)
        return (len(self.disks) - 1 if small else 0), small


def rounded_up_disks(height: int, width: int) -> MatchingDisks:
    """Return the disk of DAVIS: `tolerance_radius`, whatever the object."""
    return MatchingDisks((disk(tolerance_radius(height, width)),))


ADAPTIVE_SHARE = 0.1
"""Of the square root of an object's area: the distance at which its boundary still matches by F_dot, rounded up."""


def disks_by_area(height: int, width: int) -> MatchingDisks:
    """Return the disks of MOSEv2.

    With d the `tolerance` and a = min(d, ceil(0.1 sqrt(area))), area of the truth: where a < d, F_dot takes a and F
    takes ceil(d); otherwise, and where the truth is empty, both take d as it is, a fraction.
    """
    largest = tolerance(height, width)
    radii = range(1, math.ceil(largest))
    if not radii:
        return MatchingDisks((disk(largest),))
    small = tuple(disk(radius) for radius in radii)
    return MatchingDisks((disk(largest), *small, disk(math.ceil(largest))), tuple(map(_largest_area, radii)))


def _largest_area(radius: int) -> int:
    """Return the largest area whose adaptive radius is `radius`; not just 100 radius², for 0.1 is no binary number."""
    area = (radius * 10 + 1) ** 2
    while math.ceil(ADAPTIVE_SHARE * math.sqrt(area)) > radius:
        area -= 1
    return area


def boundary(mask: Mask) -> Mask:
    """Return the pixels that differ from their right, lower or lower right neighbour.

    Beyond the image the last row and column go on, so that a mask over the whole image has no boundary.
    """
    grown = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = grown[:-1, :-1]
    return (here ^ grown[:-1, 1:]) | (here ^ grown[1:, :-1]) | (here ^ grown[1:, 1:])


def compiled_op_boundary(mask: Mask) -> Mask:
    """Return the boundary of LVOS's optional compiled op, which lacks most right and lower edges.

    A pixel differs from all three neighbours, where `boundary` takes one that differs from any; a background pixel that
    has the object beside it counts as before. The last row and column are those of `boundary`.
    """
    found = boundary(mask)
    neighbours = mask[:-1, 1:] | mask[1:, :-1] | mask[1:, 1:]
    found[:-1, :-1] = mask[:-1, :-1] ^ neighbours
    return found


def dilate(mask: Mask, radius: int) -> Mask:
    """Return the pixels at most `radius` away from the mask; nothing comes in from outside the image."""
    height, width = mask.shape
    grown = np.zeros((height + 2 * radius, width), np.bool_)
    wide, reached = mask.copy(), 0
    # From the disk's tip to its middle the rows only get wider, so each widening goes on from the one before.
    for dy, half_width in reversed([*enumerate(disk_half_widths(radius).tolist())]):
        for shift in range(reached + 1, half_width + 1):
            wide[:, shift:] |= mask[:, :-shift]
            wide[:, :-shift] |= mask[:, shift:]
        reached = half_width
        grown[radius - dy : radius - dy + height] |= wide
        grown[radius + dy : radius + dy + height] |= wide
    return grown[radius : radius + height]


def dilate_by_disk(mask: Mask, rows: Disk) -> Mask:
    """Return the pixels from which a disk of any form reaches the mask; nothing comes in from outside the image."""
    height, width = mask.shape
    reach = max((max(abs(each.row), each.left, each.right) for each in rows), default=0)
    padded = np.pad(mask, reach)
    grown = np.zeros((height, width), np.bool_)
    for row, left, right in rows:
        for column in range(-left, right + 1):
            grown |= padded[reach + row : reach + row + height, reach + column : reach + column + width]
    return grown


class ContourRule(NamedTuple):
    """What F means.

    Attributes:
        text: In words, for a record.
        boundary: Which pixels of a mask are its boundary.
        disks: How far apart two boundary pixels may be and still match, by height and width of the image.
    """

    text: str
    boundary: Callable[[Mask], Mask]
    disks: Callable[[int, int], MatchingDisks]


CONTOUR = ContourRule(
    "harmonic mean of precision and recall of the boundary pixels that match within 0.8 % of the diagonal, rounded up; "
    "1 where neither has a boundary",
    boundary,
    rounded_up_disks,
)

CONTOUR_BY_AREA = ContourRule(
    "as of davis but within 0.8 % of the diagonal, not rounded, with a disk that is off its centre where this is a "
    "fraction; rounded up for small objects, whose F_dot takes a tenth of the square root of the true area, rounded up",
    boundary,
    disks_by_area,
)

CONTOUR_OF_COMPILED_OP = ContourRule(
    "as of davis, but the boundary is a pixel XOR (its right OR lower OR lower right neighbour)",
    compiled_op_boundary,
    rounded_up_disks,
)
