"""Dense flow from each frame to the one before it."""

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image
from vos_bench.methods.flow_warp.config import FlowWarpConfig
from vos_bench.parts.working_size import WorkingFrame

Flow = NDArray[np.float32]
"""H x W x 2; for each pixel how far to go right and down to meet it in the other frame."""

_PRESETS = {
    "ultrafast": cv2.DISOPTICAL_FLOW_PRESET_ULTRAFAST,
    "fast": cv2.DISOPTICAL_FLOW_PRESET_FAST,
    "medium": cv2.DISOPTICAL_FLOW_PRESET_MEDIUM,
}

_SMALLEST = 32
"""Sides of an image, in pixels, below which OpenCV's pyramid has no level left; smaller frames are padded."""


class Motion:
    """The last two frames at the working size and the flow between them."""

    def __init__(self, config: FlowWarpConfig) -> None:
        self._config = config
        self.frame = WorkingFrame(config.working_side)
        self._search = cv2.DISOpticalFlow_create(_PRESETS[config.preset])
        self._grey: NDArray[np.uint8] | None = None
        self._flow: Flow | None = None

    def advance(self, image: Image) -> None:
        """Take the next frame, H x W x 3; from the second one on there is a flow."""
        self.frame.advance(image)
        before, self._grey = self._grey, _padded(cv2.cvtColor(self.frame.image, cv2.COLOR_RGB2GRAY))
        height, width = self.frame.image.shape[:2]
        if before is None:
            self._positions = np.dstack(np.meshgrid(np.arange(width), np.arange(height))).astype(np.float32)
            return
        start = self._flow.copy() if self._config.predict and self._flow is not None else None
        self._flow = self._search.calc(self._grey, before, start)
        self.trust = np.ones((height, width), np.float32)
        """H x W; the weight of what is carried to each pixel."""
        if self._config.check:
            self.trust[self._contradicted(before)] = self._config.distrust

    def carry(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        """Move a plane of the last frame, h x w, to where its pixels are now; zero comes in from outside."""
        moved: NDArray[np.float32] = cv2.remap(plane, self._origin(), None, cv2.INTER_LINEAR)
        return moved

    def _origin(self) -> Flow:
        assert self._flow is not None
        height, width = self._positions.shape[:2]
        return self._positions + self._flow[:height, :width]

    def _contradicted(self, before: NDArray[np.uint8]) -> NDArray[np.bool_]:
        """Say where going back and forth ends elsewhere: pixels that were hidden, or that the search got wrong."""
        assert self._flow is not None
        height, width = self._positions.shape[:2]
        back = self._flow[:height, :width]
        start = -self._flow if self._config.predict else None
        forth = self._search.calc(before, self._grey, start)[:height, :width]
        forth = cv2.remap(forth, self._origin(), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        distance, length = ((back + forth) ** 2).sum(axis=2), (back**2 + forth**2).sum(axis=2)
        contradicted: NDArray[np.bool_] = distance > self._config.tolerance + self._config.tolerance_growth * length
        return contradicted


def _padded(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    bottom, right = (max(0, _SMALLEST - n) for n in grey.shape)
    if not bottom and not right:
        return grey
    padded: NDArray[np.uint8] = cv2.copyMakeBorder(grey, 0, bottom, 0, right, cv2.BORDER_REPLICATE)
    return padded
