"""Where an object has moved, by its colours alone."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.parts.appearance import region_of

Plane = NDArray[np.float32]


def best_shift(
    plane: Plane, evidence: Plane, *, reach: int, last: NDArray[np.float64], inertia: float
) -> NDArray[np.float64]:
    """Return the shift, rows and columns, that lays the last mask on the most evidence and its rim on the least."""
    region = region_of(plane, margin=0, least=6)
    if region is None or not reach:
        return np.zeros(2)
    shape = plane[region]
    rim = cv2.dilate(shape, np.ones((9, 9), np.uint8)) - shape
    pattern = shape / shape.sum() - rim / (rim.sum() + 1e-6)
    rows, columns = region
    wide = cv2.copyMakeBorder(evidence, reach, reach, reach, reach, cv2.BORDER_REPLICATE)
    window = wide[rows.start : rows.stop + 2 * reach, columns.start : columns.stop + 2 * reach]
    gain = cv2.matchTemplate(np.ascontiguousarray(window), np.ascontiguousarray(pattern), cv2.TM_CCORR)
    steps = np.arange(-reach, reach + 1)
    cost = ((steps[:, None] - last[0]) ** 2 + (steps - last[1]) ** 2) / reach**2
    best = np.unravel_index(np.argmax(gain - inertia * cost), gain.shape)
    return np.array(best, np.float64) - reach
