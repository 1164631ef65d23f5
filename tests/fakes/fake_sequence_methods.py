"""Methods that take a whole sequence at once, sound ones and others."""

# ruff: noqa: ARG002, RUF012

from collections.abc import Iterator

import numpy as np

from vos_bench.api import Prediction, PromptedSequence, SequenceMethod
from vos_bench.config import FrozenModel


class Whole(SequenceMethod):
    """Reads every frame before it answers the first."""

    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        frames = list(sequence.frames)
        assert len(frames) == len(sequence.frame_names)
        labels = np.zeros(frames[0].image.shape[:2], dtype=np.uint16)
        for frame in frames:
            for k, mask in (frame.new.masks if frame.new else {}).items():
                labels[mask] = k
            yield Prediction(labels)


class Lazy(SequenceMethod):
    """Answers each frame when it has read it."""

    extra = 0

    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        labels = None
        for frame in sequence.frames:
            labels = np.zeros(frame.image.shape[:2], dtype=np.uint16)
            yield Prediction(labels)
        for _ in range(self.extra):
            yield Prediction(labels)


class InTurn(SequenceMethod):
    """Answers each frame before it takes the next, says how long that took, and keeps the frames' names."""

    names: list[str] = []

    class Config(FrozenModel):
        milliseconds: tuple[float, ...] = (10.0,)

    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        times = self.config.milliseconds
        for number, (name, frame) in enumerate(sequence.named_frames()):
            self.names.append(name)
            labels = np.zeros(frame.image.shape[:2], dtype=np.uint16)
            yield Prediction(labels, milliseconds=times[min(number, len(times) - 1)])


class TooMany(Lazy):
    extra = 1


class TooFew(SequenceMethod):
    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        yield Prediction(np.zeros(next(sequence.frames).image.shape[:2], dtype=np.uint16))


class Eager(SequenceMethod):
    """Answers before it reads."""

    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        yield Prediction(np.zeros((2, 2), dtype=np.uint16))
        yield from ()
