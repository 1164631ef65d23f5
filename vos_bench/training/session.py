"""One training from its name to its weights: opens the data, runs the loop, writes record, weights and card."""

import json
import math
import os
import time
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.config import Settings, overrides
from vos_bench.devices import resolve_device
from vos_bench.environment import collect_environment
from vos_bench.errors import BadInputError
from vos_bench.files import part_of, sha256
from vos_bench.files.locks import FolderLock
from vos_bench.parts.checkpoints import write_tensors
from vos_bench.progress import Progress
from vos_bench.records import write_record
from vos_bench.training.checkpoint import CHECKPOINT
from vos_bench.training.curves import CURVES, read_curves
from vos_bench.training.loop import TrainingOutcome, train_recipe
from vos_bench.training.recipe import Recipe
from vos_bench.training.record import CARD, RECORD, WEIGHTS, TrainingData, TrainingRecord, WeightsCard

if TYPE_CHECKING:
    from pandas import DataFrame

Paths = str | Path | Mapping[str, str | Path] | None
"""A path, or paths by name."""


@dataclass(frozen=True)
class TrainingResult:
    """What a training left.

    Attributes:
        folder: Record, weights, curves and checkpoint lie here.
        record: Its `training.json`.
        weights: The file of weights; None for a training that was interrupted.
    """

    folder: Path
    record: TrainingRecord = field(repr=False)
    weights: Path | None

    @property
    def curves(self) -> "DataFrame":
        """The training curves: a row for each step and each validation, with the column `step`."""
        from pandas import DataFrame  # takes most of a second, and only those who look at curves need it

        return DataFrame(read_curves(self.folder / CURVES))


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
    root: Paths = None,
    weights: Paths = None,
    settings: Settings = (),
    device: str = "auto",
    resume: bool = False,
    out: str | Path | None = None,
    progress: Progress | None = None,
) -> TrainingResult:
    """Train a method by one of its recipes, as `vos-bench train` does.

    Args:
        method: A registered method.
        recipe: One of its recipes.
        root: The folder of the data, or dataset name to folder; the name `""` stands for every dataset not named.
            None: the environment or the config file says it.
        weights: What to start from: a file of all parameters, or part of the network (such as `backbone`) to file.
        settings: The recipe's settings by name, as in `{"epochs": 10}`, or texts as `--set` takes them.
        device: `auto`, `cpu`, `cuda` or `cuda:1`. Under torchrun each process calls this function alike.
        resume: Whether to go on from the folder's checkpoint.
        out: Folder for everything; None for `training/METHOD/RECIPE`.
        progress: Hears of every step.

    Raises:
        BadInputError: An unknown name or device, a wrong setting, missing data, a checkpoint that does not fit, a
            folder in use or one that cannot be written.
        VosBenchError: The loss is no longer finite.
    """
    resolve_device(device)  # before the data, whose reading may take minutes
    roots, passed = _by_name(root, ""), overrides(settings)
    chosen = _with_weights(find_recipe(method, recipe).configured(passed), _by_name(weights, "network"))
    require_used_roots(roots, [share.dataset for share in chosen.settings.data], used_by=f"the recipe {recipe}")
    folder = Path(out) if out else Path("training") / method / recipe
    datasets = [_open(share.dataset, share.split, roots) for share in chosen.settings.data]
    record = _initial_record(method, chosen, datasets, passed)
    with _locked(folder):
        started = time.monotonic()
        outcome = train_recipe(
            chosen,
            chosen.samples(datasets),
            held_out=chosen.held_out(datasets) if chosen.settings.validate_every else None,
            out=folder,
            device=device,
            resume=resume,
            progress=progress,
            on_start=lambda: write_record(record, folder / RECORD),
        )
        return _finish(folder, record, chosen, outcome, seconds=time.monotonic() - started)


def require_used_roots(roots: Mapping[str, Path], datasets: Collection[str], *, used_by: str) -> None:
    """Refuse a root that no dataset would be read from.

    Args:
        roots: Dataset name to folder; the name `""` stands for every dataset not named.
        datasets: The names of all that are read.
        used_by: What reads them, for the message.

    Raises:
        BadInputError: A root is of another dataset, or of one that the package makes itself.
    """
    used = used_roots(roots, datasets)
    for name in roots:
        if name not in used:
            given = f"{name}={roots[name]}" if name else f"{roots[name]}"
            read = ", ".join(dict.fromkeys(datasets)) or "no dataset"
            raise BadInputError(
                f"--root {given}: would have no effect, for {used_by} reads {read} (the package makes demo itself); "
                "leave it out, or name one of these"
            )


