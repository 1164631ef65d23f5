"""Trains `stm-lite` on the samples, by the loss and within the budget of `lwl-lite`."""

from vos_bench.methods.lite.training import LiteLoopSettings, OwnLiteRecipe, own_recipes

from .lite_network import WEIGHTS, StmLiteNetwork, StmLiteNetworkConfig
from .training import ClipRunner


class StmLiteSettings(LiteLoopSettings):
    """Numbers of the recipes."""

    network: StmLiteNetworkConfig = StmLiteNetworkConfig()


class StmLiteRecipe(OwnLiteRecipe):
    """Trains all but the backbone, on mini-sequences of one object each."""

    settings: StmLiteSettings
    file, fresh, runner = WEIGHTS, StmLiteNetwork, ClipRunner


STAGE1, STAGE2, ABLATION = own_recipes(StmLiteRecipe, StmLiteSettings)
