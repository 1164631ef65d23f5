"""What a correlation filter sees of a patch: gradients by direction, and colours, by cell."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image

Features = NDArray[np.float32]
"""C x h x w; one value a channel and cell."""


def describe(patch: Image, *, cell: int, orientations: int, colour_weight: float) -> Features:
    """Describe every cell of a patch by its gradients' directions, by its colour and by its brightness.

    Gradients follow Dalal and Triggs (CVPR 2005) without blocks: unsigned directions, shared between the two nearest
    bins, divided by the root of the energy in the 3 x 3 cells around, and cut at 0.4.

    Args:
        patch: H x W x 3 with H and W multiples of `cell`.
        cell: Side of a cell in pixels.
        orientations: How many directions.
        colour_weight: Factor on the three channels of Lab (in units of about one).

    Returns:
        (orientations + 3) x H/cell x W/cell.
    """
    size = patch.shape[1] // cell, patch.shape[0] // cell
    lab = cv2.cvtColor(patch, cv2.COLOR_RGB2LAB).astype(np.float32)
    colours = cv2.resize(lab, size, interpolation=cv2.INTER_AREA).transpose(2, 0, 1)
    colours = (colours - 128) / np.array([128, 40, 40], np.float32)[:, None, None]
    gradients = _gradients(lab[..., 0], size, orientations)
    return np.concatenate((gradients, np.float32(colour_weight) * colours)).astype(np.float32, copy=False)


def _gradients(brightness: NDArray[np.float32], size: tuple[int, int], orientations: int) -> Features:
    right = cv2.Sobel(brightness, cv2.CV_32F, 1, 0, ksize=1)
    down = cv2.Sobel(brightness, cv2.CV_32F, 0, 1, ksize=1)
    length, angle = cv2.cartToPolar(right, down)
    position = angle * np.float32(orientations / np.pi)
    lower = np.floor(position)
    share, lower = position - lower, lower.astype(np.intp) % orientations
    planes = np.zeros((orientations, *brightness.shape), np.float32)
    np.put_along_axis(planes, lower[None], (length * (1 - share))[None], axis=0)
    np.put_along_axis(planes, ((lower + 1) % orientations)[None], (length * share)[None], axis=0)
    cells = np.stack([cv2.resize(plane, size, interpolation=cv2.INTER_AREA) for plane in planes])
    energy = cv2.blur((cells**2).sum(axis=0), (3, 3), borderType=cv2.BORDER_REPLICATE)
    normal: Features = np.minimum(cells / np.sqrt(energy + 1), np.float32(0.4))
    return normal
