"""One sequence from its first prompt to its record."""

import shutil
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import numpy as np

from vos_bench.api import (
    Dataset,
    FramesSeen,
    LabelMap,
    Method,
    Prediction,
    PromptedSequence,
    PromptKind,
    ProtocolName,
    Sequence,
    SequenceMethod,
)
from vos_bench.environment import device_name, without_home
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.files import replacing, require_no_link
from vos_bench.labelmaps import write_label_map
from vos_bench.names import to_utf8
from vos_bench.plugins import MethodInfo
from vos_bench.progress import Progress
from vos_bench.records import (
    ObjectRecord,
    SequenceRecord,
    masks_folder,
    probabilities_folder,
    sequence_file,
    write_record,
)
from vos_bench.records.scores import object_records, protocol_label
from vos_bench.running.faults import (
    GpuLostError,
    advice,
    gpu_is_lost,
    halved,
    ran_out_of_memory,
    release_memory,
)
from vos_bench.running.frames import FramePlan, plan_frames, read_frames
from vos_bench.running.method import seed_everything, sequence_seed
from vos_bench.running.peak_memory import PeakMemory
from vos_bench.running.play import AnsweredFrame, FrameSource, LabelMapWriter, answers, frame_timings
from vos_bench.timing import Clock, FrameTimings, stopwatch


class CannotSaveError(BadInputError):
    """The run's folder cannot be written, so that going on is of no use."""


@dataclass(frozen=True)
class Task:
    """What every sequence of a run has in common. It travels to other processes.

    Attributes:
        info: The method's description.
        out: The run's folder.
        identity: The run's `config8`.
        software: The version of vos-bench, for the record.
        init: What objects start from.
        frames: What the method sees.
        protocol: How to score.
        seed: The run's seed.
        save_probabilities: Whether to keep them.
        read_ahead: Whether a thread decodes the next frame beside the method.
        clock: Whose time is taken.
        shared: Whether other sequences run at the same time.
    """

    info: MethodInfo
    out: Path
    identity: str
    software: str
    init: PromptKind
    frames: FramesSeen
    protocol: ProtocolName
    seed: int
    save_probabilities: bool
    read_ahead: bool
    clock: Clock
    shared: bool


@dataclass
class _Attempt:
    """What is known of a sequence so far, also when it fails in the middle."""

    frames: int = 0
    objects: int = 0
    notes: list[str] = field(default_factory=list)
    given: list[int] = field(default_factory=list)


class _Tried(NamedTuple):
    """How a try of a sequence ended.

    Attributes:
        record: Without what is measured over all tries.
        given: How many objects the method had been given.
        out_of_memory: Whether that is why it failed.
        lost: Whether the GPU is lost.
    """

    record: SequenceRecord
    given: int
    out_of_memory: bool
    lost: bool


@contextmanager
def saving() -> Iterator[None]:
    """Mark errors of writing, which end the run, apart from errors of a sequence, which do not."""
    try:
        yield
    except VosBenchError as error:
        raise CannotSaveError(
            f"{error}. Finished sequences are kept: once that is fixed, the same command goes on from there"
        ) from error


def run_sequence(
    dataset: Dataset, name: str, *, method: Method | SequenceMethod, task: Task, progress: Progress
) -> SequenceRecord:
    """Run a method on one sequence: write its label maps, score them where there is a truth, write its record last.

    Whatever goes wrong in the method or the data becomes a record with the status `failed`. A sequence that runs out
    of memory starts again with half as many objects at a time where the method can do that, and its record says so.

    Raises:
        CannotSaveError: The run's folder cannot be written.
        GpuLostError: The GPU no longer answers this process; the sequence's record is written, as failed.
    """
    began, memory = time.perf_counter(), PeakMemory(method.device)
    tried, shortages, fewest = _tries(dataset, name, method, task, progress)
    error = tried.record.error
    record = tried.record.model_copy(
        update={
            "notes": (*shortages, *tried.record.notes),
            "objects_at_once": fewest if shortages else None,
            "error": f"{error}. {advice(task.info.name, fewest)}" if tried.out_of_memory else error,
            "seconds": time.perf_counter() - began,
            "peak_mib": memory.host_mib(),
            "peak_gpu_mib": None if tried.lost else memory.gpu_mib(),
            "peak_gpu_reserved_mib": None if tried.lost else memory.gpu_reserved_mib(),
        }
    )
    record = score_and_save(dataset, record, task=task)
    if tried.lost:
        raise GpuLostError.during(name, error)
    return record


