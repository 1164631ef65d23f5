"""A made-up dataset and methods with every fault, importable in worker processes too."""

# ruff: noqa: ARG002, RUF012

import os
import time
from abc import abstractmethod
from pathlib import Path

import numpy as np
from fake_data import SICK
from fake_data import FakeDataset as FakeDataset
from fake_data import FakeSequence as FakeSequence
from fake_data import Spec as Spec
from fake_sequence_methods import Eager as Eager
from fake_sequence_methods import InTurn as InTurn
from fake_sequence_methods import Lazy as Lazy
from fake_sequence_methods import TooFew as TooFew
from fake_sequence_methods import TooMany as TooMany
from fake_sequence_methods import Whole as Whole

from vos_bench.api import Image, Method, Prediction, Prompt
from vos_bench.config import FrozenModel
from vos_bench.plugins import MethodInfo

HERE = Path(__file__).resolve()


def info(class_name: str, *, prompts: frozenset[str] = frozenset({"mask", "box"})) -> MethodInfo:
    """Describe one of the methods below."""
    return MethodInfo(
        name=class_name.lower(), summary="", factory=f"{__name__}:{class_name}", prompts=prompts, licence="MIT"
    )


class Drift(Method):
    """Moves the labels by a random step a frame, so that a wrong seed shows."""

    class Config(FrozenModel):
        reach: int = 2
        nested: dict[str, int] = {"depth": 1}

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.labels = np.zeros(image.shape[:2], dtype=np.uint16)
        return self.step(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        reach = self.config.reach
        self.labels = np.roll(self.labels, int(np.random.randint(-reach, reach + 1)), axis=1)  # noqa: NPY002
        for k, (x0, y0, x1, y1) in (new.as_boxes().boxes if new else {}).items():
            self.labels[int(y0) : int(y1), int(x0) : int(x1)] = k
        return self.answer(image)

    def answer(self, image: Image) -> Prediction:
        return Prediction(self.labels)


class Looking(Drift):
    """Moves the labels as the pixels of each frame say, and draws nothing at random."""

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        for k, (x0, y0, x1, y1) in (new.as_boxes().boxes if new else {}).items():
            self.labels[int(y0) : int(y1), int(x0) : int(x1)] = k
        return Prediction(np.roll(self.labels, int(image.sum()) % 7, axis=1))


class Timed(Drift):
    """Says that its frames take as long as it was told, and moves the labels by the frame's number."""

    class Config(FrozenModel):
        milliseconds: tuple[float, ...] = (10.0,)

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.calls = self.given = 0
        return super().initialize(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        for k, (x0, y0, x1, y1) in (new.as_boxes().boxes if new else {}).items():
            self.labels[int(y0) : int(y1), int(x0) : int(x1)] = k
            self.given = max(self.given, k)
        labels = np.roll(self.labels, int(image[0, 0, 0]), axis=1)
        probabilities = np.stack([labels == k for k in range(self.given + 1)]).astype(np.float16)
        return Prediction(labels, probabilities, self.milliseconds())

    def milliseconds(self) -> float | None:
        self.calls += 1
        times = self.config.milliseconds
        return times[min(self.calls, len(times)) - 1]


class Ticking(Timed):
    """Takes as long as it was told by a clock that stands still meanwhile, and reports nothing."""

    now = 0.0

    def milliseconds(self) -> None:
        Ticking.now += super().milliseconds() or 0.0


class Slow(Drift):
    """Takes 20 ms a frame."""

    def answer(self, image: Image) -> Prediction:
        time.sleep(0.02)
        return Prediction(self.labels)


class Moody(Drift):
    """Answers each time differently from its third frame on."""

    passes = 0

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.passes += 1
        return super().initialize(image, prompt)

    def answer(self, image: Image) -> Prediction:
        return Prediction(np.roll(self.labels, self.passes, axis=0))


class Untrained(Drift):
    """Draws its only weight when it is built."""

    def __init__(self, *arguments: object, **settings: object) -> None:
        super().__init__(*arguments, **settings)
        self.shift = int(np.random.randint(1, 100))  # noqa: NPY002

    def answer(self, image: Image) -> Prediction:
        return Prediction(np.roll(self.labels, self.shift, axis=0))


class Waits(Drift):
    """Goes on after the first frame only once a file exists."""

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        while new is None and not Path(os.environ["FAKE_MARK"]).exists():
            time.sleep(0.01)
        return super().step(image, new)


class Sick(Drift):
    """Shows a fault on the second frame of a sick sequence."""

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.frames = 0
        return super().initialize(image, prompt)

    def answer(self, image: Image) -> Prediction:
        self.frames += 1
        if image[0, 0, 0] == SICK and self.frames == 2:
            return self.fault(image)
        return Prediction(self.labels)

    @abstractmethod
    def fault(self, image: Image) -> Prediction:
        """Show it."""


class Raises(Sick):
    def fault(self, image: Image) -> Prediction:
        raise ValueError(f"cannot bear {image.shape}")


class FailsToFinish(Sick):
    """Answers every frame, and fails when it hears that a sick sequence has ended."""

    sick = False

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.sick = image[0, 0, 0] == SICK
        return super().initialize(image, prompt)

    def fault(self, image: Image) -> Prediction:
        return Prediction(self.labels)

    def finish(self) -> str:
        if self.sick:
            raise ValueError("has lost its log")
        return ""


class Logs(Raises):
    """Says at each end of a sequence which one in its life that is."""

    ended = 0

    def finish(self) -> str:
        self.ended += 1
        return f"ended {self.ended}"


class Exits(Sick):
    def fault(self, image: Image) -> Prediction:
        raise SystemExit(3)


class Dies(Sick):
    """Its process dies at once, as one that ran out of memory."""

    def fault(self, image: Image) -> Prediction:
        os._exit(9)


class DiesOnce(Sick):
    """Its process dies, but not when tried again."""

    def fault(self, image: Image) -> Prediction:
        mark = Path(os.environ["FAKE_MARK"])
        if mark.exists():
            return Prediction(self.labels)
        mark.touch()
        os._exit(9)


class Hungry(Drift):
    """Has memory for two objects at a time on the third frame of a sick sequence."""

    objects_at_once: int | None = 8
    fits, hungry_at = 2, 3

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.frames, self.given = 0, set()
        return super().initialize(image, prompt)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        self.frames, self.given = self.frames + 1, self.given | set(new.object_ids if new else ())
        together = min(self.objects_at_once or 1, len(self.given))
        if image[0, 0, 0] == SICK and self.frames == self.hungry_at and together > self.fits:
            self.exhaust()
        return super().step(image, new)

    def exhaust(self) -> None:
        import torch

        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")


class HungryOnTheProcessor(Hungry):
    def exhaust(self) -> None:
        import torch

        torch.empty(10**15)


class HungryInNumPy(Hungry):
    def exhaust(self) -> None:
        np.empty(1 << 60, np.uint8)


class Glutton(Hungry):
    """Has memory for nothing."""

    fits = 0


class AllAtOnce(Glutton):
    """Likewise, and takes no fewer objects either."""

    objects_at_once = None


class Stubborn(Glutton):
    """Says that it takes eight objects at a time, whatever it is told."""

    @property
    def objects_at_once(self) -> int | None:
        return 8

    @objects_at_once.setter
    def objects_at_once(self, count: int | None) -> None:
        """Keep the own number."""


class LosesTheGpu(Sick):
    """Once it failed the GPU answers no more, as after a real fault: there is none of that number."""

    def fault(self, image: Image) -> Prediction:
        import torch

        if os.environ.get("FAKE_MENDED"):
            return Prediction(self.labels)
        self.device = "cuda:99"
        raise getattr(torch, "AcceleratorError", RuntimeError)("CUDA error: an illegal memory access was encountered")

    def finish(self) -> str:
        self.device = "cpu"
        return ""


class WrongShape(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(self.labels[:-1])


class UnknownId(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(np.full(image.shape[:2], 7, dtype=np.uint16))


class NegativeId(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(np.full(image.shape[:2], -1, dtype=np.int64))


class EndlessTime(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(self.labels, milliseconds=np.inf)


class FloatLabels(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(self.labels.astype(np.float32))


class BareArray(Sick):
    def fault(self, image: Image) -> Prediction:
        return self.labels


class WrongProbabilities(Sick):
    def fault(self, image: Image) -> Prediction:
        return Prediction(self.labels, np.zeros((7, *image.shape[:2]), dtype=np.float16))


class CannotBeBuilt(Drift):
    def __init__(self, *arguments: object, **settings: object) -> None:
        raise RuntimeError("weights of another network")


class Soft(Drift):
    """Gives probabilities."""

    def answer(self, image: Image) -> Prediction:
        objects = max(int(self.labels.max()), getattr(self, "most", 0))
        self.most = objects
        probabilities = np.stack([self.labels == k for k in range(objects + 1)]).astype(np.float16)
        return Prediction(self.labels, probabilities)

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.most = 0
        return super().initialize(image, prompt)


class Recorder(Drift):
    """Keeps what it was handed."""

    calls: list[tuple[str, int, tuple[int, ...]]] = []

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.labels = np.zeros(image.shape[:2], dtype=np.uint16)
        self.calls.append(("initialize", int(image[0, 0, 0]), prompt.object_ids))
        return Prediction(self.labels)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        self.calls.append(("step", int(image[0, 0, 0]), new.object_ids if new else ()))
        return Prediction(self.labels)
