"""Which frames a method sees, reading them one ahead of their use, and handing them over."""

import time
from collections import deque
from collections.abc import Collection, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import FramesSeen, Image, LabelMap, Prompt, PromptedFrame, PromptKind, Sequence
from vos_bench.errors import BadInputError, MethodError
from vos_bench.foreign_code import foreign_code
from vos_bench.names import frame_order
from vos_bench.parts.box_start import BoxFill, masks_of
from vos_bench.plugins import MethodInfo
from vos_bench.timing import FrameClock


class LoadedFrame(NamedTuple):
    """A frame in memory, H x W x 3, with its prompt (None for most frames) and how long reading took."""

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


def object_frames(sequence: Sequence, *, frames: FramesSeen) -> float:
    """Return the work of a sequence: the frames of each object from its first one on, or just the frames."""
    seen = sequence.frame_names if frames == "all" else sequence.output_names
    firsts = [frame_order(name) for name in sequence.first_frames.values()]
    return float(sum(sum(frame_order(name) >= first for name in seen) for first in firsts) if firsts else len(seen))


def _first_usable(sequence: Sequence, init: PromptKind) -> str:
    for name in sequence.prompt_frames:
        if usable(sequence.read_prompt(name), (), init=init).object_ids:
            return name
    found = "only empty masks" if sequence.prompt_frames else "nothing"
    raise BadInputError(
        f"{sequence.name}: found {found} to start from; expected a label map with at least one object, or a box,"
        " on the frame where it starts (vos-bench check)"
    )


def read_frames(sequence: Sequence, names: Iterable[str], *, ahead: bool) -> Generator[LoadedFrame, None, None]:
    """Read frames with their prompts, lazily; `ahead` decodes the next one in a thread while the caller works.

    Without it, a name is asked for only when its frame is.

    Raises:
        BadInputError: A frame or prompt cannot be read, a frame has another size than the first one, or a mask another
            size than its frame.
    """
    prompted = set(sequence.prompt_frames)
    size: tuple[int, int] | None = None

    def load(name: str) -> LoadedFrame:
        nonlocal size
        began = time.perf_counter_ns()
        with foreign_code(lambda said: BadInputError(f"{sequence.name}/{name}: cannot be read: {said}")):
            image = sequence.read_frame(name)
            prompt = sequence.read_prompt(name) if name in prompted else None
        size = size or (image.shape[0], image.shape[1])
        _require_size(sequence, name, image, size)
        if prompt is not None:
            prompt = _checked(sequence, name, prompt, image)
        return LoadedFrame(name, image, prompt, (time.perf_counter_ns() - began) / 1e6)

    if not ahead:
        yield from map(load, names)
        return
    names = tuple(names)
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="read-ahead") as reader:
        pending = reader.submit(load, names[0])
        for name in names[1:]:
            loaded, pending = pending.result(), reader.submit(load, name)
            yield loaded
        yield pending.result()


def _require_size(sequence: Sequence, name: str, image: Image, size: tuple[int, int]) -> None:
    """Check that a frame is as large as the first one, for every method alike. Raises BadInputError."""
    if image.shape[:2] != size:
        found, first = (f"{height} x {width}" for height, width in (image.shape[:2], size))
        raise BadInputError(
            f"{sequence.name}/{name}: the frame has {found} pixels (height x width), expected {first} as the first "
            "frame\n  bring all frames of a sequence to one size (vos-bench check)"
        )


def _checked(sequence: Sequence, name: str, prompt: Prompt, image: Image) -> Prompt:
    try:
        return Prompt.of(prompt, (image.shape[0], image.shape[1]))
    except BadInputError as error:
        raise BadInputError(f"{sequence.name}/{name}: {error} (vos-bench check)") from None


class Numbering:
    """Numbers a sequence's objects 1..K in the order in which they start (on one frame: by id), and back."""

    def __init__(self) -> None:
        self.ids: list[int] = []
        """The dataset's ids; object k of the method is `ids[k - 1]`."""

    def start(self, prompt: Prompt) -> Prompt:
        """Take up the objects of a prompt that are new, and return it under the method's numbers."""
        self.ids += [object_id for object_id in prompt.object_ids if object_id not in self.ids]
        return prompt.renamed({object_id: self.ids.index(object_id) + 1 for object_id in prompt.object_ids})

    def restore(self, labels: LabelMap) -> LabelMap:
        """Return a label map of the method's numbers under the dataset's ids."""
        return np.array([0, *self.ids], dtype=np.uint16)[labels]


def usable(prompt: Prompt, started: Collection[int], *, init: PromptKind) -> Prompt:
    """Return the objects of a prompt that a method can start from; `init="box"` replaces masks by boxes.

    An object whose mask or box is empty is left out: there is nothing to follow. One that started before, by the
    dataset's ids, is left out too, because an object starts once.
    """
    given = prompt.as_boxes() if init == "box" else prompt
    return Prompt(
        masks={k: mask for k, mask in given.masks.items() if k not in started and mask.any()},
        boxes={k: box for k, box in given.boxes.items() if k not in started and box[0] < box[2] and box[1] < box[3]},
    )


