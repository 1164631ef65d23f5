"""A made-up method that can be trained, run and ablated, as a plugin of its own; importable in other processes too."""

# ruff: noqa: ARG002

import os
import time
from collections.abc import Mapping
from pathlib import Path

import fake_vos
import numpy as np
import torch
from fake_vos import HERE
from safetensors.torch import load_file
from torch import Tensor, nn

from vos_bench.api import Image, Method, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.training.recipe import Batch, Exported, LoopSettings, Losses, ParameterGroup, Recipe

HELD_SAMPLE = 9
"""Read for the fifth of six steps, after the checkpoint of the fourth."""

ENTRY_POINTS = """[vos_bench.methods]
fake = fake_ablation_info:INFO
[vos_bench.datasets]
fake = fake_ablation_info:DATASET
"""


def install(folder: Path) -> Path:
    """Write what pip would for a plugin of this module; the folder and that of this file belong on Python's path."""
    about = folder / "fake_ablation-0.dist-info"
    about.mkdir(parents=True)
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: fake-ablation\nVersion: 0\n")
    (about / "entry_points.txt").write_text(ENTRY_POINTS)
    return HERE.parent


def hold(stage: str) -> None:
    """Wait where FAKE_HOLD=STAGE:FILE names this stage, until the file is there; FILE.held says that it waits."""
    wanted, _, path = os.environ.get("FAKE_HOLD", "").partition(":")
    if wanted == stage:
        Path(f"{path}.held").touch()
    while wanted == stage and not Path(path).exists():
        time.sleep(0.005)


class Settings(LoopSettings):
    epochs: int = 1
    steps_per_epoch: int = 6
    batch_size: int = 2
    workers: int = 0
    checkpoint_every: int = 2
    width: int = 3
    rate: float = 0.1
    spoilt: bool = False
    pause: float = 0.0
    skipped: tuple[str, ...] = ()


class Points:
    """Sample n is drawn by a generator seeded with n."""

    def __init__(self, seed: int, pause: float = 0.0) -> None:
        self.seed, self.pause = seed, pause

    def __getitem__(self, number: int) -> Batch:
        time.sleep(self.pause)
        if number == HELD_SAMPLE:
            hold("training")
        rng = np.random.default_rng([self.seed, number])
        return {"x": torch.from_numpy(rng.standard_normal(4).astype(np.float32))}

    def describe(self, number: int) -> Mapping[str, object]:
        return {"point": number}


class FakeRecipe(Recipe):
    settings: Settings

    def build_network(self) -> nn.Module:
        return nn.Sequential(nn.Linear(4, self.settings.width), nn.Dropout(0.1), nn.Linear(self.settings.width, 1))

    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        return [ParameterGroup("all", list(network.parameters()), self.settings.rate)]

    def samples(self, datasets: object) -> Points:
        return Points(self.settings.seed, self.settings.pause)

    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        total = (network(batch["x"]) - 1).square().mean()
        return Losses(total * float("nan") if self.settings.spoilt else total, {})

    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        return Exported(weights, {})


RECIPE = FakeRecipe("quick", Settings())


class Shifted(Method):
    """Answers with the first masks, moved by what the weights say; without a file they stay."""

    class Config(FrozenModel):
        rows: int = 0

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)
        tensors = load_file(self.weights) if self.weights else {}
        self.sequences = 0
        self.columns = int(sum(1e4 * float(x.double().sum()) for x in tensors.values())) % 5

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.sequences += 1
        if self.sequences == 2:
            hold("run")
        self.labels = np.zeros(image.shape[:2], dtype=np.uint16)
        return self.step(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        for k, mask in (new.masks if new else {}).items():
            self.labels[mask] = k
        return Prediction(np.roll(self.labels, (self.config.rows, self.columns), axis=(0, 1)))


class Videos(fake_vos.FakeDataset):
    """Three short sequences."""

    def __init__(self, root: Path, *, split: str) -> None:
        super().__init__({name: fake_vos.Spec(length=5) for name in ("a", "b", "c")})
        self.split = split
