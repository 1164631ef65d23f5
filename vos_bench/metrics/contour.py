"""Contour accuracy F: how much of either boundary lies within a small distance of the other.

Source: Perazzi et al., CVPR 2016, section 5.1, as davis2017-evaluation computes it: boundaries are matched through
dilation by a disk, not one to one. This module is the plain account of it; `vos_bench.compiled.count` computes the
same numbers compiled.
"""

import math

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask

TOLERANCE = 0.008
"""The distance at which two boundary pixels still match, as a share of the image's diagonal."""


def tolerance_radius(height: int, width: int) -> int:
    """Return the matching distance in pixels, rounded up: 8 at 480 x 854."""
    return math.ceil(TOLERANCE * math.sqrt(height * height + width * width))


def disk_half_widths(radius: int) -> NDArray[np.int64]:
    """Return, for each row distance 0..radius from its centre, how far the disk reaches to either side."""
    return np.array([math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1)], np.int64)


def boundary(mask: Mask) -> Mask:
    """Return the pixels that differ from their right, lower or lower right neighbour.

    Beyond the image the last row and column go on, so that a mask over the whole image has no boundary.
    """
    grown = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = grown[:-1, :-1]
    return (here ^ grown[:-1, 1:]) | (here ^ grown[1:, :-1]) | (here ^ grown[1:, 1:])


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


def contour_accuracy(truth: Mask, mask: Mask) -> float:
    """Return F of two masks of one size.

    It looks at boundaries alone: 1 when neither mask has one, 0 when just one has. A mask over the whole image has no
    boundary, so against an empty mask it scores F = 1 (and J = 0).
    """
    radius = tolerance_radius(*truth.shape)
    truth_boundary, mask_boundary = boundary(truth), boundary(mask)
    truth_matched = truth_boundary & dilate(mask_boundary, radius)
    mask_matched = mask_boundary & dilate(truth_boundary, radius)
    pixels = (truth_boundary, mask_boundary, truth_matched, mask_matched)
    return float(accuracy_from_matches(*(np.atleast_1d(np.count_nonzero(each)) for each in pixels))[0])


def accuracy_from_matches(
    truth_boundary: NDArray[np.int64],
    mask_boundary: NDArray[np.int64],
    truth_matched: NDArray[np.int64],
    mask_matched: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return F from numbers of boundary pixels and of those that have a match, one value for each element.

    F = 2 P R / (P + R), evaluated in the order of davis2017-evaluation so that the last bit is the same.
    """
    precision = np.divide(mask_matched, mask_boundary, out=np.ones(mask_boundary.shape), where=mask_boundary > 0)
    recall = np.divide(truth_matched, truth_boundary, out=np.ones(truth_boundary.shape), where=truth_boundary > 0)
    total = precision + recall
    accuracy: NDArray[np.float64] = np.divide(2 * precision * recall, total, out=np.zeros(total.shape), where=total > 0)
    return accuracy
