"""One timing by the protocol, from warm-up to record."""

import hashlib
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Protocol

import numpy as np

from vos_bench import timing
from vos_bench.api import Dataset, LabelMap, Method, SequenceMethod
from vos_bench.environment import collect_environment
from vos_bench.errors import BadInputError, MethodError
from vos_bench.labelmaps import read_label_map, write_label_map
from vos_bench.machine import MOST_OF_OTHERS, ProcessorUse, machine_state
from vos_bench.records import (
    BenchEntry,
    Run,
    RunRecord,
    SequenceRecord,
    load_run,
    masks_folder,
    run_file,
    write_record,
)
from vos_bench.records.conclusion import conclude
from vos_bench.running.building import build, numerics, resolve_device
from vos_bench.running.exchange import Feed
from vos_bench.running.frames import FramePlan, LoadedFrame, plan_frames, read_frames
from vos_bench.running.locks import FolderLock
from vos_bench.running.memory import PeakMemory
from vos_bench.running.preparation import Prepared, prepare
from vos_bench.running.resume import open_folder, sweep
from vos_bench.running.seeding import seed_everything, sequence_seed
from vos_bench.running.sequence import Task, discard, play, saving, score_and_save
from vos_bench.running.settings import RunSettings
from vos_bench.running.writing import LabelMapWriter
from vos_bench.timing import FrameTimings

FRAMES_NOTE = "frames were decoded before and lay in memory, which peak_mib includes"


class Listener(Protocol):
    """Hears how a timing goes."""

    def pass_started(self, what: str, frames: int) -> None:
        """A pass begins: `warm-up` or `repeat 2 of 3`, over one sequence of so many frames."""

    def frame_done(self) -> None:
        """One frame was answered."""


@dataclass(frozen=True)
class Repeats:
    """How often the set is run.

    Attributes:
        count: Repeats whose median is reported.
        quick: One pass is a repeat, however short. Otherwise a repeat is as many passes as the protocol asks for.
    """

    count: int = timing.ENOUGH_REPEATS
    quick: bool = False

    def is_whole(self, frames: int, seconds: float) -> bool:
        """Return whether a repeat of so many frames and seconds is long enough."""
        return frames > 0 and (self.quick or (frames >= timing.ENOUGH_FRAMES and seconds >= timing.ENOUGH_SECONDS))


def bench(settings: RunSettings, *, repeats: Repeats = Repeats(), listener: Listener) -> Run:
    """Time a method on a dataset, and score the very label maps of the timed passes where there is a truth.

    Warm-up is one pass over the longest sequence of each frame size and over the one with most objects. Then come the
    repeats; frames lie in memory, nothing runs beside the method, and every pass must give the same label maps.

    Args:
        settings: What to time and how; `jobs`, `shard`, `overwrite`, `timing` and `save_probabilities` are not used.
        repeats: How often.
        listener: Hears about progress.

    Raises:
        BadInputError: A setting does not fit, or the folder is another run's or cannot be written.
        MethodError: The method cannot be built, or fails on a sequence.
    """
    if repeats.count < 1:
        raise BadInputError(f"--repeats {repeats.count}: expected 1 or more; the protocol asks for 3")
    prepared = prepare(replace(settings, timing=True, jobs=1, shard=None, save_probabilities=False))
    out = prepared.task.out
    with FolderLock(out, shard=None).held():
        record = _about_this(open_folder(out, prepared.record, dataset=settings.dataset), prepared)
        sweep(out)
        for name in record.dataset.sequences:
            discard(out, name)
        write_record(record, run_file(out))
        method = build(prepared.recipe, resolve_device(prepared.recipe.device))
        session = _Session(settings.dataset, prepared.task, method, listener)
        entry = session.run(prepared.names, repeats)
        for ledger in session.ledgers.values():
            ledger.save(session)
        environment = collect_environment(settings.method.factory.partition(":")[0])
        update = {"numerics": numerics(prepared.recipe, method), "environment": environment, "bench": entry}
        conclude(out, record.model_copy(update=update))
    return load_run(out)


def _about_this(record: RunRecord, prepared: Prepared) -> RunRecord:
    """Return the record of this timing alone: one that was here before is replaced, not gone on with."""
    definition = f"{record.memory_definition}; {FRAMES_NOTE}"
    return prepared.record.model_copy(update={"external": record.external, "memory_definition": definition})


@dataclass
class _Ledger:
    """What is known of one sequence so far."""

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

    def note_memory(self, memory: PeakMemory) -> None:
        """Keep the highest of all passes."""
        self.host = _highest(self.host, memory.host_mib())
        self.gpu = _highest(self.gpu, memory.gpu_mib())
        self.reserved = _highest(self.reserved, memory.gpu_reserved_mib())

    def save(self, session: "_Session") -> None:
        """Write the sequence's record, scored where there is a truth."""
        task = session.task
        record = SequenceRecord(
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
            timings=_joined(self.columns),
            notes=self.notes,
        )
        score_and_save(session.dataset, record, task=task)


def _highest(*values: float | None) -> float | None:
    return max((value for value in values if value is not None), default=None)


def _joined(columns: list[FrameTimings]) -> FrameTimings:
    names = ("frame", "objects", "phase", "decode_ms", "stream_ms", "model_ms", "write_ms", "repeat")
    return columns[0].model_copy(
        update={name: tuple(chain.from_iterable(getattr(each, name) for each in columns)) for name in names}
    )


