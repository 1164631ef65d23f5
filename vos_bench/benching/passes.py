"""Passes over sequences: frames in memory, each call timed, each pass's label maps hashed."""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from vos_bench.api import Dataset, LabelMap, Method, SequenceMethod
from vos_bench.environment import without_home
from vos_bench.errors import MethodError
from vos_bench.formats.mask_folders import read_masks, write_masks
from vos_bench.progress import Progress
from vos_bench.records import SequenceRecord, masks_folder
from vos_bench.running.frames import FramePlan, FrameSource, LoadedFrame, plan_frames, read_frames
from vos_bench.running.method import seed_everything, sequence_seed
from vos_bench.running.peak_memory import PeakMemory
from vos_bench.running.play import LabelMapWriter, Task, play
from vos_bench.running.sequence import saving
from vos_bench.timing import FrameTimings

MOST_REPEATS = 1000
"""How often a method is timed on the same frames at most."""


@dataclass
class TimedSequence:
    """What is known of one sequence so far.

    Attributes:
        name: The sequence.
        plan: Which frames are fed and which are kept.
        objects: How many it was given.
        columns: The times of each pass.
        digests: The different results that passes gave; one where all is well.
        seconds: Wall time of all passes, decoding not included.
        host: Highest memory of the process in MiB.
        gpu: Highest memory that torch allocated on the GPU.
        reserved: Highest memory that torch held on the GPU.
        notes: Notes of the last pass.
        log: What the method said when it heard that the last pass had ended; see `Method.finish`.
        judged: Whether a pass gave a label map of a frame on which nothing was given.
        found: Whether one of those had an object in it.
    """

    name: str
    plan: FramePlan
    objects: int = 0
    columns: list[FrameTimings] = field(default_factory=list)
    digests: set[str] = field(default_factory=set)
    seconds: float = 0.0
    host: float | None = None
    gpu: float | None = None
    reserved: float | None = None
    notes: tuple[str, ...] = ()
    log: str = ""
    judged: bool = False
    found: bool = False

    def note_memory(self, memory: PeakMemory) -> None:
        """Keep the highest of all passes."""
        self.host = _highest(self.host, memory.host_mib())
        self.gpu = _highest(self.gpu, memory.gpu_mib())
        self.reserved = _highest(self.reserved, memory.gpu_reserved_mib())

    def record(self, task: Task) -> SequenceRecord:
        """Return what goes into the sequence's file."""
        return SequenceRecord(
            name=self.name,
            status="done",
            identity=task.identity,
            software=task.software,
            frames=len(self.plan.seen),
            objects=self.objects,
            seconds=self.seconds,
            peak_mib=self.host,
            peak_gpu_mib=self.gpu,
            peak_gpu_reserved_mib=self.reserved,
            timings=_concatenated(self.columns),
            notes=self.notes,
            log=self.log,
        )


def _highest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _concatenated(columns: list[FrameTimings]) -> FrameTimings:
    """Return the times of several passes one after the other; the passes differ in nothing else."""
    first = columns[0]
    return FrameTimings(
        frame=tuple(name for each in columns for name in each.frame),
        objects=tuple(count for each in columns for count in each.objects),
        phase=tuple(phase for each in columns for phase in each.phase),
        decode_ms=tuple(ms for each in columns for ms in each.decode_ms),
        stream_ms=tuple(ms for each in columns for ms in each.stream_ms),
        model_ms=tuple(ms for each in columns for ms in each.model_ms),
        write_ms=tuple(ms for each in columns for ms in each.write_ms),
        repeat=tuple(number for each in columns for number in each.repeat),
        bracket=first.bracket,
        read_ahead=first.read_ahead,
        shared=first.shared,
        device=first.device,
    )


