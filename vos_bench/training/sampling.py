"""Draws mini-sequences: a train frame and later test frames of one object, from datasets mixed by weight."""

from collections.abc import Callable, Container, Mapping
from collections.abc import Sequence as Ordered
from typing import Any, NamedTuple

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray
from pydantic import Field

from vos_bench.api import Box, Dataset, Image, LabelMap, Mask, Sequence
from vos_bench.config import FrozenModel
from vos_bench.errors import BadInputError
from vos_bench.names import counted
from vos_bench.training.recipe import Batch, DataShare, LoopSettings
from vos_bench.training.visibility import TrainingObject, visible_objects

GROWTH = 5
"""Frames by which the window grows when it held no frame to draw."""


class MiniSequence(NamedTuple):
    """Frames of one object in temporal order: the first is the train frame, the others are the test frames.

    Attributes:
        images: The frames.
        masks: The object's mask on each.
        boxes: The object's own box on each where the dataset gives one and the rule asks for it; else empty.
        rivals: The masks of a second object on each, which synthesis knows; else empty.
    """

    images: list[Image]
    masks: list[Mask]
    boxes: Ordered[Box | None] = ()
    rivals: Ordered[Mask] = ()


class DrawnFrames(NamedTuple):
    """Which frames were drawn of which object.

    Attributes:
        object: The object and its sequence.
        frames: Frame numbers.
        group: Index of the dataset in the mixture: several may have a sequence of the same name, with other labels.
    """

    object: TrainingObject
    frames: tuple[int, ...]
    group: int


class FrameRule(FrozenModel):
    """How the frames of a mini-sequence are drawn; the defaults are the paper's (Q' = 100, 1 + 3 frames).

    Attributes:
        window: Number of frames after (and before) the train frame that are looked at.
        test_frames: How many test frames to draw.
        own_boxes: Whether an object counts as visible wherever the dataset gives its box, however small its mask, and
            comes with that box.
    """

    window: int = Field(default=100, ge=0, le=1000000)
    test_frames: int = Field(default=3, ge=1, le=1000)
    own_boxes: bool = False

    def draw(self, visible: NDArray[np.bool_], rng: Generator, number: int) -> tuple[int, ...]:
        """Draw the frames of sample `number`, from one truth value a frame; here as `draw_frames` does."""
        del number
        return draw_frames(visible, self, rng)

    @property
    def needed(self) -> str:
        """How often an object has to be visible, in words."""
        return f"{2 * (1 + self.test_frames) + 1} or more, or a single image"

    def accepts(self, candidate: TrainingObject) -> bool:
        """Tell whether an object is visible on more than twice as many frames as are drawn, or is on a single image."""
        return len(candidate.visible) == 1 or int(candidate.visible.sum()) > 2 * (1 + self.test_frames)


def draw_frames(visible: NDArray[np.bool_], rule: FrameRule, rng: Generator) -> tuple[int, ...]:
    """Draw the train frame and then, with replacement and sorted, the later test frames.

    As the reference draws them: the train frame is visible, not one of the last, and has a visible frame in the
    window before it; the test frames are visible and lie in [train + 1, train + window). The window grows until
    both can be drawn. A sequence of a single image is that image repeated.

    Args:
        visible: One truth value a frame; at least two are true.
        rule: Window and number of test frames.
        rng: Source of chance.

    Returns:
        1 + `rule.test_frames` frame numbers.
    """
    where = np.flatnonzero(visible)
    if len(visible) == 1:
        return (0,) * (1 + rule.test_frames)
    last_base = len(visible) - rule.test_frames
    for window in range(rule.window, rule.window + len(visible) + GROWTH, GROWTH):
        bases = [int(b) for b in where if b < last_base and np.any((where < b) & (where >= b - window))]
        if not bases:
            continue
        base = bases[int(rng.integers(len(bases)))]
        later = where[(where > base) & (where < base + window)]
        if later.size:
            return (base, *sorted(int(frame) for frame in rng.choice(later, rule.test_frames)))
    raise BadInputError(f"training: found {where.size} visible frames of {len(visible)}, too few to draw from")


def training_objects(
    dataset: Dataset, rule: FrameRule, *, leave_out: Container[str] = frozenset()
) -> list[TrainingObject]:
    """List every object of `dataset` that is visible often enough.

    Args:
        dataset: Where to look.
        rule: Says how often an object has to be visible.
        leave_out: Names of sequences to pass over.
    """
    found = visible_objects(dataset, own_boxes=rule.own_boxes)
    return [each for each in found if each.sequence.name not in leave_out and rule.accepts(each)]


def shares(
    data: Ordered[DataShare], datasets: Ordered[Dataset], rule: FrameRule
) -> list[tuple[float, list[TrainingObject]]]:
    """Return for each dataset of a mixture its weight and its objects. Raises BadInputError where one has none."""
    found = [
        (share.weight, training_objects(dataset, rule, leave_out=share.left_out(dataset)))
        for share, dataset in zip(data, datasets, strict=True)
    ]
    for (_, objects), share, dataset in zip(found, data, datasets, strict=True):
        if not objects:
            raise BadInputError(_too_short(dataset, share, rule))
    return found


