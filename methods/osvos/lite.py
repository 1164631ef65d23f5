"""`osvos-lite` as the harness runs it."""

from typing import Any

import torch
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Parameters
from vos_bench.methods.lite.training import LiteLoss
from vos_bench.parts.fine_tuning import FineTunedMethod, TuningBudget
from vos_bench.parts.fusion import fuse_normalisation
from vos_bench.parts.merging import MergeRule
from vos_bench.parts.soft_masks import SoftMaskConfig, network_for

from . import LITE
from .learning import Augmentation, Sample, augmented
from .lite_network import WEIGHTS, OsvosLiteNetwork


class OsvosLiteConfig(SoftMaskConfig):
    """Settings at a size that a laptop's processor follows.

    The backbone stays as it is, Adam changes the decoder. The loss is that of the training.
    """

    merge: MergeRule = "argmax"
    working_side: int | None = Field(default=304, ge=32, le=8192)
    probabilities: bool = False
    budget: TuningBudget = TuningBudget(steps=60, passes=1)
    learning_rate: float = Field(default=1e-3, gt=0, le=1000)
    augmentation: Augmentation = Augmentation()
    loss: LiteLoss = LiteLoss()


class OsvosLiteMethod(FineTunedMethod):
    """The `Method` of the entry point `osvos-lite`."""

    Config = OsvosLiteConfig
    multiple = 32

    def __init__(
        self, config: OsvosLiteConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the parent; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.budget = self.config.budget
        self.network = fuse_normalisation(network_for(LITE, weights, load=WEIGHTS.load, build=OsvosLiteNetwork))
        self.parent = self.network.to(self.device).to(memory_format=torch.channels_last)

    def preprocess(self, image: Tensor) -> Tensor:
        """See `SoftMaskMethod.preprocess`."""
        return self.network.backbone.scale(image)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """See `FineTunedMethod.optimizer`."""
        decoder = network.get_submodule("decoder").requires_grad_(True)
        return torch.optim.Adam(decoder.parameters(), lr=self.config.learning_rate)

    def loss(self, network: nn.Module, frame: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """See `FineTunedMethod.loss`: the loss of the parent's training."""
        frames, masks = augmented(Sample(frame, mask), self.config.augmentation, generator, interpolation="bilinear")
        return self.config.loss.of(network(frames)[None], masks[None]).total  # type: ignore[no-any-return]

    def probabilities(self, network: nn.Module, frame: Tensor) -> Tensor:
        """See `FineTunedMethod.probabilities`."""
        return torch.sigmoid(network(frame))[0, 0]
