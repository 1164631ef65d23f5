"""Trains `stm-lite` on the samples, by the loss and within the budget of `lwl-lite`."""

from collections.abc import Mapping
from pathlib import Path

from torch import Tensor, nn

from vos_bench.training import lite
from vos_bench.training.lite import LiteLoopRecipe, LiteLoopSettings, half_precision, load_imagenet
from vos_bench.training.recipe import Exported

from .lite_network import WEIGHTS, StmLiteNetwork, StmLiteNetworkConfig
from .training import ClipRunner


class StmLiteSettings(LiteLoopSettings):
    """Numbers of the recipes.

    Attributes:
        network: Sizes of the network.
    """

    network: StmLiteNetworkConfig = StmLiteNetworkConfig()


class StmLiteRecipe(LiteLoopRecipe):
    """Trains all but the backbone, on mini-sequences of one object each."""

    settings: StmLiteSettings

    def build(self) -> nn.Module:
        """Return the network around the ImageNet backbone, or with the weights to start from."""
        if path := self.settings.weights.get("network"):
            return ClipRunner(WEIGHTS.load(Path(path).expanduser()))
        return ClipRunner(StmLiteNetwork(self.settings.network, prepare=load_imagenet))

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return the network's own tensors, as float16."""
        return Exported(half_precision(weights), WEIGHTS.describe(self.settings.network))


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
