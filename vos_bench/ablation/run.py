"""Runs the jobs of an ablation, one after the other; any number of processes may share them."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry, weights
from vos_bench.ablation.jobs import AblationJob, is_done, is_trained, training_record
from vos_bench.ablation.plan import EVALUATED, VariantTraining
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.files.locks import FolderBusyError, FolderLock
from vos_bench.names import counted
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import (
    AblationEntry,
    RunRecord,
    VariantEntry,
    differences,
    read_record,
    run_file,
    write_record,
)
from vos_bench.running.run import RunSettings, run_method
from vos_bench.running.setup import prepare_run
from vos_bench.training.checkpoint import CHECKPOINT
from vos_bench.training.recipe import FREE_TO_CHANGE
from vos_bench.training.record import WEIGHTS
from vos_bench.training.session import find_recipe, require_used_roots, train, used_roots

PATIENCE_SECONDS = 1.0
"""How long a job's lock may be taken by somebody who only looks whether it is taken."""


@dataclass(frozen=True)
class AblationSettings:
    """What all jobs of an ablation share.

    Attributes:
        roots: Dataset name to its folder; the name `""` stands for all that are not named.
        start: Files that the trainings start from; see `vos_bench.training.session.train`.
        weights: What variants that need no training run with; None for the method's default.
        sequences: Those of the evaluation; None for all.
        device: `auto`, or a torch device name.
    """

    method: str
    scale: str
    roots: Mapping[str, Path] = field(default_factory=dict)
    start: Mapping[str, Path] = field(default_factory=dict)
    weights: str | None = None
    sequences: tuple[str, ...] | None = None
    device: str = "auto"


class AblationOutcome(NamedTuple):
    """How an ablation ended.

    Attributes:
        failed: Jobs that raised, or some of whose sequences failed, with the reason.
        elsewhere: Jobs that another process has taken.
        interrupted: Whether a signal stopped it early.
    """

    failed: tuple[tuple[AblationJob, str], ...] = ()
    elsewhere: tuple[AblationJob, ...] = ()
    interrupted: bool = False


class _Interrupted(Exception):  # noqa: N818 (no error)
    """A training was asked to stop, and did."""


def run_jobs(
    jobs: Iterable[AblationJob], settings: AblationSettings, *, progress: Progress | None = None
) -> AblationOutcome:
    """Run every job, in order, that is neither done nor taken by another process.

    A job that was killed continues from its last checkpoint or sequence. A job that fails does not stop the others.

    Raises:
        BadInputError: Something is wrong that no job would survive: settings, data, weights, a folder of other work.
    """
    jobs, progress = list(jobs), progress or Progress()
    _require_used(jobs, settings)
    _require_start(jobs, settings)
    failed: list[tuple[AblationJob, str]] = []
    pending, worked = jobs, True
    while pending and worked:
        worked, elsewhere = False, []
        for job in pending:
            try:
                with FolderLock(job.folder, shard=None).held(patience_seconds=PATIENCE_SECONDS):
                    error = run_job(job, settings, progress, len(jobs))
                worked = worked or error is not None
                failed += [(job, error)] if error else []
            except FolderBusyError:
                elsewhere.append(job)
            except _Interrupted:
                return AblationOutcome(tuple(failed), interrupted=True)
        pending = elsewhere  # tried again after any work of ours: the process that took them may be gone
    return AblationOutcome(tuple(failed), tuple(pending))


def _require_used(jobs: Sequence[AblationJob], settings: AblationSettings) -> None:
    """Refuse roots, starts and weights that no job would use. Raises BadInputError."""
    if not jobs:
        return
    trainings = [(job, training) for job in jobs if (training := job.variant.training) is not None]
    recipes = [find_recipe(job.plan.method, training.recipe) for job, training in trainings]
    datasets = [job.plan.dataset for job in jobs] + [
        each.dataset for recipe in recipes for each in recipe.settings.data
    ]
    require_used_roots(settings.roots, datasets, used_by="this ablation")
    if settings.start and all(training.own_start for _, training in trainings):
        raise BadInputError("--start: would have no effect, for no training of these variants starts from a file")
    if settings.weights is not None and len(trainings) == len(jobs):
        raise BadInputError(
            f"--weights {settings.weights}: would have no effect, for all of these variants are trained"
        )


def _require_start(jobs: Iterable[AblationJob], settings: AblationSettings) -> None:
    for job in jobs:
        training = job.variant.training
        if training is None or training.own_start or "network" in settings.start:
            continue
        for part, what in job.plan.needs.items():
            if part not in settings.start:
                raise BadInputError(f"{job.name}: its training starts from a file: give --start {part}=FILE, {what}")


def run_job(job: AblationJob, settings: AblationSettings, progress: Progress, jobs: int) -> str | None:
    """Train and run one of so many jobs; its lock is held.

    Returns:
        Why it failed; the empty text where it did not; None where nothing was left to do.
    """
    if is_done(job) and _is_as_asked(job, settings):
        _refresh(job, settings)
        return None
    progress.job_started(job.name, jobs)
    try:
        _train(job, settings, progress)
        counts = _run(job, settings, progress).counts
    except BadInputError:
        raise
    except VosBenchError as error:
        return str(error)
    return f"{counts.failed} of {counted(counts.selected, 'sequence')} failed" if counts.failed else ""


