"""The first masks stay where they are."""

from typing import ClassVar

import numpy as np

from vos_bench.api import Box, Image, Mask
from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import BoxFill, mask_of
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel


class CopyFirstConfig(FrozenModel):
    """Settings of copy-first.

    Attributes:
        box_fill: What a box becomes: `ellipse` or `rectangle` in it, or what `grabcut` separates from its surroundings.
    """

    box_fill: BoxFill = "ellipse"


class CopyFirst(PerObject):
    """The lower bound of every table: what a score says of a method shows in what it adds to this one.

    Where objects that started on different frames overlap, the smaller id wins.
    """

    Config: ClassVar[type[CopyFirstConfig]] = CopyFirstConfig
    on_cpu = True
    merge_rule = "argmax"

    def build_model(self, object_id: int) -> SingleObjectModel:  # noqa: ARG002 (all alike)
        """Return a mask that stays."""
        return StillMask(self.config, seed=self.seed)


class StillMask(SingleObjectModel):
    """One mask that stays."""

    def __init__(self, config: CopyFirstConfig, *, seed: int) -> None:
        self._config, self._seed = config, seed

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        """Keep the mask."""
        self._mask = mask_of(image, start, fill=self._config.box_fill, seed=self._seed).astype(np.float32)
        return self._mask

    def step(self, image: Image) -> Probability:  # noqa: ARG002 (looks at nothing)
        """Return the mask."""
        return self._mask