class _Session:
    """The passes of one timing."""

    def __init__(self, dataset: Dataset, task: Task, method: Method | SequenceMethod, listener: Listener) -> None:
        self.dataset, self.task, self.method, self._listener = dataset, task, method, listener
        self.ledgers: dict[str, _Ledger] = {}

    def run(self, names: tuple[str, ...], repeats: Repeats) -> BenchEntry:
        """Warm up, run all repeats, write the label maps of the last pass; return how it went."""
        for name in names:
            plan = plan_frames(self.dataset.sequence(name), frames=self.task.frames, init=self.task.init)
            self.ledgers[name] = _Ledger(name, plan)
        began = time.perf_counter()
        for name in self._widest(names):
            self._play(name, "warm-up", repeat=None)
        warm_up = time.perf_counter() - began
        start, used = machine_state(), ProcessorUse.now()
        passes = tuple(self._repeat(names, number, repeats) for number in range(1, repeats.count + 1))
        spent, end = used.until(ProcessorUse.now()), machine_state()
        return BenchEntry(
            warm_up_seconds=warm_up,
            passes=passes,
            start=start,
            end=end,
            processor_seconds=spent.own,
            share_of_others=spent.share_of_others,
            label_maps_sha256=_digest_of(digest for name in names for digest in sorted(self.ledgers[name].digests)),
            disturbances=tuple(self._disturbances(spent)),
        )

    def _widest(self, names: tuple[str, ...]) -> Iterator[str]:
        """Yield the longest sequence of each frame size."""
        longest: dict[tuple[int, ...], str] = {}
        for name in names:
            plan = self.ledgers[name].plan
            size = self.dataset.sequence(name).read_frame(plan.seen[0]).shape
            best = longest.setdefault(size, name)
            if len(plan.seen) > len(self.ledgers[best].plan.seen):
                longest[size] = name
        yield from longest.values()

    def _repeat(self, names: tuple[str, ...], number: int, repeats: Repeats) -> int:
        """Run whole passes until they are long enough; return how many it took."""
        passes, frames, seconds = 0, 0, 0.0
        while not repeats.is_whole(frames, seconds):
            for name in names:
                timings = self._play(name, f"repeat {number} of {repeats.count}", repeat=number)
                spent = [ms for column in (timings.stream_ms, timings.model_ms) for ms in column if ms is not None]
                frames, seconds = frames + len(spent), seconds + sum(spent) / 1e3
            passes += 1
        return passes

    def _play(self, name: str, what: str, *, repeat: int | None) -> FrameTimings:
        """Run one sequence once; `repeat` is None for what is not kept."""
        ledger = self.ledgers[name]
        loaded = list(read_frames(self.dataset.sequence(name), ledger.plan.seen, ahead=False))
        self._listener.pass_started(what, len(loaded))
        began = time.perf_counter()
        seed_everything(sequence_seed(self.task.seed, name))
        memory = PeakMemory(self.method.device)
        digest = _LabelMapDigest()
        try:
            timings, feed = self._played(ledger, loaded, digest)
        except MethodError as error:
            raise MethodError(f"{name}: {error}") from error
        if repeat is None:
            return timings
        timings = timings.model_copy(update={"repeat": (repeat,) * len(loaded)})
        ledger.note_memory(memory)
        ledger.seconds += time.perf_counter() - began
        ledger.columns.append(timings)
        ledger.notes = tuple(feed.notes)
        ledger.objects = len(feed.numbering.ids)
        ledger.digests.add(digest.hexdigest())
        return timings

    def _played(
        self, ledger: _Ledger, loaded: list[LoadedFrame], digest: "_LabelMapDigest"
    ) -> tuple[FrameTimings, Feed]:
        feed = Feed(iter(loaded), info=self.task.info, init=self.task.init)
        masks = masks_folder(self.task.out, ledger.name)
        keep = bool(self.dataset.sequence(ledger.name).truth_names)

        def save(frame: str, labels: LabelMap) -> None:
            digest.update(frame, labels)
            if keep:
                with saving():
                    write_label_map(masks / f"{frame}.png", labels)

        timings = play(
            ledger.name,
            ledger.plan,
            feed,
            method=self.method,
            writer=LabelMapWriter(ledger.plan, save),
            clock=self.task.clock,
            frame_done=lambda _: self._listener.frame_done(),
        )
        return timings, feed

    def _disturbances(self, spent: ProcessorUse) -> Iterator[str]:
        """Say what keeps the figures from being published."""
        for ledger in self.ledgers.values():
            if len(ledger.digests) > 1:
                yield f"{ledger.name}: the passes gave {len(ledger.digests)} different results"
            elif self._kept_digest(ledger) not in {None, *ledger.digests}:
                yield f"{ledger.name}: the label maps on disk are not those of the timed passes"
        if spent.share_of_others > MOST_OF_OTHERS:
            yield f"others used {spent.share_of_others:.0%} of the machine's processors"

    def _kept_digest(self, ledger: _Ledger) -> str | None:
        """Read back the label maps that will be scored; None where none are."""
        if not self.dataset.sequence(ledger.name).truth_names:
            return None
        digest = _LabelMapDigest()
        for frame in ledger.plan.written:
            digest.update(frame, read_label_map(masks_folder(self.task.out, ledger.name) / f"{frame}.png"))
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


def _digest_of(digests: Iterable[str]) -> str:
    return hashlib.sha256(" ".join(digests).encode()).hexdigest()