def _tries(
    dataset: Dataset, name: str, method: Method | SequenceMethod, task: Task, progress: Progress
) -> tuple[_Tried, list[str], int | None]:
    """Run a method on one sequence, with fewer objects at a time where memory runs out; say how often it did."""
    most = method.objects_at_once
    shortages: list[str] = []
    try:
        tried = _try(dataset, name, method, task, progress)
        while tried.out_of_memory and (found := halved(method.objects_at_once, tried.given)):
            shortages.append(f"out of memory with {found.before} objects at a time: run with {found.after}")
            method.objects_at_once = found.after
            tried = _try(dataset, name, method, task, progress)
        return tried, shortages, method.objects_at_once
    finally:
        method.objects_at_once = most


def _try(dataset: Dataset, name: str, method: Method | SequenceMethod, task: Task, progress: Progress) -> _Tried:
    """Run a method on one sequence, from nothing."""
    seed_everything(sequence_seed(task.seed, name))
    attempt, out_of_memory, lost = _Attempt(), False, False
    record = SequenceRecord(name=name, status="failed", identity=task.identity, software=task.software)
    with saving():
        remove_outputs(task.out, name)
    try:
        timings = _segment(dataset.sequence(name), method, task, attempt, progress)
        record = record.model_copy(update={"status": "done", "timings": timings})
    except CannotSaveError:
        raise
    except Exception as error:  # the boundary to foreign code: a method's or a dataset's fault costs this sequence only
        record = record.model_copy(update=_failure(error))
        out_of_memory, lost = ran_out_of_memory(error), gpu_is_lost(method.device)
    if out_of_memory and not lost:
        release_memory(method.device)
    record = _finished(record, method)
    update = {"frames": attempt.frames, "objects": attempt.objects, "notes": tuple(attempt.notes)}
    return _Tried(record.model_copy(update=update), len(attempt.given), out_of_memory and not lost, lost)


def _finished(record: SequenceRecord, method: Method | SequenceMethod) -> SequenceRecord:
    """Tell a method that a sequence has ended, and keep what it says of it."""
    try:
        return record.model_copy(update={"log": to_utf8(without_home(method.finish()))})
    except Exception as error:  # as in run_sequence
        return record.model_copy(update=_failure(error)) if record.status == "done" else record


def score_and_save(dataset: Dataset, record: SequenceRecord, *, task: Task) -> SequenceRecord:
    """Score a sequence's label maps on disk if it is done and has a truth, write its record and return it."""
    if record.status == "done":
        try:
            sequence = dataset.sequence(record.name)
            scores = score_label_maps(sequence, task.out / "masks", protocol=task.protocol)
            label = protocol_label(task.protocol) if scores else ""
            record = record.model_copy(update={"scores": scores, "protocol": label})
        except Exception as error:  # as in run_sequence
            failure = _failure(error)
            record = record.model_copy(update={**failure, "error": f"scoring: {failure['error']}"})
    with saving():
        write_record(record, sequence_file(task.out, record.name))
    return record


def score_label_maps(sequence: Sequence, masks: Path, *, protocol: ProtocolName) -> tuple[ObjectRecord, ...]:
    """Score a sequence's label maps on disk; nothing when it has no public truth.

    Args:
        sequence: The sequence.
        masks: Folder of label maps, `masks/SEQUENCE/FRAME.png`.
        protocol: The rules.

    Raises:
        BadInputError: A label map or truth is missing, damaged, or of another size.
    """
    if not sequence.truth_names:
        return ()
    from vos_bench.scoring import score_sequence  # brings compiled code along, which a run without truth does not need

    return object_records(score_sequence(sequence, masks, protocol=protocol))


def remove_outputs(out: Path, name: str) -> None:
    """Remove what an earlier try left of a sequence, its record first.

    Raises:
        BadInputError: It cannot be removed, or is a link to elsewhere; then nothing is.
    """
    record = sequence_file(out, name)
    folders = masks_folder(out, name), probabilities_folder(out, name)
    for folder in folders:
        require_no_link(folder)
    try:
        record.unlink(missing_ok=True)
        for folder in folders:
            if folder.exists():
                shutil.rmtree(folder)
    except OSError as error:
        raise BadInputError(f"{error.filename or record}: cannot be removed: {error.strerror}") from error


