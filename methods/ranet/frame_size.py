"""How frames of any size come to 480 x 864 and label maps back, and the box that the network looks at."""

from typing import NamedTuple, Self

import numpy as np
import PIL.Image
from numpy.typing import NDArray

from vos_bench.api import Image, Mask

from .network import HEIGHT, WIDTH

Positions = NDArray[np.int64]
"""For each pixel the position of another one in a flattened plane, -1 for none."""

_MARGIN = 1.5
"""Sides of the box in those of the object."""

_LEAST_SIDE = 32
"""A box with a smaller side gives way to the whole frame."""

_SHAPE = np.float32(HEIGHT / WIDTH)


class Fit:
    """Where the pixels of a frame of some size lie at 480 x 864, and the other way round.

    Attributes:
        there: For each of 480 x 864 pixels its nearest pixel of the frame; -1 in the border.
        back: For each pixel of the frame its nearest of 480 x 864.
    """

    there: Positions
    back: Positions

    def __init__(self, height: int, width: int) -> None:
        self.size = height, width
        self._inner = _inner_size(height, width)
        self.there = _nearest(np.arange(height * width).reshape(height, width), self._inner, (HEIGHT, WIDTH))
        self.back = self._way_back()

    def frame(self, image: Image) -> Image:
        """Return a frame at 480 x 864, 3 channels: bicubic where it is resized, black in the border."""
        height, width = self._inner
        resized = PIL.Image.fromarray(image).resize((width, height))
        return np.asarray(resized.crop(_centred((height, width), (HEIGHT, WIDTH))))

    def mask(self, mask: Mask) -> Mask:
        """Return a mask at 480 x 864, by nearest pixels; one that these miss keeps a single pixel."""
        found: Mask = mask.ravel()[self.there] & (self.there >= 0)
        if mask.any() and not found.any():
            row, column = (int(places[0]) for places in mask.nonzero())
            found.ravel()[self._pixel_of(row, column)] = True
        return found

    def _pixel_of(self, row: int, column: int) -> int:
        (height, width), (inner_height, inner_width) = self.size, self._inner
        left, top, *_ = _centred(self._inner, (HEIGHT, WIDTH))
        y, x = (2 * row + 1) * inner_height // (2 * height), (2 * column + 1) * inner_width // (2 * width)
        return (y - top) * WIDTH + x - left

    def _way_back(self) -> Positions:
        """Enlarge 480 x 864 until the frame fits in, then cut the frame out of the middle."""
        height, width = self.size
        factor = min(WIDTH / width, HEIGHT / height)
        outer = int(HEIGHT / factor + 0.5), int(WIDTH / factor + 0.5)
        return _nearest(np.arange(HEIGHT * WIDTH).reshape(HEIGHT, WIDTH), outer, (height, width))


def _inner_size(height: int, width: int) -> tuple[int, int]:
    """Return the size that a frame is resized to, which keeps its shape.

    Both sides are rounded down as if the target were square, and grow by one where that is odd; the height grows after
    it is brought to its own scale, and its fraction is then cut off.
    """
    shape = HEIGHT / WIDTH
    longest = max(width, height / shape)
    across, down = (np.floor(extent / longest * WIDTH) for extent in (width, height / shape))
    return max(1, int(down * shape + down % 2)), max(1, int(across + across % 2))


def _nearest(plane: Positions, size: tuple[int, int], out: tuple[int, int]) -> Positions:
    """Resize positions by nearest pixels, then cut `out` out of the middle, -1 where that leaves them."""
    height, width = size
    shifted = PIL.Image.fromarray((plane + 1).astype(np.int32)).resize((width, height), PIL.Image.Resampling.NEAREST)
    cut = shifted.crop(_centred(size, out))
    if cut.size != (out[1], out[0]):
        cut = cut.resize((out[1], out[0]), PIL.Image.Resampling.NEAREST)
    return np.asarray(cut).astype(np.int64) - 1


def _centred(size: tuple[int, int], out: tuple[int, int]) -> tuple[int, int, int, int]:
    """Return left, top, right and bottom of what lies in the middle; halves are rounded to even, as Pillow does."""
    (height, width), (out_height, out_width) = size, out
    left, top = (width - out_width) / 2, (height - out_height) / 2
    return round(left), round(top), round(left + out_width), round(top + out_height)


class Box(NamedTuple):
    """Rows and columns of what the network looks at; ends are exclusive."""

    top: int
    left: int
    bottom: int
    right: int

    @classmethod
    def around(cls, masks: Mask) -> Self:
        """Return one and a half times the box of K x 480 x 864 masks, in the frame's shape.

        Where that is small, or all masks are empty, it is the whole frame.
        The arithmetic is single precision, as in the authors' code: a box may lose a row to rounding.
        """
        rows, columns = np.flatnonzero(masks.any(axis=(0, 2))), np.flatnonzero(masks.any(axis=(0, 1)))
        if not rows.size:
            return cls.whole()
        half_height, half_width = (np.float32((places[-1] - places[0]) * _MARGIN / 2) for places in (rows, columns))
        half_height = max(half_height, _SHAPE * half_width)
        down, across = int(half_height), int(half_height / _SHAPE)
        row, column = ((int(places[0]) + int(places[-1])) // 2 for places in (rows, columns))
        box = cls(max(0, row - down), max(0, column - across), min(HEIGHT, row + down), min(WIDTH, column + across))
        small = min(box.bottom - box.top, box.right - box.left) < _LEAST_SIDE
        return cls.whole() if small else box

    @classmethod
    def whole(cls) -> Self:
        """Return the whole frame."""
        return cls(0, 0, HEIGHT, WIDTH)

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.bottom - self.top, self.right - self.left
