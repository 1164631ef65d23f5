"""Pixel counts of two label maps: all that J and F of their objects need, in plain NumPy."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.labelmaps import NarrowLabels, object_ids
from vos_bench.metrics.contour import boundary, dilate, tolerance_radius


class Counts(NamedTuple):
    """Numbers of pixels of one object on one frame.

    Attributes:
        intersection: In truth and mask.
        truth_area: In the truth.
        mask_area: In the mask.
        truth_boundary: On the truth's boundary.
        mask_boundary: On the mask's boundary.
        truth_matched: Of the truth's boundary, near the mask's boundary.
        mask_matched: Of the mask's boundary, near the truth's boundary.
    """

    intersection: int
    truth_area: int
    mask_area: int
    truth_boundary: int
    mask_boundary: int
    truth_matched: int
    mask_matched: int


FrameCounts = dict[int, Counts]
"""Label to its counts, for every label but 0 that the truth or the mask has; of any other, all counts are zero."""


def count_plain(truth: NarrowLabels, masks: NarrowLabels) -> FrameCounts:
    """Count one frame with NumPy alone.

    Args:
        truth: The true label map, H x W.
        masks: The label map to judge, of the same size.
    """
    radius = tolerance_radius(*truth.shape)
    window = _window((truth | masks) > 0)
    truth, masks = truth[window], masks[window]
    labels = {*object_ids(truth), *object_ids(masks)}
    return {label: _count_object(truth == label, masks == label, radius) for label in sorted(labels)}


def _window(covered: NDArray[np.bool_]) -> tuple[slice, slice]:
    """Return the smallest window that holds all objects and, where the image has them, one more pixel on each side.

    That pixel makes boundaries come out as in the whole image; matches never look beyond the boundaries' own extent.
    """
    rows, columns = np.flatnonzero(covered.any(axis=1)), np.flatnonzero(covered.any(axis=0))
    if not rows.size:
        return slice(0, 0), slice(0, 0)
    return slice(max(rows[0] - 1, 0), rows[-1] + 2), slice(max(columns[0] - 1, 0), columns[-1] + 2)


def _count_object(truth: NDArray[np.bool_], mask: NDArray[np.bool_], radius: int) -> Counts:
    window = _window(truth | mask)
    truth, mask = truth[window], mask[window]
    truth_boundary, mask_boundary = boundary(truth), boundary(mask)
    regions = (
        truth & mask,
        truth,
        mask,
        truth_boundary,
        mask_boundary,
        truth_boundary & dilate(mask_boundary, radius),
        mask_boundary & dilate(truth_boundary, radius),
    )
    return Counts(*(int(np.count_nonzero(region)) for region in regions))
