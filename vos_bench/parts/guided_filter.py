"""Edge-aware smoothing: a mask follows the edges of its image."""

from functools import partial

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image
from vos_bench.parts.working_size import Plane


def guided_filter(image: Image, plane: Plane, *, radius: int, regularisation: float) -> Plane:
    """Smooth a plane so that it is, in every window, a linear function of the image's colours.

    He, Sun and Tang, Guided Image Filtering, ECCV 2010, section 3.5 (colour guide), with box windows whose border
    repeats by reflection.

    Args:
        image: The guide, H x W x 3.
        plane: H x W.
        radius: Windows are 2 radius + 1 pixels wide.
        regularisation: Variance of a colour channel (of values in [0, 1]) below which a window counts as flat.

    Returns:
        H x W float32; may leave the plane's range by a little.
    """
    mean = partial(_mean, radius=radius)
    guide = image.astype(np.float32) / np.float32(255)
    guide_mean, plane_mean = mean(guide), mean(plane)
    covariance = mean(guide * plane[..., None]) - guide_mean * plane_mean[..., None]
    slope = _solve(_variances(guide, guide_mean, radius, regularisation), covariance)
    offset = plane_mean - (slope * guide_mean).sum(axis=-1)
    smooth: Plane = (mean(slope) * guide).sum(axis=-1) + mean(offset)
    return smooth


def _mean(values: NDArray[np.float32], *, radius: int) -> NDArray[np.float32]:
    side = 2 * radius + 1
    blurred: NDArray[np.float32] = cv2.blur(values, (side, side), borderType=cv2.BORDER_REFLECT)
    return blurred


def _variances(guide: NDArray[np.float32], mean: NDArray[np.float32], radius: int, floor: float) -> tuple[Plane, ...]:
    """Return the windows' covariance matrices as rr, rg, rb, gg, gb, bb, with `floor` added to the diagonal."""
    r, g, b = cv2.split(guide)
    mr, mg, mb = cv2.split(mean)
    pairs = ((r, r, mr, mr), (r, g, mr, mg), (r, b, mr, mb), (g, g, mg, mg), (g, b, mg, mb), (b, b, mb, mb))
    return tuple(
        _mean(x * y, radius=radius) - mx * my + (np.float32(floor) if x is y else np.float32(0))
        for x, y, mx, my in pairs
    )


def _solve(matrices: tuple[Plane, ...], right: NDArray[np.float32]) -> NDArray[np.float32]:
    """Solve the symmetric 3 x 3 systems of all pixels by the adjugate; much faster than a general solver."""
    rr, rg, rb, gg, gb, bb = matrices
    rows = (
        (gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb),
        (gb * rb - rg * bb, rr * bb - rb * rb, rb * rg - rr * gb),
        (rg * gb - gg * rb, rb * rg - rr * gb, rr * gg - rg * rg),
    )
    determinant = rr * rows[0][0] + rg * rows[0][1] + rb * rows[0][2]
    x, y, z = cv2.split(right)
    return np.stack([(a * x + b * y + c * z) / determinant for a, b, c in rows], axis=-1)
