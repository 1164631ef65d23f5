"""Does the jobs of an ablation, one after the other; any number of processes may share them."""

import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

from vos_bench import registry, weights
from vos_bench.ablation.jobs import Job, is_done, is_trained, training_record
from vos_bench.ablation.plan import EVALUATED, Training
from vos_bench.api import Dataset
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.locks import FolderBusyError, FolderLock
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
from vos_bench.training import checkpoint
from vos_bench.training.recipe import FREE_TO_CHANGE
from vos_bench.training.record import WEIGHTS
from vos_bench.training.session import find_recipe, train

PATIENCE_SECONDS = 1.0
"""How long a job's lock may be taken by somebody who only looks whether it is taken."""


@dataclass(frozen=True)
class Means:
    """What the jobs are done with.

    Attributes:
        method: Whose ablation it is.
        scale: Which of its ablations.
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


class Outcome(NamedTuple):
    """How the work ended.

    Attributes:
        failed: Jobs that raised, or some of whose sequences failed, with the reason.
        elsewhere: Jobs that another process has taken.
        interrupted: Whether a signal ended the work early.
    """

    failed: tuple[tuple[Job, str], ...] = ()
    elsewhere: tuple[Job, ...] = ()
    interrupted: bool = False


class _Interrupted(Exception):  # noqa: N818 (no error)
    """A training was asked to stop, and did."""


def work(jobs: Iterable[Job], means: Means, *, progress: Progress | None = None) -> Outcome:
    """Do every job that is neither done nor taken by another process.

    A job that was killed goes on from its last checkpoint, or its last sequence. One that fails is reported at the
    end, and the others are done all the same.

    Args:
        jobs: In this order.
        means: What to do them with.
        progress: Hears about progress.

    Raises:
        BadInputError: Something is wrong that no job would survive: settings, data, weights, a folder of other work.
    """
    jobs, progress = list(jobs), progress or Progress()
    _require_start(jobs, means)
    failed: list[tuple[Job, str]] = []
    pending, worked = jobs, True
    while pending and worked:
        # One more look at what was taken before: the process that took it may be gone.
        worked, elsewhere = False, []
        for job in pending:
            try:
                with FolderLock(job.folder, shard=None).held(patience_seconds=PATIENCE_SECONDS):
                    worked = _do(job, means, progress, failed, len(jobs)) or worked
            except FolderBusyError:
                elsewhere.append(job)
            except _Interrupted:
                return Outcome(tuple(failed), interrupted=True)
        pending = elsewhere
    return Outcome(tuple(failed), tuple(pending))


def _require_start(jobs: Iterable[Job], means: Means) -> None:
    for job in jobs:
        training = job.variant.training
        if training is None or training.own_start or "network" in means.start:
            continue
        for part, what in job.plan.needs.items():
            if part not in means.start:
                raise BadInputError(f"{job.name}: its training starts from a file: give --start {part}=FILE, {what}")


def _do(job: Job, means: Means, progress: Progress, failed: list[tuple[Job, str]], jobs: int) -> bool:
    """Do a job whose lock is held; return whether there was anything to do."""
    if is_done(job) and _is_as_asked(job, means):
        _refresh(job, means)
        return False
    progress.job_started(job.name, jobs)
    try:
        _train(job, means, progress)
        record = _run(job, means, progress)
        error = f"{record.counts.failed} of {record.counts.selected} sequences failed" if record.counts.failed else ""
    except BadInputError:
        raise
    except VosBenchError as found:
        error = str(found)
    if error:
        failed.append((job, error))
    return True


def _is_as_asked(job: Job, means: Means) -> bool:
    """Return whether a job that is done has all sequences that are asked for.

    Where only the records of a job were kept they are taken as they are.

    Raises:
        BadInputError: It was trained or run with other settings.
    """
    if not is_trained(job):
        return True
    _require_same_training(job, means)
    record = read_record(RunRecord, run_file(job.run))
    asked = prepare_run(_settings(job, means)).record
    if found := differences(record, asked):
        raise BadInputError(
            f"{job.run}: holds another run. Different (there and here): {'; '.join(found)}; give another --out"
        )
    return set(asked.dataset.sequences) <= set(record.dataset.sequences)


def _refresh(job: Job, means: Means) -> None:
    """Bring the record of a job up to date with the plan, which may have got more axes, or other words, since."""
    if not is_trained(job):  # only its records were kept, and they are taken as they are
        return
    record, entry = read_record(RunRecord, run_file(job.run)), _entry(job, means)
    if record.ablation != entry:
        write_record(record.model_copy(update={"ablation": entry}), run_file(job.run))


def _train(job: Job, means: Means, progress: Progress) -> None:
    training = job.variant.training
    if training is None:
        return
    if is_trained(job):
        _require_same_training(job, means)
        return
    result = train(
        job.plan.method,
        training.recipe,
        out=job.training,
        roots=means.roots,
        weights={} if training.own_start else means.start,
        overrides=_overrides(job, training, means),
        resume=(job.training / checkpoint.NAME).exists(),
        device=means.device,
        progress=progress,
    )
    if result.weights is None:
        raise _Interrupted


def _require_same_training(job: Job, means: Means) -> None:
    """Raise BadInputError where the weights that are there were trained with other numbers than the plan's."""
    training, record = job.variant.training, training_record(job)
    if training is None or record is None:
        return
    asked = find_recipe(job.plan.method, training.recipe).configured(_overrides(job, training, means)).settings
    values = asked.model_dump(mode="json")
    known = [name for name in values if name in record.settings]  # any other is newer than the training
    differing = [name for name in known if name not in FREE_TO_CHANGE and values[name] != record.settings[name]]
    if differing:
        raise BadInputError(
            f"{job.training}: was trained with another {differing[0]}: {record.settings[differing[0]]!r}, and this "
            f"is {values[differing[0]]!r}; give another --out, or remove the folder to train again"
        )


