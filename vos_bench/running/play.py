"""The exchange with a method, on terms that all sequences of a run share: answers are checked, timed and written."""

import math
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from vos_bench.api import (
    FramesSeen,
    LabelMap,
    Method,
    Prediction,
    PromptedSequence,
    PromptKind,
    ProtocolName,
    SequenceMethod,
)
from vos_bench.environment import device_name
from vos_bench.errors import MethodError
from vos_bench.foreign_code import foreign_code
from vos_bench.names import counted
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.records import RealTimeEntry
from vos_bench.running.frames import FramePlan, FrameSource, LoadedFrame, PendingFrame, paste
from vos_bench.timing import Bracket, Clock, FrameClock, FrameTimings, Phase, Stopwatch, stopwatch


@dataclass(frozen=True)
class Task:
    """What every sequence of a run has in common. It travels to other processes.

    Attributes:
        info: The method's description.
        out: The run's folder.
        identity: The run's `config8`.
        software: The version of vos-bench, for the record.
        init: What objects start from.
        box_start: How masks are made of boxes; None leaves boxes as they are.
        frames: What the method sees.
        protocol: How to score.
        seed: The run's seed.
        save_probabilities: Whether to keep them.
        read_ahead: Whether a thread decodes the next frame beside the method.
        clock: Whose time is taken.
        shared: Whether other sequences run at the same time.
        real_time: How frames come in real time; None where they wait for the method.
        overlaps_of: The fingerprint of the data, to count overlaps while scoring; None not to.
        sequences: How many the run has.
    """

    info: MethodInfo
    out: Path
    identity: str
    software: str
    init: PromptKind
    box_start: BoxFill | None
    frames: FramesSeen
    protocol: ProtocolName
    seed: int
    save_probabilities: bool
    read_ahead: bool
    clock: Clock
    shared: bool
    real_time: RealTimeEntry | None = None
    overlaps_of: str | None = None
    sequences: int = 1

    def source(self, frames: Iterator[LoadedFrame], clock: FrameClock | None = None) -> FrameSource:
        """Return what hands frames to the method, in real time as `clock` says."""
        return FrameSource(
            frames, info=self.info, init=self.init, box_start=self.box_start, seed=self.seed, clock=clock
        )


def answers(
    method: Method | SequenceMethod,
    source: FrameSource,
    watch: Stopwatch,
    *,
    sequence: str,
    frame_names: tuple[str, ...] | None,
) -> Iterator[tuple[PendingFrame, Prediction]]:
    """Yield every frame with the method's answer, checked, in order; `frame_names` are all that the source has.

    They may be None for a method that takes frames one by one: then the source alone says how many there are.
    `watch` times each call; for a method that takes the whole sequence, the time until each answer.

    Raises:
        MethodError: The method raised, or broke its contract.
    """
    if isinstance(method, SequenceMethod):
        assert frame_names is not None
        prompted = PromptedSequence(sequence, frame_names, source, source.dropped)
        predictions = _whole_sequence(method, prompted, watch)
    else:
        predictions = _frame_by_frame(method, source, watch)
    answered = 0
    for prediction in _blamed(predictions, source):
        if not source.pending:
            raise MethodError(_too_many(answered, len(frame_names or ())))
        pending = source.pending.popleft()
        check_answer(prediction, pending)
        answered += 1
        yield pending, prediction
    if frame_names is not None and answered < (given := len(frame_names) - len(source.dropped)):
        raise MethodError(f"gave {counted(answered, 'answer')} for {counted(given, 'frame')}; expected one a frame")


def _frame_by_frame(method: Method, source: FrameSource, watch: Stopwatch) -> Generator[Prediction]:
    started = False
    for image, new in source:
        watch.start()
        prediction = method.step(image, new) if started or new is None else method.initialize(image, new)
        watch.stop()
        started = True
        yield prediction


def _whole_sequence(method: SequenceMethod, prompted: PromptedSequence, watch: Stopwatch) -> Generator[Prediction]:
    predictions = iter(method.segment(prompted))
    while True:
        watch.start()
        try:
            prediction = next(predictions)
        except StopIteration:
            return
        watch.stop()
        yield prediction


