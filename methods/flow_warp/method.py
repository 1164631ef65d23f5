"""Masks carried from frame to frame by optical flow."""

from typing import ClassVar

import numpy as np

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.methods.flow_warp.config import FlowWarpConfig
from vos_bench.methods.flow_warp.motion import Motion
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.coloured_mask import ColouredMask
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel


class FlowWarp(PerObject):
    """Carries soft masks along the flow from each frame to the last one; one flow serves all objects."""

    Config: ClassVar[type[FlowWarpConfig]] = FlowWarpConfig

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects; see `Method.initialize`."""
        self._motion = Motion(self.config)
        return super().initialize(image, prompt)

    def look(self, image: Image) -> None:
        """Compute the flow to this frame."""
        self._motion.advance(image)

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
            self._mask.look()
            self._mask.mend(carried, self._motion.trust)
        else:
            self._mask.plane = carried
        return self._motion.frame.enlarge(self._mask.plane)

    def accept(self, merged: Probability) -> None:
        """Go on from what the other objects left, and learn its colours."""
        plane = self._motion.frame.shrink(merged)
        if self._config.mend:
            self._mask.accept(plane)
        else:
            self._mask.plane = plane
