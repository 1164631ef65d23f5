"""What a network loses on samples that it is not trained on."""

from collections import defaultdict
from collections.abc import Mapping

import torch
from torch import nn
from torch.utils.data import default_collate

from vos_bench.training.recipe import Recipe, Samples


def mean_losses(
    recipe: Recipe, network: nn.Module, samples: Samples, *, count: int, device: torch.device
) -> Mapping[str, float]:
    """Return the mean of the recipe's loss, and of its parts, over the first `count` samples.

    They come in batches as in training, because a loss may look at a whole batch. They are the same ones in every
    validation, so that its curve has no noise but the network's.
    """
    sums: dict[str, float] = defaultdict(float)
    for first in range(0, count, recipe.settings.batch_size):
        batch = [samples[number] for number in range(first, min(first + recipe.settings.batch_size, count))]
        losses = recipe.loss(network, {name: value.to(device) for name, value in default_collate(batch).items()})
        for name, value in {"loss": losses.total, **losses.parts}.items():
            sums[name] += float(value) * len(batch) / count
    return dict(sums)
