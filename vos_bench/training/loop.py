"""The training loop, from top to bottom: read a batch, step, average, note, save; and stop cleanly when asked."""

import json
import math
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from vos_bench.devices import set_float32_mode
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.files import write_text
from vos_bench.parts.precision import autocast
from vos_bench.progress import Progress
from vos_bench.training.checkpoint import CHECKPOINT, load_checkpoint, save_checkpoint
from vos_bench.training.curves import Curves
from vos_bench.training.distributed import ProcessGroup, any_process, join_processes, parallel, restarted
from vos_bench.training.interruption import explain_dead_workers, stop_requests
from vos_bench.training.recipe import FREE_TO_CHANGE, Batch, Losses, Recipe, Samples
from vos_bench.training.validation import mean_losses


class TrainingOutcome(NamedTuple):
    """How a training ended.

    Attributes:
        status: `done`, or `interrupted` by a signal after a checkpoint.
        step: Optimiser steps done.
        weights: The weights to export, on the CPU.
        validation: What the last validation measured.
        writes: Whether this process is the one that writes files.
        seconds: How long these steps took, over all starts of the training; what a kill undid is not counted.
    """

    status: Literal["done", "interrupted"]
    step: int
    weights: dict[str, Tensor]
    validation: Mapping[str, float]
    writes: bool = True
    seconds: float = 0.0


@dataclass
class _State:
    """All that changes while training."""

    recipe: Recipe
    held_out: Samples | None
    processes: ProcessGroup
    network: nn.Module
    optimizer: torch.optim.Optimizer
    scaler: torch.amp.GradScaler
    average: dict[str, Tensor]
    step: int = 0
    validation: Mapping[str, float] = field(default_factory=dict)
    seconds_before: float = 0.0
    started: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """How long the training has taken, over all its starts."""
        return self.seconds_before + time.monotonic() - self.started


def train_recipe(
    recipe: Recipe,
    samples: Samples,
    *,
    out: Path,
    held_out: Samples | None = None,
    device: str = "cpu",
    resume: bool = False,
    progress: Progress | None = None,
    on_start: Callable[[], None] = lambda: None,
) -> TrainingOutcome:
    """Train a recipe to its end, or until SIGTERM or Ctrl-C, then save.

    Args:
        recipe: What to train.
        samples: The training samples.
        out: Folder of the checkpoint and the curves.
        held_out: Samples to validate on; None for none.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        resume: Whether to go on from the folder's checkpoint. Processes that torchrun started again do so by
            themselves, and start over where the first ones came to none.
        progress: Hears of every step.
        on_start: Called by the first process once nothing in `out` speaks against the training, before its first step.

    Raises:
        BadInputError: The checkpoint is missing, broken or of other settings.
        VosBenchError: The loss is no longer a finite number; `non-finite.json` names the batch.
    """
    with join_processes(device) as processes, stop_requests() as stop:
        torch.manual_seed(recipe.settings.seed)
        set_float32_mode(processes.device.type, recipe.settings.amp, deterministic=False)
        state = _initial_state(recipe, held_out, processes)
        has_checkpoint = (out / CHECKPOINT).exists()
        again = restarted(processes)
        if (has_checkpoint and again) or (resume and not again):
            _restore(state, out)
        elif has_checkpoint:
            raise BadInputError(f"{out}: holds a training already; give --resume to go on, or another --out")
        if processes.rank == 0:
            on_start()
        model = parallel(state.network, processes)
        tensorboard = recipe.settings.tensorboard
        with (
            Curves(out, state.step, tensorboard=tensorboard) if processes.rank == 0 else nullcontext() as curves,
            explain_dead_workers(out),
        ):
            status = _train(state, model, samples, out, stop, curves, progress or Progress())
        return TrainingOutcome(
            status, state.step, weights_of(state), state.validation, processes.rank == 0, state.seconds
        )


def _initial_state(recipe: Recipe, held_out: Samples | None, processes: ProcessGroup) -> _State:
    network = recipe.build_network().to(processes.device)
    groups = [
        {"params": group.parameters, "lr": group.learning_rate, "base": group.learning_rate, "name": group.name}
        for group in recipe.parameter_groups(network)
    ]
    optimizer = recipe.optimizer(groups)
    scaler = torch.amp.GradScaler(processes.device.type, enabled=recipe.settings.amp == "fp16")
    average = {name: value.clone() for name, value in network.state_dict().items()} if recipe.settings.average else {}
    return _State(recipe, held_out, processes, network, optimizer, scaler, average)


