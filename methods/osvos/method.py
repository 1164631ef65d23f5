"""OSVOS as the harness runs it: a network for each object, fine-tuned on the frame where it starts."""

from typing import Any

import torch
from torch import Tensor, nn

from vos_bench.api import Parameters
from vos_bench.parts.fine_tuning import FineTunedMethod
from vos_bench.parts.soft_masks import network_for

from . import INFO
from .checkpoint import OFFICIAL
from .config import Descent, OsvosConfig
from .learning import Sample, augmented, balanced_cross_entropy
from .network import OsvosNetwork, preprocess


def parameter_groups(network: OsvosNetwork, descent: Descent, *, sides: float = 1.0) -> list[dict[str, Any]]:
    """Return the parameters with the rates they learn at; those that enlarge stay fixed.

    `sides` is the factor of the rates of the layers by which each side answers alone.
    """
    slower = {"fuse": 0.01, "score_dsn": sides}
    groups: list[dict[str, Any]] = []
    for name, parameter in network.named_parameters():
        if name.startswith("upscale"):
            continue
        bias = name.endswith("bias")
        rate = descent.learning_rate * (2 if bias else 1) * slower.get(name.split(".")[0], 1)
        decay = 0.0 if bias else descent.weight_decay
        groups.append({"params": [parameter], "lr": rate, "weight_decay": decay, "name": name})
    return groups


class OsvosMethod(FineTunedMethod):
    """The `Method` of the entry point."""

    Config = OsvosConfig

    def __init__(
        self, config: OsvosConfig | None = None, *, weights: Parameters | None = None, **settings: Any
    ) -> None:
        """Load the parent; see `vos_bench.api.Method`. Raises BadInputError where there are no weights that fit."""
        super().__init__(config, weights=weights, **settings)
        self.budget = self.config.budget
        self.parent = network_for(INFO, weights, load=OFFICIAL.load, build=OsvosNetwork).to(self.device)

    def preprocess(self, image: Tensor) -> Tensor:
        """See `SoftMaskMethod.preprocess`."""
        return preprocess(image)

    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """See `FineTunedMethod.optimizer`."""
        assert isinstance(network, OsvosNetwork)
        descent = self.config.descent
        return torch.optim.SGD(parameter_groups(network, descent), momentum=descent.momentum)

    def loss(self, network: nn.Module, frame: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """See `FineTunedMethod.loss`: that of the fused answer alone."""
        frames, masks = augmented(Sample(frame, mask), self.config.augmentation, generator)
        logits, _ = network(frames)
        return balanced_cross_entropy(logits, masks)

    def probabilities(self, network: nn.Module, frame: Tensor) -> Tensor:
        """See `FineTunedMethod.probabilities`."""
        logits, _ = network(frame)
        return torch.sigmoid(logits)[0, 0]