def used_roots(roots: Mapping[str, Path], datasets: Collection[str]) -> dict[str, Path]:
    """Return those roots that some of these datasets would be read from; see `require_used_roots`."""
    with_folder = [name for name in datasets if registry.dataset(name).needs_root]
    unnamed = any(name not in roots for name in with_folder)
    return {name: root for name, root in roots.items() if name in with_folder or (not name and unnamed)}


def _by_name(given: Paths, name: str) -> dict[str, Path]:
    """Return paths by name; a path alone gets this name."""
    if isinstance(given, str | Path):
        return {name: Path(given)}
    return {each: Path(path) for each, path in (given or {}).items()}


OWN_FILES = frozenset({RECORD, WEIGHTS, CARD, CURVES, CHECKPOINT, "non-finite.json"})
"""What a training writes into its folder."""


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Hold a training's folder, and remove what a killed one left half-written; torchrun's first process does both."""
    if int(os.environ.get("RANK", "0")) != 0:
        yield
        return
    with FolderLock(folder, shard=None).held():
        for path in folder.glob("*.part"):
            if part_of(path) in OWN_FILES:
                path.unlink(missing_ok=True)
        yield


def _finish(
    folder: Path, record: TrainingRecord, recipe: Recipe, outcome: TrainingOutcome, *, seconds: float
) -> TrainingResult:
    """Write the record, and the weights of a training that is done."""
    done = outcome.status == "done"
    record = record.replace(
        status=outcome.status,
        step=outcome.step,
        seconds=seconds,
        total_seconds=outcome.seconds,
        validation={name: float(value) if math.isfinite(value) else None for name, value in outcome.validation.items()},
    )
    if done and outcome.writes:
        record = record.replace(weights_sha256=_export(folder, record, recipe, outcome))
    if outcome.writes:
        write_record(record, folder / RECORD)
    return TrainingResult(folder, record, folder / WEIGHTS if done else None)


def _with_weights(recipe: Recipe, weights: Mapping[str, Path]) -> Recipe:
    """Return the recipe with files to start from."""
    if recipe.starts_from and (unknown := sorted({*weights} - {*recipe.starts_from})):
        known = ", ".join(recipe.starts_from)
        raise BadInputError(f"--weights {unknown[0]}=…: {recipe.name} starts from no such part; known: {known}")
    for path in weights.values():
        if not path.expanduser().is_file():
            raise BadInputError(f"--weights {path}: there is no such file")
    files = {**recipe.settings.weights, **{part: str(path) for part, path in weights.items()}}
    return type(recipe)(recipe.name, recipe.settings.replace(weights=files), note=recipe.note)


def _open(name: str, split: str, roots: Mapping[str, Path]) -> Dataset:
    root = roots.get(name, roots.get("")) if registry.dataset(name).needs_root else None
    return registry.open_dataset(name, root=root, split=split)


def _initial_record(method: str, recipe: Recipe, datasets: list[Dataset], passed: tuple[str, ...]) -> TrainingRecord:
    plugin = registry.method(method).factory.partition(":")[0]
    pairs = zip(recipe.settings.data, datasets, strict=True)
    settings = json.loads(recipe.settings.model_dump_json(exclude={"weights"}))
    return TrainingRecord(
        status="started",
        method=method,
        recipe=recipe.name,
        note=recipe.note,
        settings=settings,
        settings_as_passed=passed,
        data=tuple(
            TrainingData(
                name=share.dataset,
                split=share.split,
                fingerprint=dataset.fingerprint(),
                licence=registry.dataset(share.dataset).licence,
                left_out=tuple(sorted(share.left_out(dataset))),
            )
            for share, dataset in pairs
        ),
        start={part: sha256(Path(path).expanduser()) for part, path in recipe.settings.weights.items()},
        environment=collect_environment(plugin),
    )


def _export(folder: Path, record: TrainingRecord, recipe: Recipe, outcome: TrainingOutcome) -> str:
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
    write_tensors(folder / WEIGHTS, exported.tensors, metadata={**exported.metadata, "card": card.to_json()})
    write_record(card, folder / CARD)
    return sha256(folder / WEIGHTS)
