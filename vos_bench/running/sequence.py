"""One sequence from its first prompt to its record."""

import time
from collections.abc import Collection, Generator, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from vos_bench.api import (
    Dataset,
    LabelMap,
    Method,
    Prediction,
    PromptedSequence,
    Sequence,
    SequenceMethod,
)
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError, MethodError, VosBenchError
from vos_bench.files.code import method_files
from vos_bench.files.durability import sync_contents
from vos_bench.foreign_code import foreign_code
from vos_bench.formats.mask_folders import write_masks
from vos_bench.formats.probabilities import write_probabilities
from vos_bench.names import counted, to_utf8
from vos_bench.progress import Progress
from vos_bench.records import (
    SequenceRecord,
    masks_folder,
    probabilities_folder,
    sequence_file,
    write_record,
)
from vos_bench.records.overlaps import keep_overlaps
from vos_bench.records.scores import object_records, protocol_label
from vos_bench.records.sequence_record import NO_PROBABILITIES
from vos_bench.running.faults import (
    Failure,
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
from vos_bench.running.play import LabelMapWriter, Task, play
from vos_bench.running.resume import remove_outputs
from vos_bench.timing import FrameClock, FrameTimings

if TYPE_CHECKING:
    from vos_bench.scoring.sequences import SequenceResult


class CannotSaveError(BadInputError):
    """The run's folder cannot be written, so the run ends."""


@dataclass
class _Attempt:
    """What is known of one attempt at a sequence so far, also when it fails in the middle.

    Attributes:
        frames: How many frames were answered, or dropped in real time.
        objects: How many objects the answered frames have.
        dropped: The frames that were dropped.
        given: The ids of the objects that the method was given.
        notes: What happened on the way.
        timings: Of the frames; empty unless it ended well.
        log: What the method said at the end.
        failure: None where it ended well.
        out_of_memory: Whether that is why it failed.
        gpu_lost: Whether the GPU no longer answers.
    """

    frames: int = 0
    objects: int = 0
    dropped: Collection[str] = ()
    given: list[int] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    timings: FrameTimings = field(default_factory=FrameTimings)
    log: str = ""
    failure: Failure | None = None
    out_of_memory: bool = False
    gpu_lost: bool = False


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
    started, memory = time.perf_counter(), PeakMemory(method.device)
    attempt, shortages, fewest = _attempts(dataset, name, method, task, progress)
    failure = attempt.failure
    error = failure.error if failure else ""
    record = SequenceRecord(
        name=name,
        status="failed" if failure else "done",
        error=f"{error}. {advice(task.info.name, fewest, len(attempt.given))}" if attempt.out_of_memory else error,
        traceback=failure.traceback if failure else "",
        identity=task.identity,
        frames=attempt.frames,
        objects=attempt.objects,
        seconds=time.perf_counter() - started,
        peak_mib=memory.host_mib(),
        peak_gpu_mib=None if attempt.gpu_lost else memory.gpu_mib(),  # asking a lost GPU would raise
        peak_gpu_reserved_mib=None if attempt.gpu_lost else memory.gpu_reserved_mib(),
        software=task.software,
        timings=attempt.timings,
        notes=(*shortages, *attempt.notes),
        objects_at_once=fewest if shortages else None,
        log=attempt.log,
        dropped_frames=tuple(attempt.dropped),
        method_files=method_files(task.info.factory, apart=_apart(dataset, method, task)),
    )
    record = score_and_save(dataset, record, task=task)
    if attempt.gpu_lost:
        raise GpuLostError.during(name, error)
    return record


def _apart(dataset: Dataset, method: Method | SequenceMethod, task: Task) -> Iterator[Path]:
    """Yield what a method reads that records know by other names: results, data and weights."""
    yield task.out
    if dataset.root != Path():
        yield dataset.root.absolute()
    if isinstance(method.weights, Path):
        yield method.weights


def _attempts(
    dataset: Dataset, name: str, method: Method | SequenceMethod, task: Task, progress: Progress
) -> tuple[_Attempt, list[str], int | None]:
    """Run a method on one sequence, with fewer objects at a time where memory runs out; say how often it did."""
    most = _objects_at_once(method)
    shortages: list[str] = []
    try:
        attempt = _attempt(dataset, name, method, task, progress)
        while attempt.out_of_memory and (found := halved(_objects_at_once(method), len(attempt.given))):
            with suppress(VosBenchError), foreign_code(MethodError):
                method.objects_at_once = found.after
            if _objects_at_once(method) != found.after:  # else a method that keeps its own number is tried for ever
                break
            shortages.append(f"out of memory with {counted(found.before, 'object')} at a time: run with {found.after}")
            attempt = _attempt(dataset, name, method, task, progress)
        return attempt, shortages, _objects_at_once(method)
    finally:
        with suppress(VosBenchError), foreign_code(MethodError):
            method.objects_at_once = most


def _objects_at_once(method: Method | SequenceMethod) -> int | None:
    """Return how many objects a method takes at a time; None where it does not say, or says it badly."""
    with suppress(VosBenchError), foreign_code(MethodError):
        most = method.objects_at_once
        return most if isinstance(most, int) else None
    return None


def _attempt(dataset: Dataset, name: str, method: Method | SequenceMethod, task: Task, progress: Progress) -> _Attempt:
    """Run a method on one sequence, from nothing."""
    seed_everything(sequence_seed(task.seed, name))
    attempt = _Attempt()
    with saving():
        remove_outputs(task.out, name)
    try:
        with foreign_code(MethodError):  # a method's or a dataset's fault costs this sequence only
            attempt.timings = _segment(dataset.sequence(name), method, task, attempt, progress)
    except CannotSaveError:
        raise
    except VosBenchError as error:
        attempt.failure = Failure.of(error)
        attempt.gpu_lost = gpu_is_lost(method.device)
        attempt.out_of_memory = ran_out_of_memory(error) and not attempt.gpu_lost
    if attempt.out_of_memory:
        release_memory(method.device)  # here: the `except` block still holds the error's traceback, and so the memory
    try:
        with foreign_code(MethodError):
            attempt.log = to_utf8(without_home(_last_words(method)))
    except VosBenchError as error:  # what went wrong first is what is reported
        attempt.failure = attempt.failure or Failure.of(error)
    return attempt


def _last_words(method: Method | SequenceMethod) -> str:
    said: object = method.finish()
    if not isinstance(said, str):
        raise MethodError(
            f"finish returned {type(said).__name__}; expected a text, empty where there is nothing to say"
        )
    return said


def score_and_save(dataset: Dataset, record: SequenceRecord, *, task: Task) -> SequenceRecord:
    """Score a sequence's label maps on disk if it is done and has a truth, write its record and return it."""
    result = None
    if record.status == "done":
        try:
            with foreign_code(MethodError):  # a dataset's
                sequence = dataset.sequence(record.name)
                result = _result_of(sequence, task)
                notes = {**sequence.notes, **(result.notes if result else {})}
            scores = object_records(result.objects) if result else ()
            label = protocol_label(task.protocol) if scores else ""
            record = record.replace(scores=scores, protocol=label, data_notes=notes)
        except VosBenchError as error:
            failure = Failure.of(error)
            record = record.replace(status="failed", error=f"scoring: {failure.error}", traceback=failure.traceback)
    with saving():
        if record.status == "done":
            _sync_outputs(task.out, record.name)
            if result and result.overlaps:
                keep_overlaps(task.out, result.overlaps)
        write_record(record, sequence_file(task.out, record.name))
    return record


def _sync_outputs(out: Path, name: str) -> None:
    """Wait until what a sequence's record vouches for is on the disk. Raises BadInputError where it cannot be."""
    for folder in (masks_folder(out, name), probabilities_folder(out, name)):
        try:
            sync_contents(folder)
        except OSError as error:
            raise BadInputError(f"{folder}: cannot be written: {error.strerror}; expected a disk in order") from error


def _result_of(sequence: Sequence, task: Task) -> "SequenceResult | None":
    if not sequence.truth_names:
        return None
    from vos_bench.scoring.sequences import (
        sequence_result,  # brings compiled code along, which a run without truth does not need
    )

    return sequence_result(
        sequence,
        task.out / "masks",
        protocol=task.protocol,
        overlaps_of=task.overlaps_of,
        together=task.sequences,
    )


def _segment(
    sequence: Sequence, method: Method | SequenceMethod, task: Task, attempt: _Attempt, progress: Progress
) -> FrameTimings:
    plan = plan_frames(sequence, frames=task.frames, init=task.init)
    progress.sequence_started(sequence.name, len(plan.seen))
    writer = _writer(sequence, plan, task)

    def tell(objects: int) -> None:
        attempt.frames, attempt.objects = attempt.frames + 1, objects
        progress.frame_done(sequence.name)

    def drop(name: str) -> None:
        writer.repeat(name)
        tell(attempt.objects)

    clock = FrameClock(fps=task.real_time.fps, grace=task.real_time.grace) if task.real_time else None
    names = clock.taken(plan.seen, waiting=sequence.prompt_frames, drop=drop) if clock else plan.seen
    with closing(read_frames(sequence, names, ahead=task.read_ahead)) as frames:
        source = task.source(frames, clock)
        attempt.notes, attempt.given, attempt.dropped = source.notes, source.numbering.ids, source.dropped
        timings = play(
            sequence.name, plan, source, method=method, writer=writer, task=task, frame_done=tell, clock=clock
        )
    if task.save_probabilities and not writer.saw_probabilities:
        attempt.notes.append(NO_PROBABILITIES)
    return timings


def _writer(sequence: Sequence, plan: FramePlan, task: Task) -> LabelMapWriter:
    masks = masks_folder(task.out, sequence.name)

    def save(frame: str, labels: LabelMap) -> None:
        with saving():
            write_masks(masks, frame, labels, sequence.object_names)

    repeats = task.real_time is not None
    if not task.save_probabilities:
        return LabelMapWriter(plan, save, repeats=repeats)
    folder = probabilities_folder(task.out, sequence.name)

    def save_probabilities(frame: str, prediction: Prediction, ids: LabelMap) -> None:
        planes = np.asarray(prediction.probabilities, dtype=np.float16)
        with saving():
            write_probabilities(folder / f"{frame}.npz", planes, prediction.labels, ids.tolist())

    return LabelMapWriter(plan, save, save_probabilities, repeats=repeats)


def prompted_sequences(dataset: Dataset, names: Iterable[str], *, task: Task) -> Generator[PromptedSequence]:
    """Yield each sequence as the method will see it; a frame is read when it is asked for.

    A sequence that cannot be read is left out, or ends early: its own turn says why.
    """
    for name in names:
        try:
            with foreign_code(MethodError):
                sequence = dataset.sequence(name)
                plan = plan_frames(sequence, frames=task.frames, init=task.init)
        except VosBenchError:
            continue
        with closing(read_frames(sequence, plan.seen, ahead=task.read_ahead)) as frames:
            source = task.source(frames)
            yield PromptedSequence(name=name, frame_names=plan.seen, frames=source)
