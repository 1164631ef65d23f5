"""Frames with label maps over them: coloured regions with contours, and the outline of the truth."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image, LabelMap, Mask
from vos_bench.labelmaps import VOID

from .style import COLOURS

Colours = NDArray[np.uint8]
"""N x 3, RGB; object k has the row (k - 1) modulo N."""


def object_colours() -> Colours:
    """Return the colours of the objects, without the black one."""
    chosen = [colour for colour in COLOURS if colour != "#000000"]
    return np.array([[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in chosen], np.uint8)


def overlay(image: Image, labels: LabelMap, truth: LabelMap | None = None, *, opacity: float = 0.5) -> Image:
    """Return a frame, H x W x 3, with objects coloured and edged, and the truth's outline dotted in white.

    Labels and truth are H x W; `opacity` is that of the regions, 0 to 1.
    """
    colours = object_colours()
    shown = image.copy()
    inside = labels > 0
    painted = colours[(labels.astype(np.int64) - 1) % len(colours)]
    shown[inside] = ((1 - opacity) * image[inside] + opacity * painted[inside]).round().astype(np.uint8)
    edge = contours(labels)
    shown[edge] = painted[edge]
    if truth is not None:
        outline = contours(np.where(truth == VOID, 0, truth).astype(np.uint16))
        rows, columns = np.indices(outline.shape)
        dots = (rows + columns) // 3 % 2 == 0
        shown[outline & dots], shown[outline & ~dots] = 255, 0
    return shown


def contours(labels: LabelMap) -> Mask:
    """Return the pixels of objects that touch another label, H x W; two pixels wide in frames of 480 lines and more."""
    size = 3 if labels.shape[0] < 480 else 5
    kernel = np.ones((size, size), np.uint8)
    # Erosion and dilation of the labels themselves differ wherever two labels meet.
    low, high = cv2.erode(labels, kernel), cv2.dilate(labels, kernel)
    found: Mask = (low != high) & (labels > 0)
    return found


def shrink(image: Image, width: int) -> Image:
    """Return the image at most `width` pixels wide, averaged over areas."""
    if image.shape[1] <= width:
        return image
    height = max(1, round(image.shape[0] * width / image.shape[1]))
    found: Image = cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA)
    return found
