"""Runs a method over the sequences of a dataset: streaming, resumable, in one process or several."""

from contextlib import suppress
from pathlib import Path
from typing import Protocol

from vos_bench.api import Dataset, SequenceMethod
from vos_bench.environment import collect_environment
from vos_bench.errors import VosBenchError
from vos_bench.locks import FolderLock
from vos_bench.records import (
    Numerics,
    RunRecord,
    SequenceRecord,
    default_out,
    read_record,
    remove_partial_files,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.summary import write_summary
from vos_bench.running.dispatch import Job, run_in_workers
from vos_bench.running.method import at_work, numerics
from vos_bench.running.resume import Plan, make_plan, open_folder, taken_over
from vos_bench.running.sequence import Listener, run_sequence, score_and_save, upcoming
from vos_bench.running.setup import Overwrite, Prepared, RunSettings, prepare

__all__ = ["Overwrite", "ProgressListener", "RunSettings", "SilentListener", "run"]


class ProgressListener(Protocol):
    """Hears how a run goes, one call at a time; with several jobs not from the thread that called `run`."""

    def taken_over(self, message: str) -> None:
        """Some sequences were finished before and stay as they are: how many, and whether other software made them."""

    def run_started(self, out: Path, sequences: tuple[str, ...], skipped: int) -> None:
        """These sequences are to be run; `skipped` more were finished before."""

    def sequence_started(self, name: str, frames: int) -> None:
        """A sequence begins; `frames` is how many the method will see."""

    def frame_done(self, name: str) -> None:
        """One frame was written."""

    def sequence_finished(self, record: SequenceRecord) -> None:
        """A sequence ended, well or not; its file is written."""


class SilentListener:
    """Hears everything and does nothing."""

    def taken_over(self, message: str) -> None:
        """Do nothing."""

    def run_started(self, out: Path, sequences: tuple[str, ...], skipped: int) -> None:
        """Do nothing."""

    def sequence_started(self, name: str, frames: int) -> None:
        """Do nothing."""

    def frame_done(self, name: str) -> None:
        """Do nothing."""

    def sequence_finished(self, record: SequenceRecord) -> None:
        """Do nothing."""


def run(settings: RunSettings, *, listener: ProgressListener | None = None) -> RunRecord:
    """Run a method on a dataset and score it where there is a truth; go on where an earlier run stopped.

    Label maps, scores and records are written sequence by sequence, so that an interruption of any kind costs no more
    than the sequences that were not finished.

    Args:
        settings: What to run and how.
        listener: Hears about progress.

    Returns:
        The run's record; `counts.failed` says how many sequences failed.

    Raises:
        BadInputError: A setting does not fit, the folder is another run's or in use, or it cannot be written.
        MethodError: The method cannot be built.
    """
    prepared = prepare(settings)
    out = settings.out or default_out(prepared.record)
    lock = FolderLock(out, shard=settings.shard)
    with lock.held():
        anew = settings.overwrite == "always" and settings.shard is None
        record = open_folder(out, prepared.record, dataset=settings.dataset, anew=anew)
        if settings.shard is None:
            remove_partial_files(out)
        plan = make_plan(out, prepared.names, record=record, dataset=settings.dataset, overwrite=settings.overwrite)
        write_record(record, run_file(out))
        listener = listener or SilentListener()
        kept = taken_over(
            out,
            (*plan.finished, *plan.score),
            software=prepared.task.software,
            before=record.environment,
            now=prepared.record.environment,
        )
        if kept:
            listener.taken_over(kept)
        listener.run_started(out, (*plan.score, *plan.run), len(plan.finished))
        notes: list[str] = []
        try:
            measured = _work(settings, prepared, plan, listener, notes)
        except BaseException:
            with suppress(VosBenchError), lock.gate():  # what stopped the run matters more than what this may meet
                write_summary(out, record)
            raise
        if measured is not None:
            environment = collect_environment(settings.method.factory.partition(":")[0])
            update = {"numerics": measured, "environment": environment, "notes": (*record.notes, *notes)}
            record = record.model_copy(update=update)
        with lock.gate():
            return write_summary(out, record).record


def _work(
    settings: RunSettings, prepared: Prepared, plan: Plan, listener: ProgressListener, notes: list[str]
) -> Numerics | None:
    for name in plan.score:
        _score_again(name, prepared, settings.dataset, listener)
    if not plan.run:
        return None
    if not settings.side_by_side and settings.stall is None:
        return _run_here(settings.dataset, plan.run, prepared, listener, notes)

    job = Job(settings.dataset, prepared.recipe, prepared.task, workers=2 if settings.side_by_side else 1)
    return run_in_workers(
        plan.run,
        job=job,
        handle=lambda kind, *arguments: getattr(listener, kind)(*arguments),
        engine=settings.engine,
        jobs=settings.jobs,
        stall=settings.stall,
    )


def _score_again(name: str, prepared: Prepared, dataset: Dataset, listener: ProgressListener) -> None:
    before = read_record(SequenceRecord, sequence_file(prepared.task.out, name))
    listener.sequence_finished(score_and_save(dataset, before, task=prepared.task))


def _run_here(
    dataset: Dataset, names: tuple[str, ...], prepared: Prepared, listener: ProgressListener, notes: list[str]
) -> Numerics:
    told = Listener(listener.sequence_started, listener.frame_done)
    with at_work(prepared.recipe, notes) as method:
        if isinstance(method, SequenceMethod):
            method.foresee(upcoming(dataset, names, task=prepared.task))
        for name in names:
            listener.sequence_finished(run_sequence(dataset, name, method=method, task=prepared.task, listener=told))
    return numerics(prepared.recipe, method)
