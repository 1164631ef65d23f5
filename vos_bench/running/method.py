"""Building a method: its class, its configuration, its device."""

import hashlib
import os
import random
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from vos_bench import registry
from vos_bench.api import Image, Method, Parameters, Precision, Prediction, Prompt, SequenceMethod
from vos_bench.config import FrozenModel, Settings, apply_overrides, overrides
from vos_bench.devices import resolve_device, set_float32_mode, torch_flags, use_device
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError, MethodError, VosBenchError
from vos_bench.foreign_code import describe, foreign_code, threads_noted
from vos_bench.plugins import MethodInfo
from vos_bench.prompts import PromptLike, frame_size
from vos_bench.records import Numerics
from vos_bench.running.frames import Numbering, PendingFrame, given_labels, paste, require_accepted, usable
from vos_bench.running.play import check_answer
from vos_bench.weights import choose as choose_weights


@dataclass(frozen=True)
class MethodSpec:
    """All that a method is built from. It travels to other processes; the class is imported where it is built.

    Attributes:
        info: The method's description.
        config: An instance of its `Config`, None where it has nothing to set.
        weights: The file of parameters, or `untrained`.
        device: A torch device name, or `auto`.
        amp: Precision of the network.
        compile: Whether to compile the network.
        seed: The run's seed.
        probabilities: Whether the probabilities are used.
    """

    info: MethodInfo
    config: Any
    weights: Parameters | None
    device: str
    amp: Precision
    compile: bool
    seed: int
    probabilities: bool = True


_SETTINGS = ("config", "weights", "device", "amp", "compile", "seed")
"""Attributes that a method has once its base class's `__init__` was called."""


def method_class(info: MethodInfo) -> type[Method] | type[SequenceMethod]:
    """Import a method's class.

    Raises:
        BadInputError: Its plugin cannot be imported, or names no class of methods.
    """
    kind: object = registry.resolve(info.factory)
    if not (isinstance(kind, type) and issubclass(kind, Method | SequenceMethod)):
        raise BadInputError(
            f"{info.name}: found {type(kind).__name__} at {info.factory}, expected a subclass of vos_bench.api.Method "
            "or SequenceMethod"
        )
    return kind


def configure(info: MethodInfo, overrides: tuple[str, ...]) -> FrozenModel | None:
    """Return a method's configuration with `--set` applied; None for a method with nothing to set.

    Raises:
        BadInputError: The plugin cannot be imported, or an override does not fit.
    """
    kind = method_class(info)
    if kind.Config is None:
        if overrides:
            raise BadInputError(f"--set {overrides[0]}: {info.name} has nothing to set")
        return None
    with foreign_code(lambda said: BadInputError(f"{info.name}: its Config fails: {said}; expected defaults for all")):
        config: FrozenModel = apply_overrides(kind.Config(), overrides)
    return config


def build_method(spec: MethodSpec, device: str) -> Method | SequenceMethod:
    """Import and build a method on a device, seeded, so that what it draws at random is the same in every process.

    Raises:
        MethodError: It cannot be built.
    """
    info = spec.info
    with foreign_code(lambda said: MethodError(f"{info.name}: cannot be built: {without_home(said)}"), place=True):
        kind = method_class(info)
        seed_everything(sequence_seed(spec.seed, ""))
        set_float32_mode("cpu" if kind.on_cpu else device, spec.amp)
        method = kind(
            spec.config,
            weights=spec.weights,
            device=device,
            amp=spec.amp,
            compile=spec.compile,
            seed=spec.seed,
        )
        _require_settings(method, info.name)
        method.wants_probabilities = spec.probabilities
        use_device(method.device)
    return method


def _require_settings(method: Method | SequenceMethod, name: str) -> None:
    if missing := [each for each in _SETTINGS if not hasattr(method, each)]:
        raise MethodError(
            f"{name}: cannot be built: its __init__ leaves it without {', '.join(missing)}; expected it to call"
            " super().__init__(config, weights=weights, device=device, …)"
        )