def _train(
    state: _State,
    model: nn.Module,
    samples: Samples,
    out: Path,
    stop: list[int],
    curves: Curves | None,
    progress: Progress,
) -> Literal["done", "interrupted"]:
    settings = state.recipe.settings
    started, first = time.monotonic(), state.step
    state.recipe.training_mode(state.network)
    for batch in _batches(samples, state):
        rate = state.recipe.schedule(state.step)
        values = _step(state, model, batch, rate, lambda: _report_non_finite(state, samples, out))
        state.step += 1
        if curves is not None:
            curves.add(state.step, {**values, "rate": rate})
            left = (time.monotonic() - started) / (state.step - first) * (settings.steps - state.step)
            progress.step_done(state.step, settings.steps, values, left)
        epoch_ends = state.step % settings.steps_per_epoch == 0
        if (
            epoch_ends
            and settings.validate_every
            and state.step // settings.steps_per_epoch % settings.validate_every == 0
        ):
            _validate(state, curves)
        stopping = any_process(bool(stop), state.processes)
        if stopping or epoch_ends or state.step % settings.checkpoint_every == 0:
            _save(state, out)
        if stopping:
            return "interrupted"
    return "done"


def _step(
    state: _State, model: nn.Module, batch: Batch, rate: float, on_non_finite: Callable[[], None]
) -> dict[str, float]:
    """Take one optimiser step; return the loss and its parts."""
    settings, device = state.recipe.settings, state.processes.device
    for group in state.optimizer.param_groups:
        group["lr"] = group["base"] * rate
    batch = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    with autocast(device, settings.amp):
        losses = state.recipe.loss(model, batch)
    values = _on_host(losses)
    if any_process(not math.isfinite(values["loss"]), state.processes):
        on_non_finite()
    state.optimizer.zero_grad(set_to_none=True)
    state.scaler.scale(losses.total).backward()  # type: ignore[no-untyped-call]
    if settings.clip is not None:
        state.scaler.unscale_(state.optimizer)
        parameters = [p for group in state.optimizer.param_groups for p in group["params"]]
        nn.utils.clip_grad_norm_(parameters, settings.clip)
    state.scaler.step(state.optimizer)
    state.scaler.update()
    _update_average(state)
    return values


def _on_host(losses: Losses) -> dict[str, float]:
    """Return the loss and its parts as numbers, in one copy: each one of its own waits for the device."""
    tensors = {"loss": losses.total, **losses.parts}
    stacked = torch.stack([x.detach().reshape(()).to(losses.total.device, torch.float64) for x in tensors.values()])
    return dict(zip(tensors, stacked.tolist(), strict=True))


def _update_average(state: _State) -> None:
    """Move the average towards the weights; the decay rises at first, so that the start is soon forgotten."""
    decay = min(state.recipe.settings.average, (1 + state.step) / (10 + state.step))
    for name, value in state.network.state_dict().items() if state.average else ():
        if value.is_floating_point():
            state.average[name].lerp_(value, 1 - decay)
        else:
            state.average[name].copy_(value)


def weights_of(state: _State) -> dict[str, Tensor]:
    """Return the weights that count, averaged where the recipe averages, on the CPU."""
    source = state.average or state.network.state_dict()
    return {name: value.detach().cpu().clone() for name, value in source.items()}


def _validate(state: _State, curves: Curves | None) -> None:
    """Measure the averaged weights where there are some; the training weights come back afterwards."""
    own = {name: value.clone() for name, value in state.network.state_dict().items()} if state.average else {}
    if own:
        state.network.load_state_dict(state.average)
    state.network.eval()
    recipe, device = state.recipe, state.processes.device
    with torch.no_grad():
        count = recipe.settings.validate_samples
        held_out = state.held_out
        means = mean_losses(recipe, state.network, held_out, count=count, device=device) if held_out else {}
        state.validation = {**means, **recipe.validate(state.network, device)}
    if own:
        state.network.load_state_dict(own)
    recipe.training_mode(state.network)
    if curves is not None and state.validation:
        curves.add(state.step, {f"validation/{name}": value for name, value in state.validation.items()})


