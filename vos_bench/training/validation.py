"""What a network loses on samples that it is not trained on."""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import nn

from vos_bench.training.recipe import Recipe, Samples


def mean_losses(
    recipe: Recipe, network: nn.Module, samples: Samples, *, count: int, device: torch.device
) -> Mapping[str, float]:
    """Return the mean of the recipe's loss, and of its parts, over the first `count` samples, one at a time.

    They are the same ones in every validation, so that its curve has no noise but the network's.
    """
    sums: dict[str, float] = defaultdict(float)
    for number in range(count):
        batch = {name: value[None].to(device) for name, value in samples[number].items()}
        losses = recipe.loss(network, batch)
        for name, value in {"loss": losses.total, **losses.parts}.items():
            sums[name] += float(value) / count
    return dict(sums)
