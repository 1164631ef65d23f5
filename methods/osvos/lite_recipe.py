"""Trains the parent of `osvos-lite` on the samples, by the loss and within the budget of `lwl-lite`."""

from torch import Tensor, nn

from vos_bench.methods.lite.training import LiteLoopSettings, OwnLiteRecipe, own_recipes
from vos_bench.parts.backbone_config import LiteNetworkConfig
from vos_bench.training.synthesis import SynthesisSettings

from .lite_network import WEIGHTS, OsvosLiteNetwork


class StillRunner(nn.Module):
    """Segments the frames after the first, each alone: what the first one shows is not told."""

    def __init__(self, network: OsvosLiteNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, _masks: Tensor) -> Tensor:
        """S x (1 + T) x 3 x H x W, RGB of 0..255 -> T x S x 1 x H x W logits."""
        frames = images[:, 1:].transpose(0, 1)
        logits = self.network(self.network.backbone.scale(frames.flatten(0, 1)))
        return logits.unflatten(0, frames.shape[:2])  # type: ignore[no-any-return]


class OsvosLiteSettings(LiteLoopSettings):
    """Numbers of the recipes. No object is pasted: what is foreground has to be seen on a frame alone."""

    network: LiteNetworkConfig = LiteNetworkConfig()
    synthesis: SynthesisSettings = SynthesisSettings(paste=0.0)


class OsvosLiteRecipe(OwnLiteRecipe):
    """Trains all but the backbone to tell foreground from background."""

    settings: OsvosLiteSettings
    file, fresh, runner = WEIGHTS, OsvosLiteNetwork, StillRunner


STAGE1, STAGE2, ABLATION = own_recipes(
    OsvosLiteRecipe,
    OsvosLiteSettings,
    samples="The samples (but for pasted objects, which a frame alone cannot tell from its own)",
)