def _blamed(predictions: Generator[Prediction], source: FrameSource) -> Iterator[Prediction]:
    """Turn what a method raises into a MethodError that names the frame; even `sys.exit` fails one sequence only."""

    def blame(said: str) -> MethodError:
        name, _, message = said.partition(": ")
        where = f" on frame {source.pending[-1].name}" if source.pending else ""
        return MethodError(f"raised {name}{where}: {message}")

    try:
        while True:
            with foreign_code(
                blame, place=True
            ):  # not around the `yield`, for what the caller raises is not the method's
                try:
                    prediction = next(predictions)
                except StopIteration:
                    return
            yield prediction
    finally:
        with suppress(MethodError), foreign_code(blame):
            predictions.close()


def _too_many(answered: int, frames: int) -> str:
    if answered >= frames:
        return f"gave more answers than the {counted(frames, 'frame')} it was given; expected one a frame"
    return f"gave answer {answered + 1} before it took frame {answered + 1}; expected one answer a frame, in order"


def check_answer(prediction: Any, pending: PendingFrame) -> None:
    """Raise MethodError where a method's answer to a frame breaks its contract."""
    labels = getattr(prediction, "labels", None)
    where = f"frame {pending.name}"
    if not isinstance(prediction, Prediction) or not isinstance(labels, np.ndarray):
        found = type(prediction).__name__ if labels is None else f"labels of type {type(labels).__name__}"
        raise MethodError(f"{where}: returned {found}; expected a Prediction with a NumPy array of labels")
    if not (np.issubdtype(labels.dtype, np.integer) or labels.dtype == np.bool_):  # true is object 1
        raise MethodError(f"{where}: returned labels of type {labels.dtype}; expected whole numbers, such as uint16")
    if labels.shape != pending.shape:
        raise MethodError(f"{where}: returned labels of shape {labels.shape}; expected the frame's {pending.shape}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > pending.objects:
        unknown = high if high > pending.objects else low
        raise MethodError(
            f"{where}: returned the unknown object {unknown}; expected 0 (background) to {pending.objects},"
            " the objects given so far"
        )
    _check_probabilities(prediction, pending)
    took: object = prediction.milliseconds
    if took is not None and not (isinstance(took, int | float | np.number) and 0 <= took < math.inf):
        raise MethodError(f"{where}: reports {took!r:.100} milliseconds; expected a time, or None")


def _check_probabilities(prediction: Prediction, pending: PendingFrame) -> None:
    if prediction.probabilities is None:
        return
    found, expected = np.shape(prediction.probabilities), (1 + pending.objects, *pending.shape)
    if found != expected:
        raise MethodError(f"frame {pending.name}: returned probabilities of shape {found}; expected {expected}")


class AnsweredFrame(NamedTuple):
    """An answered frame, how long the method had waited for frames by then, and the writing."""

    frame: PendingFrame
    waited_ms: float
    write_ms: float
    reported_ms: float | None


def call_lengths(rows: list[AnsweredFrame], lengths: list[float], *, whole: bool) -> tuple[Bracket, tuple[float, ...]]:
    """Return what was timed for each frame, and the milliseconds it took, from what the stopwatch measured.

    Where the method takes the `whole` sequence, reading falls into the bracket and is taken out.
    """
    reported = tuple(row.reported_ms for row in rows if row.reported_ms is not None)
    if len(reported) == len(rows):
        return "reported", reported
    if not whole:
        return "call", tuple(lengths)
    waits = np.diff([0.0, *(row.waited_ms for row in rows)]).tolist()
    return "sequence", tuple(length - wait for length, wait in zip(lengths, waits, strict=True))


def latest_length(rows: list[AnsweredFrame], length: float, *, whole: bool) -> float:
    """Return what the latest frame took in milliseconds, by the same rules, from what the stopwatch measured for it."""
    row, before = rows[-1], rows[-2].waited_ms if len(rows) > 1 else 0.0
    if row.reported_ms is not None:
        return row.reported_ms
    return length - (row.waited_ms - before) if whole else length


Save = Callable[[str, LabelMap], None]
"""Takes a frame's name and its label map under the dataset's ids."""

SaveProbabilities = Callable[[str, Prediction, LabelMap], None]
"""Takes a frame's name, the answer, and the ids of the objects given so far."""


class _WrittenAnswer(NamedTuple):
    """A method's answer as it is saved: the label map under the dataset's ids, the prediction, the ids."""

    labels: LabelMap
    prediction: Prediction
    ids: LabelMap


class LabelMapWriter:
    """Hands on each label map that is asked for as it comes, and whether any answer had probabilities."""

    def __init__(
        self,
        plan: FramePlan,
        save: Save,
        save_probabilities: SaveProbabilities | None = None,
        *,
        repeats: bool = False,
    ) -> None:
        """Take which frames are asked for, where label maps and probabilities go, and whether some are repeated."""
        self._plan, self._save, self._save_probabilities = plan, save, save_probabilities
        self._missing_before = plan.before
        self._repeats = repeats
        self._latest: _WrittenAnswer | None = None
        self.saw_probabilities = False

    def write(self, pending: PendingFrame, prediction: Prediction, source: FrameSource) -> None:
        """Paste what was given, give the objects their ids back and save, where this frame is asked for."""
        for name in self._missing_before:
            self._save(name, np.zeros(pending.shape, dtype=np.uint16))
        self._missing_before = ()
        if pending.name not in self._plan.outputs and not self._repeats:
            return
        labels = prediction.labels.astype(np.uint16)  # a copy: the method may keep its array
        if pending.given is not None:
            paste(labels, pending.given)
        ids = np.array(source.numbering.ids[: pending.objects], dtype=np.uint16)
        answer = _WrittenAnswer(source.numbering.restore(labels), prediction, ids)
        if self._repeats:
            self._latest = _kept(answer)
        self._write(pending.name, answer)

    def repeat(self, name: str) -> None:
        """Save the latest answer for a frame that the method was not given."""
        assert self._latest is not None  # the first frame is always given
        self._write(name, self._latest)

    def _write(self, name: str, answer: _WrittenAnswer) -> None:
        if name not in self._plan.outputs:
            return
        self._save(name, answer.labels)
        if self._save_probabilities and answer.prediction.probabilities is not None:
            self.saw_probabilities = True
            self._save_probabilities(name, answer.prediction, answer.ids)


def play(
    name: str,
    plan: FramePlan,
    source: FrameSource,
    *,
    method: Method | SequenceMethod,
    writer: LabelMapWriter,
    task: Task,
    frame_done: Callable[[int], None],
    repeat: int | None = None,
    clock: FrameClock | None = None,
) -> FrameTimings:
    """Feed a sequence's frames to a method, hand its answers to the writer, and return how long each frame took.

    Args:
        name: The sequence.
        plan: Which frames it sees.
        source: These frames.
        method: Built.
        writer: Takes each answer, outside the timed bracket.
        task: Whose time is taken, and what else runs beside the method.
        frame_done: Called after each frame with the number of objects given so far.
        repeat: Which repeat of the whole set this is, from 1; None where there is but one.
        clock: Hears how long each frame took, in real time.

    Raises:
        MethodError: The method raised, or broke its contract.
    """
    watch, whole = stopwatch(method.device, clock=task.clock), isinstance(method, SequenceMethod)
    rows: list[AnsweredFrame] = []
    measured: list[float] = []
    for pending, prediction in answers(method, source, watch, sequence=name, frame_names=plan.seen):
        started = time.perf_counter_ns()
        writer.write(pending, prediction, source)
        written = (time.perf_counter_ns() - started) / 1e6
        rows.append(AnsweredFrame(pending, source.waited_ms, written, prediction.milliseconds))
        frame_done(pending.objects)
        if clock is not None:
            measured += watch.milliseconds()
            clock.answered(latest_length(rows, measured[-1], whole=whole))
    bracket, lengths = call_lengths(rows, [*measured, *watch.milliseconds()], whole=whole)
    absent = (None,) * len(rows)
    phases: list[Phase] = ["step"] * len(rows)
    phases[:1] = ["init"]
    return FrameTimings(
        frame=tuple(row.frame.name for row in rows),
        objects=tuple(row.frame.objects for row in rows),
        phase=tuple(phases),
        decode_ms=tuple(row.frame.decode_ms for row in rows),
        stream_ms=lengths if task.clock == "stream" else absent,
        model_ms=lengths if task.clock == "model" else absent,
        write_ms=tuple(row.write_ms for row in rows),
        repeat=() if repeat is None else (repeat,) * len(rows),
        bracket=bracket,
        read_ahead=task.read_ahead,
        shared=task.shared,
        device=device_name(method.device),
    )


def _kept(answer: _WrittenAnswer) -> _WrittenAnswer:
    """Return an answer with arrays of its own, for the method may write over those it gave."""
    labels, probabilities = answer.prediction.labels, answer.prediction.probabilities
    if probabilities is None:
        return answer
    kept = answer.prediction._replace(labels=np.array(labels), probabilities=np.array(probabilities))
    return answer._replace(prediction=kept)
