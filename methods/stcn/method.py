"""STCN as the harness runs it."""

from typing import Any

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

    def __init__(self, config: StcnConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        network = network_for(INFO, weights, load=OFFICIAL.load, build=StcnNetwork)
        network.top = self.config.top
        self.use(network)
