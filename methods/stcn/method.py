"""STCN as the harness runs it."""

from typing import Any

import torch
from torch import Tensor

from vos_bench.api import Parameters
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.space_time import SpaceTimeMethod

from . import INFO
from .checkpoint import OFFICIAL
from .config import StcnConfig
from .network import StcnNetwork


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