class NumberedSamples(Dataset[Batch]):
    """The samples under the name that torch's loader knows them by."""

    def __init__(self, samples: Samples) -> None:
        self.samples = samples

    def __getitem__(self, number: int) -> Batch:
        return self.samples[number]


def sample_numbers(settings_batch: int, processes: ProcessGroup, step: int) -> list[int]:
    """Return the numbers of the samples that this process reads for optimiser step `step`."""
    share = settings_batch // processes.size
    first = step * settings_batch + processes.rank * share
    return list(range(first, first + share))


def _batches(samples: Samples, state: _State) -> Iterator[Batch]:
    settings, processes = state.recipe.settings, state.processes
    if settings.batch_size % processes.size:
        raise BadInputError(f"batch_size={settings.batch_size} cannot be shared by {processes.size} processes")
    numbers = [sample_numbers(settings.batch_size, processes, step) for step in range(state.step, settings.steps)]
    loader = DataLoader(
        NumberedSamples(samples),
        batch_sampler=numbers,
        num_workers=settings.workers,
        pin_memory=processes.device.type == "cuda",
        persistent_workers=settings.workers > 0,
        worker_init_fn=_start_data_worker,
        generator=torch.Generator().manual_seed(settings.seed),
    )
    return iter(loader)


def _start_data_worker(_: int) -> None:
    """Leave signals to the training process, and the cores to the others.

    Ctrl-C goes to all processes of a terminal and a scheduler's SIGTERM to all of a job: the training process answers
    it after the step, for which it needs its workers. They end with it.
    """
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    sys.excepthook = _hide_lost_training
    torch.set_num_threads(1)


def _hide_lost_training(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
    """Print what nobody caught, but not that the training ended while this worker was handing samples over to it."""
    if not issubclass(kind, ConnectionError):
        sys.__excepthook__(kind, error, trace)


def _save(state: _State, out: Path) -> None:
    if state.processes.rank:
        return
    save_checkpoint(
        out,
        {
            "recipe": state.recipe.name,
            "settings": state.recipe.settings.model_dump_json(),
            "step": state.step,
            "seconds": state.seconds,
            "network": state.network.state_dict(),
            "average": state.average,
            "optimizer": state.optimizer.state_dict(),
            "scaler": state.scaler.state_dict(),
            "rng": torch.get_rng_state(),
            "validation": dict(state.validation),
        },
    )


def _restore(state: _State, out: Path) -> None:
    saved = load_checkpoint(out)
    _same_settings(json.loads(saved["settings"]), json.loads(state.recipe.settings.model_dump_json()), out)
    state.network.load_state_dict(saved["network"])
    state.optimizer.load_state_dict(saved["optimizer"])
    state.scaler.load_state_dict(saved["scaler"])
    state.average = {name: value.to(state.processes.device) for name, value in saved["average"].items()}
    state.step, state.validation = saved["step"], saved["validation"]
    state.seconds_before = saved.get("seconds", 0.0)
    torch.set_rng_state(saved["rng"])


def _same_settings(saved: dict[str, Any], asked: dict[str, Any], out: Path) -> None:
    differing = [name for name in asked if name not in FREE_TO_CHANGE and asked[name] != saved.get(name)]
    if differing:
        found = "; ".join(f"{name}: {saved.get(name)!r} before, {asked[name]!r} now" for name in differing)
        raise BadInputError(f"{out}: cannot resume with other settings: {found}; expected the same, or another --out")


def _report_non_finite(state: _State, samples: Samples, out: Path) -> None:
    numbers = sample_numbers(state.recipe.settings.batch_size, state.processes, state.step)
    identity = {"step": state.step, "samples": {str(n): dict(samples.describe(n)) for n in numbers}}
    path = out / f"non-finite{f'.{state.processes.rank}' if state.processes.rank else ''}.json"
    write_text(path, json.dumps(identity, indent=2) + "\n")
    raise VosBenchError(
        f"{path}: the loss of step {state.step} is not a finite number; the file names the batch\n"
        "  the checkpoint is of an earlier step: look at the batch, lower the learning rate or set clip, and resume"
    )
