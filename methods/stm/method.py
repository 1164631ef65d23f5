"""STM as the harness runs it."""

from typing import Any

from vos_bench.api import Parameters
from vos_bench.parts.soft_masks import network_for
from vos_bench.parts.space_time import SpaceTimeConfig, SpaceTimeMethod

from . import INFO
from .checkpoint import OFFICIAL
from .network import StmNetwork


class StmConfig(SpaceTimeConfig):
    """The authors' settings: first frame, every fifth and the previous one are remembered; soft aggregation."""


class StmMethod(SpaceTimeMethod):
    """The `Method` of the entry point."""

    Config = StmConfig

    def __init__(self, config: StmConfig | None = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """Load the network; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.use(network_for(INFO, weights, load=OFFICIAL.load, build=StmNetwork))