class Passes:
    """Runs a method over sequences again and again.

    Attributes:
        sequences: Sequence name to what is known of it.
    """

    def __init__(
        self,
        dataset: Dataset,
        names: tuple[str, ...],
        *,
        task: Task,
        method: Method | SequenceMethod,
        progress: Progress,
        keep: bool = True,
    ) -> None:
        """Plan the frames of all sequences.

        Args:
            dataset: The data.
            names: The sequences.
            task: What they have in common.
            method: Built.
            progress: Hears of every pass and frame.
            keep: Whether to write the label maps of sequences that have a truth.
        """
        self._dataset, self._names, self._task = dataset, names, task
        self._method, self._progress, self._keep = method, progress, keep
        self._held: tuple[str, list[LoadedFrame]] | None = None
        self.sequences = {
            name: TimedSequence(name, plan_frames(dataset.sequence(name), frames=task.frames, init=task.init))
            for name in names
        }

    @property
    def device(self) -> str:
        """Where the method runs."""
        return self._method.device

    def warm_up(self) -> float:
        """Run the longest sequence of each frame size and number of objects; return the seconds it took."""
        began = time.perf_counter()
        for name in tuple(self._longest_of_each_shape()):
            self._play(name, "warm-up", repeat=None)
        return time.perf_counter() - began

    def once(self, what: str, *, repeat: int, after: Callable[[], None] = lambda: None) -> list[float]:
        """Run all sequences once, and call `after` each; return the milliseconds of every frame."""
        timings = []
        for name in self._names:
            timings.append(self._play(name, what, repeat=repeat))
            after()
        return [ms for each in timings for ms in (*each.stream_ms, *each.model_ms) if ms is not None]

    def _longest_of_each_shape(self) -> Iterator[str]:
        longest: dict[tuple[int, ...], str] = {}
        for name in self._names:
            sequence, plan = self._dataset.sequence(name), self.sequences[name].plan
            objects = {k for frame in sequence.prompt_frames for k in sequence.read_prompt(frame).object_ids}
            shape = (*sequence.read_frame(plan.seen[0]).shape, len(objects))
            best = longest.setdefault(shape, name)
            if len(plan.seen) > len(self.sequences[best].plan.seen):
                longest[shape] = name
        yield from longest.values()

    def _play(self, name: str, what: str, *, repeat: int | None) -> FrameTimings:
        """Run one sequence once; `repeat` is None for what is not kept."""
        timed = self.sequences[name]
        loaded = self._frames(timed)
        self._progress.pass_started(name, what, len(loaded))
        began = time.perf_counter()
        seed_everything(sequence_seed(self._task.seed, name))
        memory = PeakMemory(self._method.device)
        digest = _LabelMapDigest()
        try:
            timings, source = self._played(timed, loaded, digest, repeat)
            seconds = time.perf_counter() - began
        except MethodError as error:
            raise MethodError(f"{name}: {error}") from error
        finally:
            self._finish(timed)
        if repeat is None:
            return timings
        timed.note_memory(memory)
        timed.seconds += seconds
        timed.columns.append(timings)
        timed.notes = tuple(source.notes)
        timed.objects = len(source.numbering.ids)
        timed.digests.add(digest.hexdigest())
        return timings

    def _finish(self, timed: TimedSequence) -> None:
        """Tell the method that a sequence has ended, well or not, and keep what it says of it."""
        failed = sys.exception() is not None
        try:
            timed.log = without_home(self._method.finish())
        except Exception as error:  # the boundary to foreign code; what went wrong first is what is told
            if not failed:
                raise MethodError(f"{timed.name}: {type(error).__name__}: {error}") from error

    def _frames(self, timed: TimedSequence) -> list[LoadedFrame]:
        """Return the frames of a sequence, which stay in memory until another one's are asked for."""
        if self._held is None or self._held[0] != timed.name:
            self._held = None
            frames = read_frames(self._dataset.sequence(timed.name), timed.plan.seen, ahead=False)
            self._held = timed.name, list(frames)
        return self._held[1]

    def _played(
        self, timed: TimedSequence, loaded: list[LoadedFrame], digest: "_LabelMapDigest", repeat: int | None
    ) -> tuple[FrameTimings, FrameSource]:
        source = self._task.source(iter(loaded))
        masks = masks_folder(self._task.out, timed.name)
        keep = self._keeps(timed.name)
        object_names = self._dataset.sequence(timed.name).object_names
        prompted = {each.name for each in loaded if each.prompt is not None}

        def save(frame: str, labels: LabelMap) -> None:
            digest.update(frame, labels)
            if frame not in prompted:
                timed.judged, timed.found = True, timed.found or bool(labels.any())
            if keep:
                with saving():
                    write_masks(masks, frame, labels, object_names)

        timings = play(
            timed.name,
            timed.plan,
            source,
            method=self._method,
            writer=LabelMapWriter(timed.plan, save),
            task=self._task,
            repeat=repeat,
            frame_done=lambda _: self._progress.frame_done(timed.name),
        )
        return timings, source

    def _keeps(self, name: str) -> bool:
        return self._keep and bool(self._dataset.sequence(name).truth_names)

    def kept_digest(self, timed: TimedSequence) -> str | None:
        """Read back the label maps that will be scored; None where none are."""
        if not self._keeps(timed.name):
            return None
        digest = _LabelMapDigest()
        masks, names = masks_folder(self._task.out, timed.name), self._dataset.sequence(timed.name).object_names
        for frame in timed.plan.written:
            digest.update(frame, read_masks(masks, frame, names))
        return digest.hexdigest()


class _LabelMapDigest:
    """A hash over the label maps of one pass over a sequence, in order."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()

    def update(self, frame: str, labels: LabelMap) -> None:
        """Add a frame's label map under the dataset's ids."""
        self._hash.update(f"{frame} {labels.shape} ".encode())
        self._hash.update(np.ascontiguousarray(labels, dtype="<u2").tobytes())

    def hexdigest(self) -> str:
        return self._hash.hexdigest()
