"""Moves image and mask together as the reference's training does (jittered crop, then rotation and scale)."""

import math
from typing import Any, NamedTuple, TypeVar, cast

import cv2
import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

from vos_bench.api import Image, Mask
from vos_bench.errors import BadInputError

Plane = TypeVar("Plane", Mask, NDArray[np.uint8])
"""A mask, or labels of one byte."""

BoxXYWH = tuple[float, float, float, float]
"""x, y of the upper left corner, width, height, in pixels."""


class Size(NamedTuple):
    """Height and width in pixels."""

    height: int
    width: int


class Window(NamedTuple):
    """A rectangle of whole pixels that may stick out of the image."""

    x: int
    y: int
    width: int
    height: int

    def carry(self, box: BoxXYWH, output: Size) -> BoxXYWH:
        """Return where a box of the image lies in the crop that this window becomes."""
        across, down = output.width / self.width, output.height / self.height
        return ((box[0] - self.x) * across, (box[1] - self.y) * down, box[2] * across, box[3] * down)


def box_of(mask: Mask) -> BoxXYWH:
    """Return the box of a mask as the reference's training has it, with width = xmax - xmin + 1; empty: zeros."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return (0.0, 0.0, 0.0, 0.0)
    x, y = float(columns[0]), float(rows[0])
    return (x, y, float(columns[-1]) - x + 1, float(rows[-1]) - y + 1)


def jitter_box(box: BoxXYWH, *, scale: float, centre: tuple[float, float], rng: Generator) -> BoxXYWH:
    """Change a box's size by exp(N(0, 1) scale) an axis and move its centre by chance.

    Args:
        box: The box to change.
        scale: Spread of the logarithm of the size.
        centre: Range of the shift in x and y, in units of the new box's root area.
        rng: Source of chance.
    """
    x, y, width, height = box
    new_width, new_height = np.array([width, height]) * np.exp(rng.standard_normal(2) * scale)
    shift = math.sqrt(new_width * new_height) * np.array(centre) * (rng.random(2) - 0.5)
    centre_x, centre_y = x + 0.5 * width + shift[0], y + 0.5 * height + shift[1]
    return (
        float(centre_x - 0.5 * new_width),
        float(centre_y - 0.5 * new_height),
        float(new_width),
        float(new_height),
    )


def crop_window(box: BoxXYWH, image: Size, output: Size, *, search_area: float) -> Window:
    """Return the window to cut: `search_area` times the box's root area, inside the image along one axis at least.

    `output` is the size of the crop that the network sees; it gives the aspect ratio.

    Raises:
        BadInputError: The window would be smaller than a pixel.
    """
    x, y, width, height = box
    ratio = math.sqrt(width * height / (output.height * output.width)) * search_area
    wanted_w, wanted_h = math.ceil(output.width * ratio), math.ceil(output.height * ratio)
    shrink = max(1.0, min(wanted_w / image.width, wanted_h / image.height))
    crop_w, crop_h = math.floor(wanted_w / shrink), math.floor(wanted_h / shrink)
    if crop_w < 1 or crop_h < 1:
        raise BadInputError(f"training: a box of {width} x {height} pixels is too small to crop around")
    left = _inside(round(x + 0.5 * width - crop_w * 0.5), crop_w, image.width)
    top = _inside(round(y + 0.5 * height - crop_h * 0.5), crop_h, image.height)
    return Window(left, top, crop_w, crop_h)


def _inside(start: int, length: int, limit: int) -> int:
    """Shift a span inside [0, limit); one that is longer is centred (with the reference's rounding)."""
    start += max(-start, 0) - max(start + length - limit, 0)
    outside = (max(-start, 0) + max(start + length - limit, 0)) // 2
    return -outside if outside > 0 else start


def crop(image: Image, mask: Plane, window: Window, output: Size) -> tuple[Image, Plane]:
    """Cut a window and resize it; the image continues as its border pixels, the mask as background.

    The reference pads one pixel more than needed at the right and lower border: where the window touches or passes
    it, the last column or row of the image is replaced by its neighbour. The image is resized bilinearly (pixel
    centres at half, no antialiasing), the mask to the nearest pixel.
    """
    height, width = mask.shape
    x1, y1 = max(window.x, 0), max(window.y, 0)
    pad_right = max(window.x + window.width - width + 1, 0)
    pad_bottom = max(window.y + window.height - height + 1, 0)
    x2, y2 = window.x + window.width - pad_right, window.y + window.height - pad_bottom
    padding = (y1 - window.y, pad_bottom, x1 - window.x, pad_right)
    image_cut = cv2.copyMakeBorder(image[y1:y2, x1:x2], *padding, cv2.BORDER_REPLICATE)
    mask_cut = cv2.copyMakeBorder(mask[y1:y2, x1:x2].view(np.uint8), *padding, cv2.BORDER_CONSTANT, value=0)
    target = (output.width, output.height)
    resized = cv2.resize(image_cut, target, interpolation=cv2.INTER_LINEAR)
    return np.asarray(resized, np.uint8), _like(mask, nearest_resize(np.asarray(mask_cut, np.uint8), output))


def nearest_resize(mask: NDArray[np.uint8], output: Size) -> NDArray[np.uint8]:
    """Resize to the pixel at floor(i * in / out), the rule of torch's `nearest`."""
    rows = np.minimum((np.arange(output.height) * (mask.shape[0] / output.height)).astype(np.int64), mask.shape[0] - 1)
    columns = np.minimum((np.arange(output.width) * (mask.shape[1] / output.width)).astype(np.int64), mask.shape[1] - 1)
    return np.ascontiguousarray(mask[rows[:, None], columns[None, :]])


def rotation_and_scale(size: Size, *, degrees: float, scale: float) -> NDArray[np.float64]:
    """Return the 2 x 3 matrix that turns and scales about the image's centre (width / 2, height / 2)."""
    matrix = cv2.getRotationMatrix2D((size.width * 0.5, size.height * 0.5), degrees, scale)
    return np.asarray(matrix, np.float64)


def warp(
    image: Image, mask: Plane, matrix: NDArray[np.float64], *, border: int = cv2.BORDER_CONSTANT
) -> tuple[Image, Plane]:
    """Move image (bilinear, black or `border` outside) and mask (nearest, background outside) by a 2 x 3 matrix."""
    size = (image.shape[1], image.shape[0])
    moved = cv2.warpAffine(image, matrix, size, flags=cv2.INTER_LINEAR, borderMode=border, borderValue=(0, 0, 0))
    moved_mask = cv2.warpAffine(mask.view(np.uint8), matrix, size, flags=cv2.INTER_NEAREST)
    return np.asarray(moved, np.uint8), _like(mask, np.asarray(moved_mask, np.uint8))


def _like(mask: Plane, pixels: NDArray[np.uint8]) -> Plane:
    return cast(Plane, pixels.view(cast("Any", mask.dtype)))
