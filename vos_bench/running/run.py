"""Runs a method over the sequences of a dataset: streaming, resumable, in one process or several."""

from contextlib import suppress
from functools import partial

from vos_bench.api import Dataset, SequenceMethod
from vos_bench.environment import collect_environment
from vos_bench.errors import VosBenchError
from vos_bench.locks import FolderLock
from vos_bench.progress import Progress
from vos_bench.records import (
    Numerics,
    Run,
    SequenceRecord,
    default_out,
    read_record,
    remove_partial_files,
    run_file,
    sequence_file,
    write_record,
)
from vos_bench.records.summary import write_summary
from vos_bench.running.dispatch import WorkerJob, run_in_workers
from vos_bench.running.frames import object_frames
from vos_bench.running.method import built_method, numerics
from vos_bench.running.resume import RemainingWork, open_folder, remaining_work, resume_notice
from vos_bench.running.sequence import prompted_sequences, run_sequence, score_and_save
from vos_bench.running.setup import Overwrite, PreparedRun, RunSettings, prepare_run

__all__ = ["Overwrite", "RunSettings", "run_method"]


def run_method(settings: RunSettings, *, progress: Progress | None = None) -> Run:
    """Run a method on a dataset and score it where there is a truth; go on where an earlier run stopped.

    Label maps, scores and records are written sequence by sequence, so that an interruption of any kind costs no more
    than the sequences that were not finished.

    Args:
        settings: What to run and how.
        progress: Hears about progress.

    Returns:
        The run; its record's `counts.failed` says how many sequences failed.

    Raises:
        BadInputError: A setting does not fit, the folder is another run's or in use, or it cannot be written.
        MethodError: The method cannot be built.
    """
    prepared = prepare_run(settings)
    out = settings.out or default_out(prepared.record)
    lock = FolderLock(out, shard=settings.shard)
    with lock.held():
        fresh = settings.overwrite == "always" and settings.shard is None
        record = open_folder(out, prepared.record, dataset=settings.dataset, fresh=fresh)
        if settings.shard is None:
            remove_partial_files(out)
        plan = remaining_work(
            out, prepared.names, record=record, dataset=settings.dataset, overwrite=settings.overwrite
        )
        write_record(record, run_file(out))
        progress = progress or Progress()
        kept = resume_notice(
            out,
            (*plan.finished, *plan.score),
            software=prepared.task.software,
            before=record.environment,
            now=prepared.record.environment,
        )
        if kept:
            progress.resumed(kept)
        work = partial(_work_of, settings)
        progress.run_started((*plan.score, *plan.run), len(plan.finished), work)
        notes: list[str] = []
        try:
            measured = _carry_out(settings, prepared, plan, progress, notes)
        except BaseException:
            with suppress(VosBenchError), lock.gate():  # what stopped the run matters more than what this may meet
                write_summary(out, record)
            raise
        if measured is not None:
            environment = collect_environment(settings.method.factory.partition(":")[0])
            update = {"numerics": measured, "environment": environment, "notes": (*record.notes, *notes)}
            record = record.model_copy(update=update)
        with lock.gate():
            return write_summary(out, record)


def _work_of(settings: RunSettings, name: str) -> float:
    return object_frames(settings.dataset.sequence(name), frames=settings.frames)


def _carry_out(
    settings: RunSettings, prepared: PreparedRun, plan: RemainingWork, progress: Progress, notes: list[str]
) -> Numerics | None:
    for name in plan.score:
        _score_again(name, prepared, settings.dataset, progress)
    if not plan.run:
        return None
    if not settings.side_by_side and settings.stall is None:
        return _run_here(settings.dataset, plan.run, prepared, progress, notes)

    job = WorkerJob(settings.dataset, prepared.spec, prepared.task, workers=2 if settings.side_by_side else 1)
    return run_in_workers(
        plan.run,
        job=job,
        progress=progress,
        engine=settings.engine,
        jobs=settings.jobs,
        stall=settings.stall,
    )


def _score_again(name: str, prepared: PreparedRun, dataset: Dataset, progress: Progress) -> None:
    before = read_record(SequenceRecord, sequence_file(prepared.task.out, name))
    progress.sequence_finished(score_and_save(dataset, before, task=prepared.task))


def _run_here(
    dataset: Dataset, names: tuple[str, ...], prepared: PreparedRun, progress: Progress, notes: list[str]
) -> Numerics:
    with built_method(prepared.spec, notes) as method:
        if isinstance(method, SequenceMethod):
            method.preview_sequences(prompted_sequences(dataset, names, task=prepared.task))
        for name in names:
            progress.sequence_finished(
                run_sequence(dataset, name, method=method, task=prepared.task, progress=progress)
            )
    return numerics(prepared.spec, method)