def require_accepted(prompt: Prompt, accepted: Collection[PromptKind], *, method: str) -> None:
    """Check that a method takes what a prompt holds. Raises BadInputError where it does not."""
    for kind, given in (("mask", prompt.masks), ("box", prompt.boxes)):
        if given and kind not in accepted:
            raise BadInputError(
                f"{method} starts from a {' or a '.join(sorted(accepted))}, found a {kind} for object {min(given)}\n"
                f"  choose a method that takes a {kind} (vos-bench list methods)"
                + ("\n  or make a mask of it: vos_bench.parts.box_start.mask_of" if kind == "box" else "")
            )


def given_labels(prompt: Prompt, shape: tuple[int, int]) -> LabelMap | None:
    """Return the masks of a prompt as a new label map, so that a method may change the masks."""
    if not prompt.masks:
        return None
    labels = np.zeros(shape, dtype=np.uint16)
    for object_id in sorted(prompt.masks):
        labels[prompt.masks[object_id]] = object_id
    return labels


def paste(labels: LabelMap, given: LabelMap) -> None:
    """Set every object of `given` to exactly the region it has there, in place."""
    region = given > 0
    labels[np.isin(labels, _ids(given))] = 0
    labels[region] = given[region]


def _ids(labels: LabelMap) -> NDArray[np.intp]:
    return np.flatnonzero(np.bincount(labels.ravel()))[1:]


@dataclass(frozen=True)
class PendingFrame:
    """A frame that the method has and has not answered: what its answer must look like.

    Attributes:
        name: The frame's name.
        shape: H, W.
        objects: How many objects were given up to here; labels beyond are unknown.
        given: The masks given on this frame as a label map, None for most frames.
        decode_ms: How long reading it took.
    """

    name: str
    shape: tuple[int, int]
    objects: int
    given: LabelMap | None
    decode_ms: float


class FrameSource:
    """Hands frames to a method one by one and keeps those that it has not answered yet.

    Attributes:
        numbering: Numbering of the objects given so far.
        pending: Frames that were handed over and not yet answered, oldest first.
        notes: Objects that were left out, and why.
        waited_ms: How long the method waited for frames, all in all.
        dropped: Frames that the method was not given because it was busy.
    """

    def __init__(
        self,
        frames: Iterator[LoadedFrame],
        *,
        info: MethodInfo,
        init: PromptKind,
        corrections: bool = False,
        box_start: BoxFill | None = None,
        seed: int = 0,
        clock: FrameClock | None = None,
    ) -> None:
        """Take the frames in order; the first must have a usable prompt.

        Args:
            frames: The frames.
            info: The method that they are for.
            init: `box` replaces masks by boxes.
            corrections: Hand on masks of objects that have started, and do not leave them out.
            box_start: How masks are made of boxes; None leaves boxes as they are.
            seed: For what is drawn at random where masks are made of boxes.
            clock: Leaves frames out in real time; None where they wait for the method.
        """
        self._frames = frames
        self._corrections = corrections
        self._info = info
        self._init, self._box_start, self._seed = init, box_start, seed
        self.numbering = Numbering()
        self.pending: deque[PendingFrame] = deque()
        self.notes: list[str] = []
        self.waited_ms = 0.0
        self._in_turn = clock is not None
        self.dropped: Collection[str] = clock.dropped if clock is not None else ()

    def __iter__(self) -> Iterator[PromptedFrame]:
        return self

    def __next__(self) -> PromptedFrame:
        if self._in_turn and self.pending:
            raise MethodError(
                f"asked for another frame before it answered frame {self.pending[-1].name}\n"
                "  in real time expected one that answers each frame before it sees the next\n"
                "  run it without --real-time"
            )
        began = time.perf_counter_ns()
        try:
            loaded = next(self._frames)
        finally:
            self.waited_ms += (time.perf_counter_ns() - began) / 1e6
        new = self._new_objects(loaded)
        shape = (loaded.image.shape[0], loaded.image.shape[1])
        given = given_labels(new, shape) if new else None
        self.pending.append(PendingFrame(loaded.name, shape, len(self.numbering.ids), given, loaded.decode_ms))
        return PromptedFrame(loaded.image, new)

    def _new_objects(self, loaded: LoadedFrame) -> Prompt | None:
        if loaded.prompt is None:
            return None
        started = set() if self._corrections else set(self.numbering.ids)
        prompt = usable(loaded.prompt, started, init=self._init)
        for object_id in sorted({*loaded.prompt.object_ids} - {*prompt.object_ids} - started):
            self.notes.append(f"object {object_id} left out: its mask on frame {loaded.name} is empty")
        if self._box_start is not None:
            prompt = masks_of(prompt, loaded.image, fill=self._box_start, seed=self._seed)
        require_accepted(prompt, self._info.prompts, method=self._info.name)
        return self.numbering.start(prompt) if prompt.object_ids else None
