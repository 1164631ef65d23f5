"""One training from its name to its weights: opens the data, runs the loop, writes record, weights and card."""

import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.devices import resolve_device
from vos_bench.environment import collect_environment
from vos_bench.errors import BadInputError
from vos_bench.files import sha256, write_text
from vos_bench.locks import FolderLock
from vos_bench.parts.checkpoints import write_tensors
from vos_bench.progress import Progress
from vos_bench.training.loop import Outcome, run
from vos_bench.training.recipe import Recipe
from vos_bench.training.record import CARD, RECORD, WEIGHTS, TrainingData, TrainingRecord, WeightsCard


class TrainingResult(NamedTuple):
    """Where a training's files lie and how it ended; `weights` is None for one that was interrupted."""

    record: TrainingRecord
    out: Path
    weights: Path | None


def find_recipe(method: str, name: str) -> Recipe:
    """Return a method's recipe by name.

    Raises:
        BadInputError: The method has no such recipe; the message lists those it has.
    """
    known = {info.name: info for info in registry.method(method).recipes}
    if name not in known:
        listed = ", ".join(sorted(known)) or "none"
        raise BadInputError(f"{method}: there is no recipe {name!r}; known: {listed} (vos-bench list recipes)")
    found: Recipe = registry.resolve(known[name].factory)
    return found


def train(
    method: str,
    recipe: str,
    *,
    out: Path | None = None,
    roots: Mapping[str, Path] | None = None,
    weights: Mapping[str, Path] | None = None,
    overrides: tuple[str, ...] = (),
    resume: bool = False,
    device: str = "auto",
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a method by one of its recipes.

    Args:
        method: A registered method.
        recipe: One of its recipes.
        out: Folder for everything; None for `training/METHOD/RECIPE`.
        roots: Dataset name to its folder, where the environment and the config file do not say it; the name `""`
            stands for every dataset that is not named.
        weights: Files to start from: `network` for all parameters, or a part such as `backbone`.
        overrides: `a.b=value` settings of the recipe.
        resume: Whether to go on from the folder's checkpoint.
        device: `auto`, `cpu`, `cuda` or `cuda:1`. Under torchrun each process calls this function alike.
        progress: Hears of every step.

    Raises:
        BadInputError: An unknown name or device, a wrong setting, missing data, a checkpoint that does not fit, a
            folder in use or one that cannot be written.
        VosBenchError: The loss is no longer finite.
    """
    resolve_device(device)  # an unknown one is said before the data are read, which may take minutes
    chosen = _with_start(find_recipe(method, recipe).configured(overrides), weights or {})
    folder = out or Path("training") / method / recipe
    datasets = [_open(share.dataset, share.split, roots or {}) for share in chosen.settings.data]
    record = _record(method, chosen, datasets, overrides)
    with _alone(folder):
        started = time.monotonic()
        outcome = run(
            chosen,
            chosen.samples(datasets),
            held_out=chosen.held_out(datasets) if chosen.settings.validate_every else None,
            out=folder,
            device=device,
            resume=resume,
            progress=progress,
            begun=lambda: _write(folder, record),
        )
        return _concluded(folder, record, chosen, outcome, seconds=time.monotonic() - started)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold a training's folder, and remove what a killed one left half-written; torchrun's first process does both."""
    if int(os.environ.get("RANK", "0")) != 0:
        yield
        return
    with FolderLock(folder, shard=None).held():
        for path in folder.glob("*.part"):
            path.unlink(missing_ok=True)
        yield


def _concluded(
    folder: Path, record: TrainingRecord, chosen: Recipe, outcome: Outcome, *, seconds: float
) -> TrainingResult:
    """Write the weights of a training that is done, and its record."""
    ended = record.model_copy(
        update={
            "status": outcome.status,
            "step": outcome.step,
            "seconds": seconds,
            "total_seconds": outcome.seconds,
            "validation": dict(outcome.validation),
        }
    )
    if outcome.status == "done" and outcome.writes:
        ended = ended.model_copy(update={"weights_sha256": _export(folder, ended, chosen, outcome)})
    if outcome.writes:
        _write(folder, ended)
    return TrainingResult(ended, folder, folder / WEIGHTS if outcome.status == "done" else None)


def _with_start(recipe: Recipe, weights: Mapping[str, Path]) -> Recipe:
    for path in weights.values():
        if not path.expanduser().is_file():
            raise BadInputError(f"--weights {path}: there is no such file")
    files = {**recipe.settings.weights, **{part: str(path) for part, path in weights.items()}}
    return type(recipe)(recipe.name, recipe.settings.model_copy(update={"weights": files}), note=recipe.note)


def _open(name: str, split: str, roots: Mapping[str, Path]) -> Dataset:
    return registry.open_dataset(name, root=roots.get(name, roots.get("")), split=split)


def _record(method: str, recipe: Recipe, datasets: list[Dataset], overrides: tuple[str, ...]) -> TrainingRecord:
    plugin = registry.method(method).factory.partition(":")[0]
    pairs = zip(recipe.settings.data, datasets, strict=True)
    settings = json.loads(recipe.settings.model_dump_json(exclude={"weights"}))
    return TrainingRecord(
        status="started",
        method=method,
        recipe=recipe.name,
        note=recipe.note,
        settings=settings,
        settings_as_passed=overrides,
        data=tuple(
            TrainingData(
                name=share.dataset,
                split=share.split,
                fingerprint=dataset.fingerprint(),
                licence=registry.dataset(share.dataset).licence,
                left_out=tuple(sorted(share.left_out())),
            )
            for share, dataset in pairs
        ),
        start={part: sha256(Path(path).expanduser()) for part, path in recipe.settings.weights.items()},
        environment=collect_environment(plugin),
    )


def _write(folder: Path, record: TrainingRecord) -> None:
    write_text(folder / RECORD, record.model_dump_json(indent=2) + "\n")


def _export(folder: Path, record: TrainingRecord, recipe: Recipe, outcome: Outcome) -> str:
    """Write the weights and their card; return the weights' hash."""
    licences = sorted({data.licence for data in record.data if data.licence})
    card = WeightsCard(
        method=record.method,
        recipe=record.recipe,
        steps=record.step,
        data=record.data,
        licence="; ".join(f"as their training data: {licence}" for licence in licences) or "unknown",
        commit=record.environment.git.commit if record.environment.git else "",
        scores=record.validation,
    )
    exported = recipe.export(outcome.weights)
    write_tensors(folder / WEIGHTS, exported.tensors, metadata={**exported.metadata, "card": card.model_dump_json()})
    write_text(folder / CARD, card.model_dump_json(indent=2) + "\n")
    return sha256(folder / WEIGHTS)