def _is_as_asked(job: AblationJob, settings: AblationSettings) -> bool:
    """Return whether a job that is done has all sequences that are asked for.

    Where only the records of a job were kept they are taken as they are.

    Raises:
        BadInputError: It was trained or run with other settings.
    """
    if not is_trained(job):
        return True
    _require_same_training(job, settings)
    record = read_record(RunRecord, run_file(job.run))
    asked = prepare_run(_run_settings(job, settings)).record
    if found := differences(record, asked):
        raise BadInputError(
            f"{job.run}: holds another run. Different (there and here): {'; '.join(found)}; give another --out"
        )
    return set(asked.dataset.sequences) <= set(record.dataset.sequences)


def _refresh(job: AblationJob, settings: AblationSettings) -> None:
    """Bring the record of a job up to date with the plan, whose axes and texts may have changed since."""
    if not is_trained(job):  # only its records were kept, and they are taken as they are
        return
    record, entry = read_record(RunRecord, run_file(job.run)), _entry(job, settings)
    if record.ablation != entry:
        write_record(record.replace(ablation=entry), run_file(job.run))


def _train(job: AblationJob, settings: AblationSettings, progress: Progress) -> None:
    training = job.variant.training
    if training is None:
        return
    if is_trained(job):
        _require_same_training(job, settings)
        return
    data = find_recipe(job.plan.method, training.recipe).settings.data
    result = train(
        job.plan.method,
        training.recipe,
        out=job.training,
        root=used_roots(settings.roots, [share.dataset for share in data]),
        weights={} if training.own_start else settings.start,
        settings=_overrides(job, training, settings),
        resume=(job.training / CHECKPOINT).exists(),
        device=settings.device,
        progress=progress,
    )
    if result.weights is None:
        raise _Interrupted


def _require_same_training(job: AblationJob, settings: AblationSettings) -> None:
    """Raise BadInputError where the weights that are there were trained with other numbers than the plan's."""
    training, record = job.variant.training, training_record(job)
    if training is None or record is None:
        return
    asked = find_recipe(job.plan.method, training.recipe).configured(_overrides(job, training, settings)).settings
    values = asked.model_dump(mode="json")
    known = [name for name in values if name in record.settings]  # any other is newer than the training
    differing = [name for name in known if name not in FREE_TO_CHANGE and values[name] != record.settings[name]]
    if differing:
        raise BadInputError(
            f"{job.training}: was trained with another {differing[0]}: {record.settings[differing[0]]!r}, and this "
            f"is {values[differing[0]]!r}; give another --out, or remove the folder to train again"
        )


def _overrides(job: AblationJob, training: VariantTraining, settings: AblationSettings) -> tuple[str, ...]:
    overrides = (*training.overrides, f"seed={job.seed}")
    if not any(EVALUATED in text for text in overrides):
        return overrides
    names = ", ".join(f'"{name}"' for name in _open(job, settings).sequence_names)
    return tuple(text.replace(EVALUATED, names) for text in overrides)


def _run(job: AblationJob, settings: AblationSettings, progress: Progress) -> RunRecord:
    return run_method(_run_settings(job, settings), progress=progress).record


def _run_settings(job: AblationJob, settings: AblationSettings) -> RunSettings:
    info = registry.method(job.plan.method)
    return RunSettings(
        method=info,
        dataset=_open(job, settings),
        overrides=job.variant.settings,
        sequences=settings.sequences,
        seed=job.seed,
        device=settings.device,
        out=job.run,
        command=tuple(sys.argv[1:]),
        ablation=_entry(job, settings),
    ).with_weights(_weights(job, info, settings))


def _weights(job: AblationJob, info: MethodInfo, settings: AblationSettings) -> weights.ChosenWeights | None:
    if job.variant.training is None:
        return weights.choose(info, settings.weights)
    name = f"ablation {job.places[0].axis} {job.variant.value}"
    return weights.ChosenWeights(job.training / WEIGHTS, name, _licence(job))


def _licence(job: AblationJob) -> str:
    record = training_record(job)
    licences = sorted({data.licence for data in record.data if data.licence}) if record else []
    return f"as their training data: {'; '.join(licences)}" if licences else ""


def _entry(job: AblationJob, settings: AblationSettings) -> AblationEntry:
    record = training_record(job)
    return AblationEntry(
        method=settings.method,
        scale=settings.scale,
        variants=tuple(
            VariantEntry(axis=axis, value=variant.value, label=variant.title, note=variant.note)
            for axis, variant in job.places
        ),
        recipe=record.recipe if record else "",
        steps=record.step if record else 0,
        training_seconds=record.total_seconds if record else None,
    )


def _open(job: AblationJob, settings: AblationSettings) -> Dataset:
    needs_root = registry.dataset(job.plan.dataset).needs_root
    root = settings.roots.get(job.plan.dataset, settings.roots.get("")) if needs_root else None
    return registry.open_dataset(job.plan.dataset, root=root, split=job.plan.split)
