"""Trains `stm-lite` on the samples, by the loss and within the budget of `lwl-lite`."""

from vos_bench.methods.lite import training as lite
from vos_bench.methods.lite.training import LiteLoopSettings, OwnLiteRecipe

from .lite_network import WEIGHTS, StmLiteNetwork, StmLiteNetworkConfig
from .training import ClipRunner


class StmLiteSettings(LiteLoopSettings):
    """Numbers of the recipes."""

    network: StmLiteNetworkConfig = StmLiteNetworkConfig()


class StmLiteRecipe(OwnLiteRecipe):
    """Trains all but the backbone, on mini-sequences of one object each."""

    settings: StmLiteSettings
    file, fresh, runner = WEIGHTS, StmLiteNetwork, ClipRunner


STAGE1 = StmLiteRecipe(
    "stage1",
    StmLiteSettings(**lite.STAGE1),
    note="The samples, the loss and the budget of lwl-lite's first stage.",
)

STAGE2 = StmLiteRecipe(
    "stage2",
    StmLiteSettings(**lite.STAGE2),
    note="The samples, the loss and the budget of lwl-lite's second stage. Starts from stage 1: --weights FILE.",
)

ABLATION = StmLiteRecipe(
    "ablation",
    StmLiteSettings(**lite.ABLATION),
    note="The samples, the loss and the budget of one variant of an ablation of lwl-lite.",
)
