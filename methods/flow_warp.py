"""Masks carried from frame to frame by dense optical flow, with colours against drift."""

from typing import ClassVar, Literal

import cv2
import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.coloured_mask import ColouredMask, ColouredMaskConfig
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel
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


class FlowWarpConfig(FrozenModel):
    """Settings of flow-warp; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        working_side: Frames are shrunk so that their shorter side has this many pixels; never enlarged. Flow and
            colours are computed there, answers are given at the frames' own size.
        preset: OpenCV's trade of speed against accuracy of the flow.
        predict: Start each search from the last flow, which helps where motion is fast and steady.
        check: Compute the flow both ways and trust it less where the two disagree.
        tolerance: Squared working pixels between a pixel and its way there and back beyond which it is inconsistent.
        tolerance_growth: What is added to that for each squared pixel of motion (Sundaram et al., ECCV 2010, eq. 5).
        distrust: Factor on the carried mask where the flow is inconsistent, 0 (colours alone decide) to 1.
        mend: Mend drift by colours and edges; without, a mask is what the flow makes of the first one.
        colours: How it is mended.
    """

    working_side: int = Field(default=240, ge=16, le=8192)
    preset: Literal["ultrafast", "fast", "medium"] = "medium"
    predict: bool = True
    check: bool = True
    tolerance: float = Field(default=0.5, ge=0, le=1e6)
    tolerance_growth: float = Field(default=0.01, ge=0, le=1e6)
    distrust: float = Field(default=0.3, ge=0, le=1)
    mend: bool = True
    colours: ColouredMaskConfig = ColouredMaskConfig()


class Motion:
    """The last two frames at the working size and the flow between them."""

    def __init__(self, config: FlowWarpConfig) -> None:
        self._config = config
        self.frame = WorkingFrame(config.working_side)
        self._search = cv2.DISOpticalFlow_create(_PRESETS[config.preset])
        self._grey: NDArray[np.uint8] | None = None
        self._flow: Flow | None = None

    def see_frame(self, image: Image) -> None:
        """Take the next frame, H x W x 3; from the second one on there is a flow."""
        self.frame.see_frame(image)
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


class FlowWarp(PerObject):
    """Carries soft masks along the flow from each frame to the last one; one flow serves all objects."""

    Config: ClassVar[type[FlowWarpConfig]] = FlowWarpConfig
    on_cpu = True

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`."""
        self._motion = Motion(self.config)
        return super().initialize(image, prompt)

    def see_frame(self, image: Image) -> None:
        """Compute the flow to this frame."""
        self._motion.see_frame(image)

    def build_model(self, object_id: int) -> SingleObjectModel:  # noqa: ARG002 (all alike)
        """Return a carrier of one mask."""
        return CarriedMask(self.config, motion=self._motion, seed=self.seed)


class CarriedMask(SingleObjectModel):
    """One soft mask that flow carries and colours mend."""

    def __init__(self, config: FlowWarpConfig, *, motion: Motion, seed: int) -> None:
        self._config, self._motion, self._seed = config, motion, seed

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Take the mask, and the colours inside and outside it."""
        mask = mask_of(image, start, seed=self._seed).astype(np.float32)
        self._mask = ColouredMask(self._motion.frame, mask, config=self._config.colours, seed=self._seed)
        return mask

    def step(self, image: Image) -> Probability:  # noqa: ARG002 (the motion has seen it)
        """Carry the mask to this frame and mend it by colours and edges."""
        carried = self._motion.carry(self._mask.plane)
        if self._config.mend:
            self._mask.see_frame()
            self._mask.mend(carried, self._motion.trust)
        else:
            self._mask.plane = carried
        return self._motion.frame.enlarge(self._mask.plane)

    def remember(self, merged: Probability) -> None:
        """Go on from what the other objects left, and learn its colours."""
        plane = self._motion.frame.shrink(merged)
        if self._config.mend:
            self._mask.remember(plane)
        else:
            self._mask.plane = plane