def _overrides(job: Job, training: Training, means: Means) -> tuple[str, ...]:
    overrides = (*training.overrides, f"seed={job.seed}")
    if not any(EVALUATED in text for text in overrides):
        return overrides
    names = ", ".join(f'"{name}"' for name in _open(job, means).sequence_names)
    return tuple(text.replace(EVALUATED, names) for text in overrides)


def _run(job: Job, means: Means, progress: Progress) -> RunRecord:
    return run_method(_settings(job, means), progress=progress).record


def _settings(job: Job, means: Means) -> RunSettings:
    info = registry.method(job.plan.method)
    return RunSettings(
        method=info,
        dataset=_open(job, means),
        overrides=job.variant.settings,
        sequences=means.sequences,
        seed=job.seed,
        device=means.device,
        out=job.run,
        command=tuple(sys.argv[1:]),
        ablation=_entry(job, means),
    ).with_weights(_weights(job, info, means))


def _weights(job: Job, info: MethodInfo, means: Means) -> weights.ChosenWeights | None:
    if job.variant.training is None:
        return weights.choose(info, means.weights)
    name = f"ablation {job.points[0].axis} {job.variant.value}"
    return weights.ChosenWeights(job.training / WEIGHTS, name, _licence(job))


def _licence(job: Job) -> str:
    record = training_record(job)
    licences = sorted({data.licence for data in record.data if data.licence}) if record else []
    return f"as their training data: {'; '.join(licences)}" if licences else ""


def _entry(job: Job, means: Means) -> AblationEntry:
    record = training_record(job)
    return AblationEntry(
        method=means.method,
        scale=means.scale,
        variants=tuple(
            VariantEntry(axis=axis, value=variant.value, label=variant.title, note=variant.note)
            for axis, variant in job.points
        ),
        recipe=record.recipe if record else "",
        steps=record.step if record else 0,
        training_seconds=record.total_seconds if record else None,
    )


def _open(job: Job, means: Means) -> Dataset:
    root = means.roots.get(job.plan.dataset, means.roots.get(""))
    return registry.open_dataset(job.plan.dataset, root=root, split=job.plan.split)
