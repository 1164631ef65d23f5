"""The jobs of a plan, and how far each is. The records on the disk are the only state."""

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

from vos_bench.ablation.plan import AblationPlan, Axis, Variant
from vos_bench.files.locks import FolderLock
from vos_bench.records import RunRecord, SequenceRecord, read_record, run_file, sequence_file
from vos_bench.training.curves import CURVES
from vos_bench.training.record import RECORD, WEIGHTS, TrainingRecord

Stage = Literal["waiting", "training", "stopped", "trained", "running", "failed", "done"]


class AxisVariant(NamedTuple):
    """A variant's place: its axis and itself."""

    axis: str
    variant: Variant


@dataclass(frozen=True)
class AblationJob:
    """One variant with one seed: a training, where it needs one, and a run.

    Attributes:
        plan: What it is a part of.
        places: What its result stands for; the first one names its folder. Variants of several axes that are the same
            system share one job.
        seed: Seed of the training and of the run.
        folder: Everything of the job: `training/` and `run/`.
    """

    plan: AblationPlan
    places: tuple[AxisVariant, ...]
    seed: int
    folder: Path

    @property
    def name(self) -> str:
        """What users read: axis, value and seed."""
        return f"{self.places[0].axis}/{self.places[0].variant.value}/seed{self.seed}"

    @property
    def variant(self) -> Variant:
        """What is trained and run."""
        return self.places[0].variant

    @property
    def training(self) -> Path:
        """The training's folder."""
        return self.folder / "training"

    @property
    def run(self) -> Path:
        """The run's folder."""
        return self.folder / "run"


class JobState(NamedTuple):
    """How far a job is.

    Attributes:
        stage: `stopped`: neither done nor at work in any process. `trained`: a run is still to be made.
        done: Steps of the training, or sequences of the run that have ended; of a failed run, those that failed.
        total: How many there are of them; 0 where nothing has begun.
        training_seconds: How long the training took; None where it is not done, or where there is none.
        run_seconds: How long the run's sequences have taken so far; None where none is done.
        scores: Scores of the run, fractions; empty before its end.
    """

    stage: Stage
    done: int = 0
    total: int = 0
    training_seconds: float | None = None
    run_seconds: float | None = None
    scores: dict[str, float] = {}  # noqa: RUF012 (never changed)

    @property
    def text(self) -> str:
        """The state as a user reads it, such as `training 120 of 400`."""
        words = {"stopped": "stopped at", "failed": "failed"}.get(self.stage, self.stage)
        return f"{words} {self.done} of {self.total}" if self.total and self.stage != "done" else words


def jobs_of(plan: AblationPlan, axes: Sequence[Axis], *, seeds: Sequence[int] | None, out: Path) -> list[AblationJob]:
    """Return the jobs of some axes of a plan: all variants with their first seed, then with the second, and so on.

    `seeds` stand for each axis's own where they are not None; `out` is the folder of the ablation.
    """
    found: dict[Path, AblationJob] = {}
    rounds = max(len(seeds or axis.seeds) for axis in axes)
    for turn in range(rounds):
        for axis in axes:
            numbers = tuple(seeds or axis.seeds)
            for variant in axis.variants if turn < len(numbers) else ():
                job = _job(plan, variant, seed=numbers[turn], out=out)
                found.setdefault(job.folder, job)
    return list(found.values())


def _job(plan: AblationPlan, variant: Variant, *, seed: int, out: Path) -> AblationJob:
    places = tuple(
        AxisVariant(axis.name, each)
        for axis in plan.axes
        for each in axis.variants
        if each.identity == variant.identity
    )
    first = places[0]
    return AblationJob(plan, places, seed, out / first.axis / first.variant.value / f"seed{seed}")


def state_of(job: AblationJob) -> JobState:
    """Return how far a job is. Raises BadInputError where a record is damaged."""
    training = training_record(job)
    seconds = training.total_seconds if training and training.status == "done" else None
    run = read_record(RunRecord, run_file(job.run)) if run_file(job.run).exists() else None
    if run is not None:
        return _run_state(job, run, seconds)
    if training is None:
        return JobState("waiting")
    steps = _steps_in_all(training)
    if is_trained(job):
        return JobState("trained", training_seconds=seconds)
    return JobState("training" if _is_held(job) else "stopped", steps_done(job), steps)


def is_trained(job: AblationJob) -> bool:
    """Return whether nothing is left to train."""
    if job.variant.training is None:
        return True
    record = training_record(job)
    return record is not None and record.status == "done" and (job.training / WEIGHTS).is_file()


def is_done(job: AblationJob) -> bool:
    """Return whether nothing is left to do; a run with failed sequences is done again. Raises as `state_of` does."""
    return state_of(job).stage == "done"


def training_record(job: AblationJob) -> TrainingRecord | None:
    """Return what the job's training says of itself, None before it began."""
    path = job.training / RECORD
    return read_record(TrainingRecord, path) if path.exists() else None


def steps_done(job: AblationJob) -> int:
    """Return the last step in the training's curves."""
    path = job.training / CURVES
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    for line in reversed(lines):
        with suppress(ValueError):  # a kill may have cut the last line short
            return int(json.loads(line)["step"])
    return 0


def _run_state(job: AblationJob, run: RunRecord, training_seconds: float | None) -> JobState:
    found = list(_sequences(job, run))
    seconds = sum(each.seconds for each in found) if found else None
    stages: dict[str, Stage] = {"complete": "done", "failed": "failed"}
    stage = stages.get(run.status) or ("running" if _is_held(job) else "stopped")
    done = run.counts.failed if stage == "failed" else len(found)
    return JobState(stage, done, len(run.dataset.sequences), training_seconds, seconds, run.scores)


def _sequences(job: AblationJob, run: RunRecord) -> Iterator[SequenceRecord]:
    for name in run.dataset.sequences:
        path = sequence_file(job.run, name)
        if path.exists():
            yield read_record(SequenceRecord, path)


def _steps_in_all(record: TrainingRecord) -> int:
    numbers = [record.settings.get(name) for name in ("epochs", "steps_per_epoch")]
    epochs, steps = (number if isinstance(number, int) else 0 for number in numbers)
    return epochs * steps


def _is_held(job: AblationJob) -> bool:
    return FolderLock(job.folder, shard=None).is_held()
