"""The exchange with a method: frames are handed over, answers checked, the calls timed."""

import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from vos_bench.api import (
    LabelMap,
    Method,
    Prediction,
    Prompt,
    PromptedFrame,
    PromptedSequence,
    PromptKind,
    SequenceMethod,
)
from vos_bench.errors import MethodError, VosBenchError
from vos_bench.plugins import MethodInfo
from vos_bench.running.frames import LoadedFrame
from vos_bench.running.prompts import Numbering, given_labels, require_accepted, usable
from vos_bench.timing import Stopwatch


@dataclass(frozen=True)
class Question:
    """What the answer to a frame must look like.

    Attributes:
        frame: The frame's name.
        shape: H, W.
        objects: How many objects were given up to here; labels beyond are unknown.
        given: The masks given on this frame as a label map, None for most frames.
        decode_ms: How long reading it took.
    """

    frame: str
    shape: tuple[int, int]
    objects: int
    given: LabelMap | None
    decode_ms: float


class Feed:
    """Hands frames to a method one by one and keeps the questions that are not answered yet.

    Attributes:
        numbering: Numbering of the objects given so far.
        questions: Frames that were handed over and not yet answered, oldest first.
        notes: Objects that were left out, and why.
        waited_ms: How long the method waited for frames, all in all.
    """

    def __init__(self, frames: Iterator[LoadedFrame], *, info: MethodInfo, init: PromptKind) -> None:
        """Take the frames in order; the first must have a usable prompt."""
        self._frames = frames
        self._info = info
        self._init = init
        self.numbering = Numbering()
        self.questions: deque[Question] = deque()
        self.notes: list[str] = []
        self.waited_ms = 0.0

    def __iter__(self) -> Iterator[PromptedFrame]:
        return self

    def __next__(self) -> PromptedFrame:
        began = time.perf_counter_ns()
        try:
            loaded = next(self._frames)
        finally:
            self.waited_ms += (time.perf_counter_ns() - began) / 1e6
        new = self._new_objects(loaded)
        shape = (loaded.image.shape[0], loaded.image.shape[1])
        given = given_labels(new, shape) if new else None
        self.questions.append(Question(loaded.name, shape, len(self.numbering.ids), given, loaded.decode_ms))
        return PromptedFrame(loaded.image, new)

    def _new_objects(self, loaded: LoadedFrame) -> Prompt | None:
        if loaded.prompt is None:
            return None
        started = set(self.numbering.ids)
        prompt = usable(loaded.prompt, started, init=self._init)
        for object_id in sorted({*loaded.prompt.object_ids} - {*prompt.object_ids} - started):
            self.notes.append(f"object {object_id} left out: its mask on frame {loaded.name} is empty")
        require_accepted(prompt, self._info.prompts, method=self._info.name)
        return self.numbering.start(prompt) if prompt.object_ids else None


def answers(
    method: Method | SequenceMethod, feed: Feed, watch: Stopwatch, *, sequence: str, frame_names: tuple[str, ...]
) -> Iterator[tuple[Question, Prediction]]:
    """Yield every frame's question with the method's answer, checked, in order.

    Args:
        method: Built.
        feed: Its frames.
        watch: Times each call; for a method that takes the whole sequence, the time until each answer.
        sequence: The sequence's name.
        frame_names: Names of all frames in the feed.

    Raises:
        MethodError: The method raised, or broke its contract.
    """
    if isinstance(method, SequenceMethod):
        prompted = PromptedSequence(sequence, frame_names, feed)
        predictions = _whole_sequence(method, prompted, watch)
    else:
        predictions = _frame_by_frame(method, feed, watch)
    answered = 0
    for prediction in _blamed(predictions, feed):
        if not feed.questions:
            raise MethodError(_too_many(answered, len(frame_names)))
        question = feed.questions.popleft()
        _check(prediction, question)
        answered += 1
        yield question, prediction
    if answered < len(frame_names):
        raise MethodError(f"gave {answered} answers for {len(frame_names)} frames; expected one a frame")


def _frame_by_frame(method: Method, feed: Feed, watch: Stopwatch) -> Iterator[Prediction]:
    started = False
    for image, new in feed:
        watch.start()
        prediction = method.step(image, new) if started or new is None else method.initialize(image, new)
        watch.stop()
        started = True
        yield prediction


def _whole_sequence(method: SequenceMethod, prompted: PromptedSequence, watch: Stopwatch) -> Iterator[Prediction]:
    predictions = iter(method.segment(prompted))
    while True:
        watch.start()
        try:
            prediction = next(predictions)
        except StopIteration:
            return
        watch.stop()
        yield prediction


def _blamed(predictions: Iterator[Prediction], feed: Feed) -> Iterator[Prediction]:
    """Turn what a method raises into a MethodError that names the frame; even `sys.exit` fails one sequence only."""
    try:
        yield from predictions
    except VosBenchError:
        raise
    except (Exception, SystemExit) as error:
        where = f" on frame {feed.questions[-1].frame}" if feed.questions else ""
        raise MethodError(f"raised {type(error).__name__}{where}: {error}") from error


def _too_many(answered: int, frames: int) -> str:
    if answered >= frames:
        return f"gave more answers than the {frames} frames it was given; expected one a frame"
    return f"gave answer {answered + 1} before it took frame {answered + 1}; expected one answer a frame, in order"


def _check(prediction: Any, question: Question) -> None:
    labels = getattr(prediction, "labels", None)
    where = f"frame {question.frame}"
    if not isinstance(prediction, Prediction) or not isinstance(labels, np.ndarray):
        found = type(prediction).__name__ if labels is None else f"labels of type {type(labels).__name__}"
        raise MethodError(f"{where}: returned {found}; expected a Prediction with a NumPy array of labels")
    if not np.issubdtype(labels.dtype, np.integer):
        raise MethodError(f"{where}: returned labels of type {labels.dtype}; expected whole numbers, such as uint16")
    if labels.shape != question.shape:
        raise MethodError(f"{where}: returned labels of shape {labels.shape}; expected the frame's {question.shape}")
    low, high = int(labels.min()), int(labels.max())
    if low < 0 or high > question.objects:
        unknown = high if high > question.objects else low
        raise MethodError(
            f"{where}: returned the unknown object {unknown}; expected 0 (background) to {question.objects},"
            " the objects given so far"
        )
    _check_probabilities(prediction, question)


def _check_probabilities(prediction: Prediction, question: Question) -> None:
    if prediction.probabilities is None:
        return
    found, expected = np.shape(prediction.probabilities), (1 + question.objects, *question.shape)
    if found != expected:
        raise MethodError(f"frame {question.frame}: returned probabilities of shape {found}; expected {expected}")