@contextmanager
def built_method(spec: MethodSpec, notes: list[str]) -> Iterator[Method | SequenceMethod]:
    """Build a method for a block, on its device, and let go of it; the current folder stays, whatever the method does.

    Args:
        spec: How to build it.
        notes: Gets a sentence where it cannot be closed, which no longer harms what it did.

    Raises:
        MethodError: It cannot be built.
        BadInputError: There is no such device.
    """
    with _surroundings_kept(), threads_noted():
        method = build_method(spec, resolve_device(spec.device))
        try:
            yield method
        finally:
            if note := closing_note(method):
                notes.append(note)


def closing_note(method: Method | SequenceMethod) -> str:
    """Let go of what a method holds; return a sentence where that fails, which no longer harms what it did."""
    try:
        with foreign_code(MethodError):
            method.close()
    except VosBenchError as error:
        return f"closing the method raised {without_home(str(error) if error.__cause__ else describe(error))}"
    return ""


def load_method(
    name: str,
    weights: str | Path | None = None,
    *,
    device: str = "auto",
    amp: Precision = "off",
    compile: bool = False,
    seed: int = 0,
    settings: Settings = (),
) -> "LoadedMethod":
    """Return a method that is built and ready: `initialize(image, prompt)`, then `step(image)` for each next frame.

    Args:
        name: A method's name (`vos-bench list methods`), or `FILE.py:CLASS`.
        weights: A file of parameters, one of the method's names for them, or `untrained`; None finds them as
            `vos-bench run` does.
        device: `auto`, `cpu`, `cuda` or `cuda:1`.
        amp: Precision of the network.
        compile: Whether to compile the network.
        seed: What the method draws at random begins with it at each `initialize`.
        settings: Its settings by name, as in `{"memory_size": 8}`, or texts as `--set` takes them.

    Raises:
        BadInputError: There is no such method, file, device or setting, the weights are not there, or the method takes
            whole sequences.
        MethodError: It cannot be built.
    """
    info = registry.method(name)
    if not issubclass(method_class(info), Method):
        raise BadInputError(
            f"{name}: takes whole sequences, not single frames; use vos_bench.run({name!r}, dataset), which also takes "
            "a folder of your own frames"
        )
    config = configure(info, overrides(settings))
    chosen = choose_weights(info, None if weights is None else str(weights))
    spec = MethodSpec(info, config, chosen.path if chosen else None, device, amp, compile, seed)
    return LoadedMethod(cast("Method", build_method(spec, resolve_device(device))), info)