def _too_short(dataset: Dataset, share: DataShare, rule: FrameRule) -> str:
    """Return what is missing in a dataset without an object to train on."""
    left_out = share.left_out(dataset)
    kept = [each for each in visible_objects(dataset) if each.sequence.name not in left_out]
    found = f"training: {dataset.name} {dataset.split}: "
    if not kept:
        return (
            f"{found}found no object outside what is left out, expected at least one; get the data, or leave out less"
        )
    longest = max(kept, key=lambda each: int(each.visible.sum()))
    seen, frames = int(longest.visible.sum()), len(longest.visible)
    return (
        f"{found}found no object that is visible on enough frames: object {longest.object_id} of "
        f"{longest.sequence.name} has most, {seen} of {counted(frames, 'frame')} with a ground truth\n"
        f"  expected {rule.needed}\n  add longer sequences, or more label maps"
    )


def held_out_shares(
    data: Ordered[DataShare], datasets: Ordered[Dataset], rule: FrameRule
) -> list[tuple[float, list[TrainingObject]]]:
    """Return the same of the sequences that are left out, for each dataset where there are any."""
    found = [
        (share.weight, training_objects(dataset, rule, leave_out={*dataset.sequence_names} - share.left_out(dataset)))
        for share, dataset in zip(data, datasets, strict=True)
        if share.leave_out
    ]
    return [(weight, objects) for weight, objects in found if objects]


Transform = Callable[[MiniSequence, Generator, "MiniSequences"], Batch]


class MiniSequences:
    """The numbered supply of mini-sequences; sample n depends on the seed and on n alone."""

    def __init__(
        self,
        groups: Ordered[tuple[float, Ordered[TrainingObject]]],
        rule: FrameRule,
        transform: Transform,
        *,
        seed: int,
        cache: bool = False,
    ) -> None:
        """Take the objects to draw from.

        Args:
            groups: For each dataset its weight in the mixture and its objects.
            rule: How frames are drawn.
            transform: Turns a mini-sequence into tensors; gets this supply too, to borrow other objects from it.
            seed: With the sample's number, decides every draw.
            cache: Whether to keep decoded frames in memory, about 1.6 MB each at 480p.

        Raises:
            BadInputError: A dataset has no object to draw.
        """
        if not groups or any(not objects for _, objects in groups):
            raise BadInputError("training: a dataset has no object that is visible on enough frames to draw from")
        self._objects = [objects for _, objects in groups]
        weights = np.array([weight for weight, _ in groups], np.float64)
        self._shares = weights / weights.sum()
        self._rule = rule
        self._transform = transform
        self._seed = seed
        self._cache: dict[tuple[int, str, str], tuple[Image, LabelMap]] | None = {} if cache else None

    def __getitem__(self, number: int) -> Batch:
        """Return sample `number`."""
        rng = self._generator(number)
        return self._transform(self.read(self.draw(rng, number)), rng, self)

    def describe(self, number: int) -> Mapping[str, Any]:
        """Say which sequence, object and frames sample `number` is made of."""
        drawn = self.draw(self._generator(number), number)
        sequence = drawn.object.sequence
        names = [sequence.truth_names[frame] for frame in drawn.frames]
        return {"sequence": sequence.name, "object": drawn.object.object_id, "frames": names}

    def draw(self, rng: Generator, number: int = 0) -> DrawnFrames:
        """Pick a dataset by weight, one of its objects, and frames; the rule may look at the sample's number."""
        group = int(rng.choice(len(self._shares), p=self._shares))
        objects = self._objects[group]
        chosen = objects[int(rng.integers(len(objects)))]
        return DrawnFrames(chosen, self._rule.draw(chosen.visible, rng, number), group)

    def read(self, drawn: DrawnFrames) -> MiniSequence:
        """Decode the frames and masks that were drawn."""
        sequence, object_id = drawn.object.sequence, drawn.object.object_id
        names = [sequence.truth_names[frame] for frame in drawn.frames]
        pairs = [self._read(drawn.group, sequence, name) for name in names]
        boxes = [sequence.read_boxes(name).get(object_id) for name in names] if self._rule.own_boxes else []
        return MiniSequence([image for image, _ in pairs], [labels == object_id for _, labels in pairs], boxes)

    def _generator(self, number: int) -> Generator:
        return np.random.default_rng([self._seed, number])

    def _read(self, group: int, sequence: Sequence, frame_name: str) -> tuple[Image, LabelMap]:
        key = (group, sequence.name, frame_name)
        if self._cache is None:
            return sequence.read_frame(frame_name), sequence.read_truth(frame_name)
        if key not in self._cache:
            self._cache[key] = (sequence.read_frame(frame_name), sequence.read_truth(frame_name))
        return self._cache[key]


def mixed_samples(
    settings: LoopSettings, datasets: Ordered[Dataset], rule: FrameRule, transform: Transform, *, cache: bool = False
) -> MiniSequences:
    """Return the mini-sequences of a recipe's mixture.

    Args:
        settings: The recipe's numbers.
        datasets: The opened `settings.data`.
        rule: How frames are drawn.
        transform: As `MiniSequences` takes it.
        cache: Likewise.

    Raises:
        BadInputError: A dataset has no object that is visible on enough frames.
    """
    return MiniSequences(shares(settings.data, datasets, rule), rule, transform, seed=settings.seed, cache=cache)
