"""GrabCut along an object's outline."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image
from vos_bench.methods.colour_model.config import ColourModelConfig
from vos_bench.parts.working_size import scaled

Plane = NDArray[np.float32]


def refine(image: Image, plane: Plane, *, config: ColourModelConfig, seed: int) -> Plane:
    """Let GrabCut decide near the outline of a mask.

    GrabCut on colours alone would forget what is known of places. So its three channels are the probability, the
    brightness and the mean of the two chroma channels: its mixtures then describe what looks like the object where the
    object is likely, and its cut runs along edges of either.

    Args:
        image: The object's crop, h x w x 3.
        plane: The probability of the object there, h x w.
        config: How.
        seed: For GrabCut's mixtures.

    Returns:
        h x w float32, the weighted mean of the plane and GrabCut's answer.
    """
    height, width = plane.shape
    factor = min(1.0, config.grabcut_side / max(height, width))
    size = scaled((height, width), factor)[::-1]
    image = cv2.resize(np.ascontiguousarray(image), size, interpolation=cv2.INTER_AREA)
    small = cv2.resize(plane, size, interpolation=cv2.INTER_AREA)
    known = _known(small, max(1, round(config.grabcut_band * factor)))
    if not (known & 1).any() or (known & 1).all():
        return plane
    view = _view(image, small, config.grabcut_probability)
    cv2.setRNGSeed(seed)
    cv2.grabCut(view, known, None, np.zeros((1, 65)), np.zeros((1, 65)), config.grabcut_steps, cv2.GC_INIT_WITH_MASK)
    cut = cv2.resize((known & 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    mixed: Plane = plane + np.float32(config.grabcut_share) * (cut - plane)
    return mixed


def _view(image: Image, plane: Plane, weight: float) -> NDArray[np.uint8]:
    brightness, green_red, blue_yellow = cv2.split(cv2.cvtColor(image, cv2.COLOR_RGB2LAB))
    chroma = cv2.addWeighted(green_red, 0.5, blue_yellow, 0.5, 0)
    return np.dstack([(plane * (255 * weight)).astype(np.uint8), brightness, chroma])


def _known(plane: Plane, band: int) -> NDArray[np.uint8]:
    """Mark what is sure, and what GrabCut may change; odd marks stand for the object."""
    found = (plane > 0.5).astype(np.uint8)
    element = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * band + 1, 2 * band + 1))
    known = np.where(found > 0, np.uint8(cv2.GC_PR_FGD), np.uint8(cv2.GC_PR_BGD))
    known[cv2.erode(found, element) > 0] = cv2.GC_FGD
    known[cv2.dilate(found, element) == 0] = cv2.GC_BGD
    return known