class LoadedMethod(Method):
    """A method as Python code drives it: prompts of many forms under any ids, all checked, seeded as in a run.

    Attributes:
        method: The method itself, with whatever else it offers.
        info: Its description.
    """

    def __init__(self, method: Method, info: MethodInfo) -> None:
        """Take a method that is built."""
        super().__init__(
            method.config,
            weights=method.weights,
            device=method.device,
            amp=method.amp,
            compile=method.compile,
            seed=method.seed,
        )
        self.method, self.info = method, info
        self._numbering: Numbering | None = None
        self._shape, self._frame = (0, 0), 0

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The ids of the objects given so far; `probabilities` has the background and then these, in this order."""
        return tuple(self._numbering.ids) if self._numbering else ()

    def initialize(self, image: Image, prompt: PromptLike) -> Prediction:
        """Forget the last sequence and take the first objects.

        Args:
            image: The first frame, H x W x 3, RGB, uint8.
            prompt: The objects on it: a label map, a dict of object id to mask or box, or a `Prompt`.

        Returns:
            The label map of this frame under the ids of the prompt; a mask comes back as it was given.

        Raises:
            BadInputError: The image or the prompt is not what it has to be; the message says what is expected.
            MethodError: The method broke its contract.
        """
        shape = frame_size(image)
        given = self._started(prompt, shape, ())
        self._numbering, self._shape, self._frame = Numbering(), shape, 0
        seed_everything(sequence_seed(self.seed, ""))
        return self._answer(self.method.initialize, image, given, self._numbering)

    def step(self, image: Image, new: PromptLike | None = None) -> Prediction:
        """Segment the next frame.

        Args:
            image: H x W x 3, the size of the first frame.
            new: Objects that start on this frame, in the forms that `initialize` takes; where the method takes
                corrections, also masks of objects that have started.

        Raises:
            BadInputError: As in `initialize`; or it was not called yet, or an object of `new` started before.
            MethodError: The method broke its contract.
        """
        if self._numbering is None:
            raise BadInputError("step: no sequence has begun; call initialize(image, prompt) on its first frame")
        if (shape := frame_size(image)) != self._shape:
            found, first = (f"{width}x{height}" for height, width in (shape, self._shape))
            raise BadInputError(f"image: is {found} and the first frame {first}; expected one size")
        given = None if new is None else self._started(new, self._shape, self._numbering.ids)
        return self._answer(self.method.step, image, given, self._numbering)

    def _started(self, given: PromptLike, shape: tuple[int, int], before: Collection[int]) -> Prompt:
        """Return the objects that start on a frame, under the caller's ids, after all that can be checked."""
        prompt = Prompt.of(given, shape)
        if not self.method.takes_corrections and (again := sorted({*prompt.object_ids} & {*before})):
            raise BadInputError(f"object {again[0]}: started on an earlier frame; expected objects that start on this")
        usable_ids = usable(prompt, (), init="mask").object_ids
        if empty := sorted({*prompt.object_ids} - {*usable_ids}):
            raise BadInputError(f"object {empty[0]}: its mask or box is empty; expected at least one pixel")
        if not usable_ids:
            raise BadInputError("prompt: found no object; expected at least one")
        require_accepted(prompt, self.info.prompts, method=self.info.name)
        return prompt

    def _answer(
        self, call: Callable[..., Prediction], image: Image, new: Prompt | None, numbering: Numbering
    ) -> Prediction:
        """Give a frame to the method and return its answer, checked, under the caller's ids."""
        numbered = numbering.start(new) if new is not None else None
        given = given_labels(numbered, self._shape) if numbered is not None else None
        # torch takes no flipped and no read-only array, as images from OpenCV and PIL often are
        prediction = call(np.require(image, requirements=("C", "W")), numbered)
        check_answer(prediction, PendingFrame(str(self._frame), self._shape, len(numbering.ids), given, 0.0))
        self._frame += 1
        labels = prediction.labels.astype(np.uint16)  # a copy: the method may keep its array
        if given is not None:
            paste(labels, given)
        return prediction._replace(labels=numbering.restore(labels))

    def finish(self) -> str:
        """Return what the method says once a sequence has ended."""
        return self.method.finish()

    def close(self) -> None:
        """Let go of what the method holds, such as processes; nothing comes after."""
        self.method.close()


@contextmanager
def _surroundings_kept() -> Iterator[None]:
    """Bring back the current folder and the output streams after a block in which a method may have changed them."""
    folder, streams = None, (sys.stdout, sys.stderr)
    with suppress(OSError):  # it was removed
        folder = Path.cwd()
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams
        if folder is not None:
            with suppress(OSError):
                os.chdir(folder)


def numerics(spec: MethodSpec, method: Method | SequenceMethod) -> Numerics:
    """Return what decides the last bits, as it is once the method is built."""
    return Numerics(
        seed=spec.seed,
        device=method.device,
        amp=spec.amp,
        compile=spec.compile,
        **asdict(torch_flags()),
    )


def sequence_seed(seed: int, sequence: str) -> int:
    """Return the seed of one sequence: 32 bits of the SHA-256 of the run's seed and the sequence's name."""
    return int.from_bytes(hashlib.sha256(f"{seed}/{sequence}".encode()).digest()[:4], "big")


def seed_everything(seed: int) -> None:
    """Seed Python and NumPy, and OpenCV and torch where something has loaded them.

    Args:
        seed: 32 bits.
    """
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - methods may draw from the global generator
    if cv2 := sys.modules.get("cv2"):
        cv2.setRNGSeed(seed >> 1)  # takes 31 bits
    if torch := sys.modules.get("torch"):
        torch.manual_seed(seed)
