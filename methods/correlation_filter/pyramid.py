"""Patches of any size from a frame, without aliasing."""

from typing import NamedTuple

import cv2
import numpy as np

from vos_bench.api import Image


class Pose(NamedTuple):
    """Where an object is: its box's centre in pixels (pixel centres at .5), and its size against the first frame."""

    x: float
    y: float
    scale: float


class Pyramid:
    """The newest frame and its halvings, each made when it is first asked for; one instance serves all objects."""

    def see_frame(self, image: Image) -> None:
        """Take the next frame, H x W x 3."""
        self._levels = [image]

    def patch(self, pose: Pose, extent: tuple[float, float], size: tuple[int, int]) -> Image:
        """Resample a window round an object; the frame's border goes on beyond the frame.

        Args:
            pose: Where.
            extent: Height and width of the window at scale one, in pixels of the frame.
            size: Height and width of the patch.
        """
        step = pose.scale * min(extent[0] / size[0], extent[1] / size[1])
        level = min(max(0, int(np.log2(max(step, 1e-6)))), self._deepest())
        while len(self._levels) <= level:
            self._levels.append(cv2.pyrDown(self._levels[-1]))
        across, down = (pose.scale * e / n / 2**level for e, n in zip(extent[::-1], size[::-1], strict=True))
        left = pose.x / 2**level - across * size[1] / 2
        top = pose.y / 2**level - down * size[0] / 2
        back = np.array([[across, 0, left + across / 2 - 0.5], [0, down, top + down / 2 - 0.5]])
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        shape = size[1], size[0]
        return np.asarray(
            cv2.warpAffine(self._levels[level], back, shape, flags=flags, borderMode=cv2.BORDER_REPLICATE), np.uint8
        )

    def _deepest(self) -> int:
        return max(0, int(np.log2(min(self._levels[0].shape[:2]))) - 2)
