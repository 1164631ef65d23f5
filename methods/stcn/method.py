"""STCN as the harness runs it."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor

from vos_bench.api import Parameters
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.space_time import MemoryPolicy, SpaceTimeConfig, SpaceTimeMethod

from . import INFO
from .checkpoint import OFFICIAL
from .network import StcnNetwork


class StcnConfig(SpaceTimeConfig):
    """The authors' settings: first frame and every fifth are remembered, and read from the twenty best places.

    The fifths are counted again from each frame on which objects start, which all objects then remember.

    Attributes:
        working_side: 480, as the authors bring YouTube-VOS to; DAVIS's frames of 480 pixels stay as they are.
        top: Each place reads from so many most similar places of the memory.
    """

    working_side: int | None = Field(default=480, ge=32, le=8192)
    memory: MemoryPolicy = MemoryPolicy(previous=False, restarts=True)
    top: int = Field(default=20, ge=1, le=100000)


class StcnMethod(SpaceTimeMethod):
    """The `Method` of the entry point."""

    Config = StcnConfig
    background_border = False
    truncates = True

    def __init__(self, config: StcnConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        network = network_for(INFO, weights, load=OFFICIAL.load, build=StcnNetwork)
        network.top = self.config.top
        self.use(network)

    def merge(self, found: Tensor, new: int) -> Tensor:
        """See `SoftMaskMethod.merge`: where objects start, the older ones are merged first, then all of them again."""
        older = len(found) - new
        if new and older:
            found = torch.cat([super().merge(found[:older], 0)[1:], found[older:]])
        return super().merge(found, new)