def _failure(error: Exception) -> dict[str, str]:
    known = isinstance(error, VosBenchError)
    cause = error.__cause__ if known else error
    trace = "".join(traceback.format_exception(cause)) if cause is not None else ""
    text = _message(error) if known else f"{type(error).__name__}: {_message(error)}"
    return {"status": "failed", "error": to_utf8(without_home(text)), "traceback": to_utf8(without_home(trace))}


def _message(error: Exception) -> str:
    try:
        return str(error)
    except Exception as second:  # a method's own class of errors, whose faults cost no more than its others
        return f"(its message cannot be had: {type(second).__name__})"


def _segment(
    sequence: Sequence, method: Method | SequenceMethod, task: Task, attempt: _Attempt, progress: Progress
) -> FrameTimings:
    plan = plan_frames(sequence, frames=task.frames, init=task.init)
    progress.sequence_started(sequence.name, len(plan.seen))
    writer = _writer(sequence.name, plan, task)
    with closing(read_frames(sequence, plan.seen, ahead=task.read_ahead)) as frames:
        source = FrameSource(frames, info=task.info, init=task.init)
        attempt.notes, attempt.given = source.notes, source.numbering.ids

        def tell(objects: int) -> None:
            attempt.frames, attempt.objects = attempt.frames + 1, objects
            progress.frame_done(sequence.name)

        timings = play(sequence.name, plan, source, method=method, writer=writer, clock=task.clock, frame_done=tell)
    if task.save_probabilities and not writer.saw_probabilities:
        attempt.notes.append("no probabilities saved: the method gives none")
    return timings.model_copy(update={"read_ahead": task.read_ahead, "shared": task.shared})


def play(
    name: str,
    plan: FramePlan,
    source: FrameSource,
    *,
    method: Method | SequenceMethod,
    writer: LabelMapWriter,
    clock: Clock,
    frame_done: Callable[[int], None],
) -> FrameTimings:
    """Feed a sequence's frames to a method, hand its answers to the writer, and return how long each frame took.

    Args:
        name: The sequence.
        plan: Which frames it sees.
        source: These frames.
        method: Built.
        writer: Takes each answer, outside the timed bracket.
        clock: Whose time is taken.
        frame_done: Called after each frame with the number of objects given so far.

    Raises:
        MethodError: The method raised, or broke its contract.
    """
    watch = stopwatch(method.device, clock=clock)
    rows: list[AnsweredFrame] = []
    for pending, prediction in answers(method, source, watch, sequence=name, frame_names=plan.seen):
        began = time.perf_counter_ns()
        writer.write(pending, prediction, source)
        written = (time.perf_counter_ns() - began) / 1e6
        rows.append(AnsweredFrame(pending, source.waited_ms, written, prediction.milliseconds))
        frame_done(pending.objects)
    timings = frame_timings(rows, watch.milliseconds(), clock=clock, whole=isinstance(method, SequenceMethod))
    return timings.model_copy(update={"device": device_name(method.device)})


def _writer(name: str, plan: FramePlan, task: Task) -> LabelMapWriter:
    masks = masks_folder(task.out, name)

    def save(frame: str, labels: LabelMap) -> None:
        with saving():
            write_label_map(masks / f"{frame}.png", labels)

    if not task.save_probabilities:
        return LabelMapWriter(plan, save)
    folder = probabilities_folder(task.out, name)

    def save_probabilities(frame: str, prediction: Prediction, ids: LabelMap) -> None:
        probabilities = np.asarray(prediction.probabilities, dtype=np.float16)
        with saving(), replacing(folder / f"{frame}.npz") as part, part.open("wb") as file:
            np.savez_compressed(file, probabilities=probabilities, object_ids=ids)

    return LabelMapWriter(plan, save, save_probabilities)


def prompted_sequences(dataset: Dataset, names: Iterable[str], *, task: Task) -> Iterator[PromptedSequence]:
    """Yield each sequence as the method will see it; a frame is read when it is asked for.

    A sequence that cannot be read is left out, or ends early: its own turn says why.
    """
    for name in names:
        try:
            sequence = dataset.sequence(name)
            plan = plan_frames(sequence, frames=task.frames, init=task.init)
        except (VosBenchError, OSError):
            continue
        with closing(read_frames(sequence, plan.seen, ahead=task.read_ahead)) as frames:
            source = FrameSource(frames, info=task.info, init=task.init)
            yield PromptedSequence(name=name, frame_names=plan.seen, frames=source)
