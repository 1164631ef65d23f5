"""Which frames a method sees, and reading them one ahead of their use."""

import time
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from vos_bench.api import FramesSeen, Image, Prompt, PromptKind, Sequence
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.running.prompts import usable


class LoadedFrame(NamedTuple):
    """A frame in memory.

    Attributes:
        name: The frame's name.
        image: H x W x 3.
        prompt: What the dataset gives on it, None for most frames.
        decode_ms: How long reading took.
    """

    name: str
    image: Image
    prompt: Prompt | None
    decode_ms: float


class FramePlan(NamedTuple):
    """Which frames of a sequence are fed and which are kept.

    Attributes:
        seen: The frames that the method sees, in order; the first has a prompt.
        outputs: The frames whose label maps are written.
        before: Those of `outputs` that come before the first object: background.
    """

    seen: tuple[str, ...]
    outputs: frozenset[str]
    before: tuple[str, ...]

    @property
    def written(self) -> tuple[str, ...]:
        """The frames of `outputs` in the order in which their label maps are written."""
        return (*self.before, *(name for name in self.seen if name in self.outputs))


def plan_frames(sequence: Sequence, *, frames: FramesSeen, init: PromptKind) -> FramePlan:
    """Decide which frames of a sequence a method sees: all from its first usable prompt on.

    Annotated frames are those with a prompt or a truth, and those whose label map is asked for.

    Raises:
        BadInputError: Nothing is given on any frame, or only empty masks and boxes.
    """
    start = sequence.frame_names.index(_first_usable(sequence, init))
    annotated = {*sequence.prompt_frames, *sequence.truth_names, *sequence.output_names}
    seen = tuple(name for name in sequence.frame_names[start:] if frames == "all" or name in annotated)
    outputs = frozenset(sequence.output_names)
    return FramePlan(seen, outputs, tuple(name for name in sequence.frame_names[:start] if name in outputs))


def _first_usable(sequence: Sequence, init: PromptKind) -> str:
    for name in sequence.prompt_frames:
        if usable(sequence.read_prompt(name), (), init=init).object_ids:
            return name
    found = "only empty masks" if sequence.prompt_frames else "nothing"
    raise BadInputError(
        f"{sequence.name}: found {found} to start from; expected a label map with at least one object, or a box,"
        " on the frame where it starts (vos-bench check)"
    )


def read_frames(sequence: Sequence, names: tuple[str, ...], *, ahead: bool) -> Generator[LoadedFrame, None, None]:
    """Read frames with their prompts, lazily.

    Args:
        sequence: The sequence.
        names: Which frames, in order; at least one.
        ahead: Decode the next frame in a thread while the caller works on the present one.

    Raises:
        BadInputError: A frame or prompt cannot be read, or a mask has another size than its frame.
    """
    prompted = set(sequence.prompt_frames)

    def load(name: str) -> LoadedFrame:
        began = time.perf_counter_ns()
        try:
            image = sequence.read_frame(name)
            prompt = sequence.read_prompt(name) if name in prompted else None
        except VosBenchError:
            raise
        except Exception as error:
            raise BadInputError(f"{sequence.name}/{name}: cannot be read: {type(error).__name__}: {error}") from error
        _require_one_size(sequence, name, image, prompt)
        return LoadedFrame(name, image, prompt, (time.perf_counter_ns() - began) / 1e6)

    if not ahead:
        yield from map(load, names)
        return
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        pending = reader.submit(load, names[0])
        for name in names[1:]:
            loaded, pending = pending.result(), reader.submit(load, name)
            yield loaded
        yield pending.result()


def _require_one_size(sequence: Sequence, name: str, image: Image, prompt: Prompt | None) -> None:
    for object_id, mask in (prompt.masks if prompt else {}).items():
        if mask.shape != image.shape[:2]:
            raise BadInputError(
                f"{sequence.name}/{name}: the mask of object {object_id} is {_size(mask.shape)} and the frame"
                f" {_size(image.shape)}; expected one size (vos-bench check)"
            )


def _size(shape: tuple[int, ...]) -> str:
    return f"{shape[1]}x{shape[0]}" if len(shape) >= 2 else str(shape)
