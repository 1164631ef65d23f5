"""A recipe so small that the loop's rules can be tested in a second."""

from collections.abc import Mapping

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from vos_bench.training.distributed import gather
from vos_bench.training.recipe import Batch, Exported, LoopSettings, Losses, ParameterGroup, Recipe


class Points:
    """Sample n is drawn by a generator seeded with n."""

    def __getitem__(self, number: int) -> Batch:
        rng = np.random.default_rng(number)
        x = torch.from_numpy(rng.standard_normal(4).astype(np.float32))
        return {"x": x, "y": x.sum(dim=0, keepdim=True)}

    def describe(self, number: int) -> Mapping[str, object]:
        return {"point": number}


class PointRecipe(Recipe):
    """A two-layer network with dropout, whose draws a resumed training must repeat."""

    def __init__(
        self, settings: LoopSettings, *, note: str = "", whole_batch: bool = False, dropout: float = 0.1
    ) -> None:
        super().__init__("points", settings, note=note)
        self.whole_batch = whole_batch
        self.dropout = dropout

    def build_network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Dropout(self.dropout), nn.Linear(8, 1))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        return [ParameterGroup("all", list(network.parameters()), 1e-2)]

    def samples(self, datasets: object) -> Points:  # noqa: ARG002
        return Points()

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        answer, wanted = network(batch["x"]), batch["y"]
        if self.whole_batch:
            answer, wanted = gather(answer, 0), gather(wanted, 0)
            total = (answer - wanted).square().sum().sqrt()  # not a mean over samples
        else:
            total = (answer - wanted).square().mean()
        return Losses(total, {"largest": (answer - wanted).abs().max()})

    def schedule(self, step: int) -> float:
        return 1.0 / (1 + step)

    def validate(self, network: nn.Module, device: torch.device) -> Mapping[str, float]:
        return {"weight": float(next(iter(network.parameters())).to(device).abs().sum())}

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        return Exported(weights, {})


@pytest.fixture
def point_recipe() -> type[PointRecipe]:
    return PointRecipe


@pytest.fixture
def points() -> Points:
    return Points()


@pytest.fixture
def loop_settings() -> LoopSettings:
    return LoopSettings(
        epochs=2, steps_per_epoch=10, batch_size=4, workers=0, checkpoint_every=5, average=0.9, validate_every=1
    )
