"""`stm-lite` as the harness runs it."""

from typing import Any

import torch
from pydantic import Field

from vos_bench.api import Parameters
from vos_bench.parts.fusion import fuse_normalisation
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.space_time import SpaceTimeConfig, SpaceTimeMethod

from . import LITE
from .lite_network import WEIGHTS, StmLiteNetwork


class StmLiteConfig(SpaceTimeConfig):
    """STM's settings at a size that a laptop's processor follows."""

    working_side: int | None = Field(default=304, ge=32, le=8192)
    probabilities: bool = False


class StmLiteMethod(SpaceTimeMethod):
    """The `Method` of the entry point `stm-lite`."""

    Config = StmLiteConfig
    multiple = 32

    def __init__(
        self, config: StmLiteConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        network = fuse_normalisation(network_for(LITE, weights, load=WEIGHTS.load, build=StmLiteNetwork))
        self.use(network.to(memory_format=torch.channels_last))
