"""Masks carried from frame to frame by optical flow."""

from typing import ClassVar

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Image, Mask, Prediction, Prompt
from vos_bench.methods.flow_warp.config import FlowWarpConfig
from vos_bench.methods.flow_warp.motion import Motion
from vos_bench.parts.appearance import Appearance, Palette, region_of
from vos_bench.parts.box_start import mask_of
from vos_bench.parts.guided_filter import guided_filter
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

    def build_model(self, object_id: int) -> SingleObjectModel:
        """Return a carrier of one mask."""
        return CarriedMask(self.config, motion=self._motion, seed=self.seed + object_id)


class CarriedMask(SingleObjectModel):
    """One soft mask at the working size, and the colours of what it covers."""

    def __init__(self, config: FlowWarpConfig, *, motion: Motion, seed: int) -> None:
        self._config, self._motion, self._seed = config, motion, seed

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Take the mask, and the colours inside and outside it."""
        mask = mask_of(image, start, seed=self._seed).astype(np.float32)
        self._plane = self._at_work(mask)
        small, config = self._motion.image, self._config.appearance
        self._palette = Palette(small, config.colours, similarity=config.similarity, seed=self._seed)
        self._indices = self._palette.index(small)
        self._appearance = Appearance(self._plane.shape, config, palette=self._palette)
        self._appearance.learn(self._indices, self._plane)
        return mask

    def step(self, image: Image) -> Probability:
        """Carry the mask to this frame and mend it by colours and edges."""
        carried = self._motion.carry(self._plane)
        self._indices = self._palette.index(self._motion.image)
        self._plane = self._mended(carried) if self._mends() else carried
        size = image.shape[1], image.shape[0]
        answer: Probability = cv2.resize(self._plane, size, interpolation=cv2.INTER_LINEAR)
        return answer

    def accept(self, merged: Probability) -> None:
        """Go on from what the other objects left, and learn its colours."""
        self._plane = self._at_work(merged)
        self._appearance.learn(self._indices, self._plane)

    def _mends(self) -> bool:
        return bool(self._config.colour_weight or self._config.place_weight or self._config.edge_radius)

    def _mended(self, carried: NDArray[np.float32]) -> NDArray[np.float32]:
        mended = np.zeros_like(carried)
        region = region_of(carried, margin=self._config.appearance.margin)
        if region is None:
            return mended
        config, prior = self._config, carried
        if config.prior_blur:
            prior = cv2.GaussianBlur(carried, (0, 0), config.prior_blur)
        odds = config.prior_weight * (2 * prior[region] - 1) * self._motion.trust[region]
        indices = self._indices[region]
        odds += config.colour_weight * self._appearance.anywhere(indices)
        odds += config.place_weight * self._appearance.in_place(indices, region)
        plane = 1 / (1 + np.exp(-odds))
        if config.edge_radius:
            image = self._motion.image[region]
            plane = guided_filter(image, plane, radius=config.edge_radius, regularisation=config.edge_contrast)
        mended[region] = plane.clip(0, 1)
        return mended

    def _at_work(self, plane: NDArray[np.float32]) -> NDArray[np.float32]:
        height, width = self._motion.image.shape[:2]
        small: NDArray[np.float32] = cv2.resize(plane, (width, height), interpolation=cv2.INTER_AREA)
        return small
