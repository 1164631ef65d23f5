"""A first mask from a box, for methods that want a mask."""

from typing import Literal

import numpy as np

from vos_bench.api import Box, Image, Mask, Prompt
from vos_bench.parts.working_size import scaled

BoxFill = Literal["grabcut", "ellipse", "rectangle"]

_LONGEST = 240
"""GrabCut works on a crop whose longer side has at most this many pixels: its time grows with their number."""


def mask_of(image: Image, start: Mask | Box, *, fill: BoxFill = "grabcut", seed: int = 0) -> Mask:
    """Return the mask itself, or the likely mask of the object in a box.

    Args:
        image: H x W x 3, RGB.
        start: A mask, or a half-open box that covers at least part of the image.
        fill: How a box is filled. `grabcut` separates the colours inside from those around the box (Rother et al.,
            SIGGRAPH 2004) and falls back to `ellipse` where it finds less than a tenth of the box.
        seed: For GrabCut's first guess.

    Returns:
        H x W; never empty.
    """
    if isinstance(start, np.ndarray):
        return start
    box = _pixels(start, image.shape[:2])
    if fill == "rectangle":
        return _rectangle(image.shape[:2], box)
    ellipse = _ellipse(image.shape[:2], start) & _rectangle(image.shape[:2], box)
    if not ellipse.any():
        ellipse = _rectangle(image.shape[:2], box)
    return ellipse if fill == "ellipse" else _grabcut(image, box, ellipse, seed)


def masks_of(prompt: Prompt, image: Image, *, fill: BoxFill, seed: int) -> Prompt:
    """Return a prompt whose boxes have become masks; see `mask_of`."""
    drawn = {k: mask_of(image, box, fill=fill, seed=seed) for k, box in prompt.boxes.items()}
    return Prompt({**prompt.masks, **drawn})


def _pixels(box: Box, size: tuple[int, ...]) -> tuple[int, int, int, int]:
    """Return the box in whole pixels inside the image, at least one pixel wide and high."""
    x0, y0, x1, y1 = box
    left, top = min(max(0, round(x0)), size[1] - 1), min(max(0, round(y0)), size[0] - 1)
    return left, top, min(max(left + 1, round(x1)), size[1]), min(max(top + 1, round(y1)), size[0])


def _rectangle(size: tuple[int, ...], box: tuple[int, int, int, int]) -> Mask:
    mask = np.zeros(size, np.bool_)
    mask[box[1] : box[3], box[0] : box[2]] = True
    return mask


def _ellipse(size: tuple[int, ...], box: Box) -> Mask:
    x0, y0, x1, y1 = box
    x = (np.arange(size[1]) + 0.5 - (x0 + x1) / 2) / ((x1 - x0) / 2)
    y = (np.arange(size[0]) + 0.5 - (y0 + y1) / 2) / ((y1 - y0) / 2)
    inside: Mask = x**2 + y[:, None] ** 2 <= 1
    return inside


def _grabcut(image: Image, box: tuple[int, int, int, int], ellipse: Mask, seed: int) -> Mask:
    import cv2  # here: most runs start from masks

    left, top, right, bottom = box
    beyond = max(right - left, bottom - top) // 4 + 2
    rows = slice(max(0, top - beyond), min(image.shape[0], bottom + beyond))
    columns = slice(max(0, left - beyond), min(image.shape[1], right + beyond))
    crop, inside, likely = image[rows, columns], _rectangle(image.shape[:2], box)[rows, columns], ellipse[rows, columns]
    height, width = inside.shape
    size = scaled((height, width), _LONGEST / max(height, width))[::-1]
    small = cv2.resize(np.ascontiguousarray(crop), size, interpolation=cv2.INTER_AREA)
    known = np.where(likely, cv2.GC_PR_FGD, np.where(inside, cv2.GC_PR_BGD, cv2.GC_BGD)).astype(np.uint8)
    known = cv2.resize(known, size, interpolation=cv2.INTER_NEAREST)
    if not (known == cv2.GC_PR_FGD).any() or (known == cv2.GC_PR_FGD).all():
        return ellipse
    cv2.setRNGSeed(seed)
    cv2.grabCut(small, known, None, np.zeros((1, 65)), np.zeros((1, 65)), 5, cv2.GC_INIT_WITH_MASK)
    found = cv2.resize((known & 1).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR) > 0.5
    mask = np.zeros_like(ellipse)
    mask[rows, columns] = found & inside
    return mask if mask.sum() * 10 >= (right - left) * (bottom - top) else ellipse
