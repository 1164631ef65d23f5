"""What the objects of a frame share: the frame at the size that a method works at, and its colours."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image
from vos_bench.parts.appearance import Palette

Plane = NDArray[np.float32]


def scaled(size: tuple[int, int], factor: float) -> tuple[int, int]:
    """Return H and W times `factor`, rounded to at least one pixel; a factor above 1 leaves them as they are."""
    factor = min(1.0, factor)
    return max(1, round(size[0] * factor)), max(1, round(size[1] * factor))


def shrunk(image: Image, side: int) -> Image:
    """Return an image, H x W x 3, whose shorter side has `side` pixels, each the mean of what falls on it.

    A smaller image stays as it is.
    """
    size = image.shape[0], image.shape[1]
    height, width = scaled(size, side / min(size))
    if (height, width) == size:
        return image
    return np.asarray(cv2.resize(image, (width, height), interpolation=cv2.INTER_AREA), np.uint8)


class WorkingFrame:
    """The newest frame, shrunk; one instance serves all objects of a method."""

    image: Image
    """h x w x 3 at the working size."""

    def __init__(self, side: int) -> None:
        """Shrink so that the shorter side has `side` pixels; smaller frames stay as they are."""
        self._side = side

    def see_frame(self, image: Image) -> None:
        """Take the next frame, H x W x 3."""
        self._full = image.shape[:2]
        self.image = shrunk(image, self._side)
        self._palette: tuple[tuple[int, float, int], Palette] | None = None

    def palette(self, colours: int, *, similarity: float, seed: int) -> Palette:
        """Return the palette of the newest frame, made when an object that starts there first asks for it."""
        key = colours, similarity, seed
        if self._palette is None or self._palette[0] != key:
            self._palette = key, Palette(self.image, colours, similarity=similarity, seed=seed)
        return self._palette[1]

    def shrink(self, plane: Plane) -> Plane:
        """Bring a plane, H x W, to the working size by the mean of what falls on each pixel."""
        height, width = self.image.shape[:2]
        return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA), np.float32)

    def enlarge(self, plane: Plane) -> Plane:
        """Bring a plane from the working size to H x W, bilinearly with pixel centres aligned."""
        height, width = self._full
        return np.asarray(cv2.resize(plane, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
