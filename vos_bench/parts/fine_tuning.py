"""Fine-tuning on the frame where an object starts: a budget of steps or seconds, a seed, and a clock of its own."""

import copy
import time
from abc import abstractmethod
from collections.abc import Callable
from typing import Any, NamedTuple

import torch
from pydantic import Field
from torch import Tensor, nn

from vos_bench.api import Parameters
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.parts.soft_masks import SoftMaskMethod


class TuningBudget(FrozenModel):
    """How long an object is learned.

    Attributes:
        steps: At most so many steps of the optimiser.
        passes: Passes through the network a step, whose gradients are averaged.
        seconds: No step begins after so many seconds; None sets no bound. With one, results depend on the machine.
    """

    steps: int = Field(default=2000, ge=0, le=10000000)
    passes: int = Field(default=5, ge=1, le=10000)
    seconds: float | None = Field(default=None, gt=0, le=1e9)


class Tuned(NamedTuple):
    """What a fine-tuning took."""

    steps: int
    seconds: float


def tune(
    loss: Callable[[], Tensor], optimizer: torch.optim.Optimizer, budget: TuningBudget, *, device: torch.device
) -> Tuned:
    """Minimise `loss`, which draws a new sample at each call, within a budget; return what was used of it."""
    began = time.perf_counter()
    done = 0
    while done < budget.steps:
        for _ in range(budget.passes):
            (loss() / budget.passes).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        done += 1
        if budget.seconds is not None and time.perf_counter() - began >= budget.seconds:
            break
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return Tuned(done, time.perf_counter() - began)


class FineTunedMethod(SoftMaskMethod):
    """A method that gives each object a copy of a network and fine-tunes it on the frame where the object starts.

    A subclass sets `parent`, the network that all copies are made of, and the `budget` of each object. The copies are
    forgotten with the sequence, the parent stays as it is. The samples that are drawn follow from the run's seed and
    the sequence's name.
    """

    parent: nn.Module
    budget: TuningBudget

    def __init__(self, config: Any = None, *, weights: Parameters | None = None, **settings: Any) -> None:
        """See `Method.__init__`. Raises BadInputError where the network is to be compiled."""
        super().__init__(config, weights=weights, **settings)
        self._log: list[str] = []
        if self.compile:
            raise BadInputError("--compile: every object has a network of its own, to be compiled again; leave it out")

    @abstractmethod
    def optimizer(self, network: nn.Module) -> torch.optim.Optimizer:
        """Return the optimiser of a copy; parameters that it does not get stay as they are."""

    @abstractmethod
    def loss(self, network: nn.Module, frame: Tensor, mask: Tensor, generator: torch.Generator) -> Tensor:
        """Return the loss of one sample drawn from an object's first frame, 1 x 3 x H x W, and mask, 1 x 1 x H x W."""

    @abstractmethod
    def probabilities(self, network: nn.Module, frame: Tensor) -> Tensor:
        """Return where a copy finds its object, H x W in [0, 1]."""

    def reset(self) -> None:
        """See `SoftMaskMethod.reset`."""
        self._copies: list[nn.Module] = []
        self._log = []

    def find(self, frame: Tensor) -> Tensor:
        """See `SoftMaskMethod.find`."""
        with self.autocast():
            return torch.stack([self.probabilities(network, frame).float() for network in self._copies])

    def remember(self, frame: Tensor, merged: Tensor, new: int) -> None:
        """See `SoftMaskMethod.remember`."""
        for mask in merged[len(merged) - new :]:
            with torch.inference_mode(False), torch.enable_grad():
                self._copies.append(self._tuned(frame.clone(), (mask > 0.5)[None, None].float().clone()))

    def finish(self) -> str:
        """Say how long each object was learned; see `Method.finish`."""
        return "\n".join(self._log)

    def _tuned(self, frame: Tensor, mask: Tensor) -> nn.Module:
        network = copy.deepcopy(self.parent)
        optimizer = self.optimizer(network)
        generator = torch.Generator().manual_seed(int(torch.randint(2**31, ())))
        used = tune(
            lambda: self.loss(network, frame, mask, generator), optimizer, self.budget, device=torch.device(self.device)
        )
        self._log.append(
            f"fine-tuning, object {len(self._log) + 1}: {counted(used.steps, 'step')} in {used.seconds:.3f} s"
        )
        return network.requires_grad_(False)
