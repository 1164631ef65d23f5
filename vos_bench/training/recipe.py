"""What a method offers to be trained by: a recipe is data plus the few functions that the loop calls."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Annotated, Any, ClassVar, NamedTuple, Protocol, Self

import torch
from pydantic import Field
from torch import Tensor, nn

from vos_bench import registry
from vos_bench.api import Dataset, Precision
from vos_bench.config import FrozenModel, apply_overrides
from vos_bench.files import read_names

Batch = dict[str, Tensor]

LearningRate = Annotated[float, Field(ge=0, le=1000)]


class DataShare(FrozenModel):
    """One dataset of a mixture.

    Attributes:
        dataset: Its registered name.
        split: Which split of it.
        weight: How often it is drawn from, relative to the others.
        leave_out: Sequences not to train on; an entry `@FILE` names a text file with one name a line, an entry
            `dataset:NAME` all sequences of another registered dataset in the same root.
    """

    dataset: str
    split: str = "train"
    weight: float = Field(default=1.0, gt=0, le=1e6)
    leave_out: tuple[str, ...] = ()

    def left_out(self, dataset: Dataset) -> frozenset[str]:
        """Return the names of all sequences not to train on.

        Args:
            dataset: The opened dataset.

        Raises:
            BadInputError: A file of names cannot be read, or another dataset cannot be opened.
        """
        return frozenset(name for entry in self.leave_out for name in _names(entry, dataset))


_DATASET = "dataset:"


def _names(entry: str, dataset: Dataset) -> Ordered[str]:
    if entry.startswith("@"):
        return read_names(Path(entry[1:]).expanduser(), asked="leave_out: @")
    if entry.startswith(_DATASET):
        return registry.open_dataset(entry.removeprefix(_DATASET), root=dataset.root).sequence_names
    return [entry]


class LoopSettings(FrozenModel):
    """What the loop itself needs to know; a recipe's own settings extend it.

    Attributes:
        epochs: How many epochs to train.
        steps_per_epoch: Optimiser steps an epoch.
        batch_size: Mini-sequences a step, over all processes together.
        seed: Decides the initial weights and every random draw of sample number n, whatever the number of workers.
        workers: Processes that read data, for each training process; 0 reads in the training process itself.
        checkpoint_every: Steps between two checkpoints; one is also written at the end of every epoch.
        validate_every: Epochs between two validations, 0 for none.
        validate_samples: How many samples of what is held out a validation takes, in batches of `batch_size`.
        clip: Largest allowed norm of the whole gradient; None does not clip.
        average: Decay of the moving average of the weights, which is then what is validated and exported; 0 for none.
        amp: Precision; see `vos_bench.api.Precision`.
        learning_rates: Part of the network to its learning rate; 0 keeps the part as it is.
        tensorboard: Whether the curves also go to TensorBoard (the extra `tensorboard`).
        data: The datasets to train on.
        weights: Files to start from: `network` for all parameters, or a part of the network such as `backbone`.
    """

    epochs: int = Field(default=1, ge=1, le=1000000)
    steps_per_epoch: int = Field(default=1000, ge=1, le=10000000)
    batch_size: int = Field(default=20, ge=1, le=65536)
    seed: int = Field(default=0, ge=0, lt=1 << 63)
    workers: int = Field(default=8, ge=0, le=1024)
    checkpoint_every: int = Field(default=500, ge=1, le=10000000)
    validate_every: int = Field(default=0, ge=0, le=1000000)
    validate_samples: int = Field(default=100, ge=1, le=10000000)
    clip: float | None = Field(default=None, ge=0, le=1e9)
    average: float = Field(default=0.0, ge=0.0, lt=1.0)
    amp: Precision = "off"
    learning_rates: Mapping[str, LearningRate] = {}
    tensorboard: bool = False
    data: tuple[DataShare, ...] = ()
    weights: Mapping[str, str] = {}

    @property
    def steps(self) -> int:
        """All optimiser steps of the training."""
        return self.epochs * self.steps_per_epoch


FREE_TO_CHANGE: frozenset[str] = frozenset(
    {"epochs", "workers", "checkpoint_every", "validate_every", "validate_samples", "tensorboard", "weights"}
)
"""The settings that a resumed training may change; every other one decides what the weights become."""


class ParameterGroup(NamedTuple):
    """The parameters of one part of the network and the rate they learn at."""

    name: str
    parameters: list[nn.Parameter]
    learning_rate: float


class Losses(NamedTuple):
    """The value to minimise, and the parts of it (or accuracies) that go into the curves."""

    total: Tensor
    parts: Mapping[str, Tensor]


class Exported(NamedTuple):
    """What a weights file holds: the tensors, and what it says of itself."""

    tensors: Mapping[str, Tensor]
    metadata: Mapping[str, str]


class Samples(Protocol):
    """The endless, numbered supply of training samples; number n is always the same sample."""

    def __getitem__(self, number: int) -> Batch:
        """Return sample `number`, one tensor a name, without a batch dimension."""

    def describe(self, number: int) -> Mapping[str, Any]:
        """Say which sequence, object and frames sample `number` is made of."""


class Recipe(ABC):
    """How one set of weights comes to be.

    Attributes:
        name: What `--recipe` calls it.
        settings: Its numbers.
        note: Where paper and released code differ, which values are assumed, and what it costs.
        starts_from: Parts of the network that it takes files for, `network` for all of it; empty: any may be named.
    """

    starts_from: ClassVar[tuple[str, ...]] = ()

    def __init__(self, name: str, settings: LoopSettings, *, note: str = "") -> None:
        """Take the recipe's numbers."""
        self.name, self.settings, self.note = name, settings, note

    def configured(self, overrides: Iterable[str]) -> Self:
        """Return this recipe with `a.b=value` settings changed. Raises BadInputError as `apply_overrides` does."""
        return type(self)(self.name, apply_overrides(self.settings, overrides), note=self.note)

    def start_file(self, part: str) -> Path | None:
        """Return the file of weights that a part of the network starts from; None where none is given."""
        given = self.settings.weights.get(part)
        return Path(given).expanduser() if given else None

    @abstractmethod
    def build_network(self) -> nn.Module:
        """Return the network with its initial weights; the loop has seeded torch before."""

    @abstractmethod
    def parameter_groups(self, network: nn.Module) -> list[ParameterGroup]:
        """Return the parameters that learn, and set `requires_grad` to False on all others."""

    @abstractmethod
    def samples(self, datasets: Ordered[Dataset]) -> Samples:
        """Return the training samples drawn from `datasets`, the opened `settings.data`."""

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch) -> Losses:
        """Run the network on a batch (first dimension: sample) and return the loss."""

    def schedule(self, step: int) -> float:
        """Return the factor on every learning rate at optimiser step `step`, counted from 0."""
        del step
        return 1.0

    def optimizer(self, groups: list[dict[str, Any]]) -> torch.optim.Optimizer:
        """Return what moves the parameters: dicts as torch.optim takes them, with a `name` each; Adam by default."""
        return torch.optim.Adam(groups)

    def training_mode(self, network: nn.Module) -> None:
        """Put the network in the mode in which it trains."""
        network.train()

    def held_out(self, datasets: Ordered[Dataset]) -> Samples | None:
        """Return samples of what the training leaves out; None, as here, where it leaves out nothing."""
        del datasets
        return None

    def validate(self, network: nn.Module, device: torch.device) -> Mapping[str, float]:
        """Measure the network in a way of the recipe's own, besides its loss on what is held out; names to values."""
        del network, device
        return {}

    @abstractmethod
    def export(self, weights: Mapping[str, Tensor]) -> Exported:
        """Return what the weights file of the finished training holds."""


def step_decay(epoch: int, milestones: Iterable[int], factor: float) -> float:
    """Return `factor` to the number of `milestones` that `epoch` has reached."""
    return float(factor ** sum(epoch >= milestone for milestone in milestones))
