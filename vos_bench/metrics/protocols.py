"""Protocols: which frames and objects count, and how their values become one number.

A protocol is a set of rules. Each has a name and words, which a record keeps, and most a function. A new benchmark is
one more entry in `PROTOCOLS`; a rule that no protocol has yet is one more field.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, Protocol, TypeVar

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask, ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids
from vos_bench.metrics.counts import FrameCounts
from vos_bench.metrics.measures import contour_accuracy, region_similarity
from vos_bench.names import frame_order

Names = tuple[str, ...]
"""Names of frames, in order."""


class TruthSequence(Protocol):
    """What scoring asks of a sequence; every `vos_bench.api.Sequence` has it."""

    @property
    def name(self) -> str:
        """The sequence's name, which is also its folder's."""

    @property
    def truth_names(self) -> tuple[str, ...]:
        """The frames that have a truth, in order."""

    @property
    def groups(self) -> Mapping[int, str]:
        """Object id to `seen` or `unseen`; empty where there are no groups."""

    @property
    def first_frames(self) -> Mapping[int, str]:
        """Object id to the first frame that a list names for it; empty where there is no list."""

    @property
    def object_names(self) -> Mapping[int, str]:
        """Object id to the name of its folder of masks; empty where objects share label maps."""

    @property
    def object_frames(self) -> Mapping[int, tuple[str, ...]]:
        """Object id to the frames that have a truth of its own; empty where objects share label maps."""

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame."""

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the truth of one object on one of its frames, which may overlap that of others."""


Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True)
class Rule(Generic[Function]):
    """One rule of a protocol: the words that a record keeps of it, and what it computes."""

    text: str
    apply: Function


FrameRule = Rule[Callable[[TruthSequence], Names]]
"""Returns the names of the frames that count. Raises BadInputError when a sequence has too few."""

ObjectRule = Rule[Callable[[TruthSequence, Names, Sequence[FrameCounts]], dict[int, int]]]
"""Returns the id of each object, ascending, and the place of the first frame that counts for it, from the frames that
count and their pixel counts. An object whose place lies behind the last frame may show up in label maps and is not
scored."""

FormulaRule = Rule[Callable[..., NDArray[np.float64]]]
"""Returns one value for each frame from its pixel counts."""

REGION: FormulaRule = Rule("intersection over union; 1 where both are empty, 0 where one is", region_similarity)
CONTOUR: FormulaRule = Rule(
    "harmonic mean of precision and recall of the boundary pixels that match within 0.8 % of the diagonal, rounded up; "
    "1 where neither has a boundary",
    contour_accuracy,
)


@dataclass(frozen=True)
class ScoringProtocol:
    """The rules of one benchmark.

    Attributes:
        name: As on the command line.
        frames: Which frames count.
        objects: Which objects count, each from which frame on. Void (255) in the truth is background under all of them.
        region: J of a frame.
        contour: F of a frame.
        unknown_ids: What becomes of ids in label maps that no object has: an error, or background.
        averaging: How the values of frames and objects become one number, in words;
            `vos_bench.records.summary.run_scores` does it.
        assumed: Each thing that is assumed because nobody published it.
    """

    name: ProtocolName
    frames: FrameRule
    objects: ObjectRule
    region: FormulaRule = REGION
    contour: FormulaRule = CONTOUR
    unknown_ids: Literal["refused", "ignored"] = "refused"
    averaging: str = "mean over the frames of each object, then over the objects of all sequences; J&F = (J + F) / 2"
    assumed: tuple[str, ...] = ()

    @property
    def rules(self) -> dict[str, str]:
        """What a record keeps of the rules that have no field of their own there."""
        return {
            "objects": self.objects.text,
            "J": self.region.text,
            "F": self.contour.text,
            "unknown ids": self.unknown_ids,
        }

    def scored_frames(self, sequence: TruthSequence) -> Names:
        """Return the names of the frames that count. Raises BadInputError when the sequence has too few."""
        return self.frames.apply(sequence)

    def starts(self, sequence: TruthSequence, counts: Sequence[FrameCounts]) -> dict[int, int]:
        """Return each object's id and the place of the first of `scored_frames` that counts; see `ObjectRule`."""
        return self.objects.apply(sequence, self.scored_frames(sequence), counts)


def _all_but_first_and_last(sequence: TruthSequence) -> Names:
    if len(sequence.truth_names) < 3:
        raise BadInputError(
            f"{sequence.name}: found a truth for {len(sequence.truth_names)} of its frames, expected at least 3: "
            "the davis protocol leaves out the first and the last; --protocol all-frames scores them all"
        )
    return sequence.truth_names[1:-1]


def _all(sequence: TruthSequence) -> Names:
    if not sequence.truth_names:
        raise BadInputError(f"{sequence.name}: found no frame with a truth, expected at least 1")
    return sequence.truth_names


def _after_first_object(name: ProtocolName, text: str, *, last_counts: bool) -> FrameRule:
    """Return the rule of YouTube-VOS: the annotated frames after the first given object."""

    def select(sequence: TruthSequence) -> Names:
        names = sequence.truth_names
        first = min(sequence.first_frames.values(), default=names[0] if names else "", key=frame_order)
        later = (each for each in (names if last_counts else names[:-1]) if frame_order(each) > frame_order(first))
        frames = tuple(later)
        if not frames:
            raise BadInputError(
                f"{sequence.name}: found a truth for {len(names)} of its frames, none of which the {name} "
                f"protocol counts; expected {text}; --protocol all-frames scores them all"
            )
        return frames

    return Rule(text, select)


def _up_to_highest(sequence: TruthSequence, _frames: Names, _counts: Sequence[FrameCounts]) -> dict[int, int]:
    first = sequence.read_truth(sequence.truth_names[0])
    highest = int(np.where(first == VOID, 0, first).max())
    return dict.fromkeys(range(1, highest + 1), 0)


def _where_shown(_sequence: TruthSequence, _frames: Names, counts: Sequence[FrameCounts]) -> dict[int, int]:
    return _first_shown(counts)


def _after_given(sequence: TruthSequence, frames: Names, counts: Sequence[FrameCounts]) -> dict[int, int]:
    if given := sequence.first_frames:
        return {k: bisect_right(frames, frame_order(given[k]), key=frame_order) for k in sorted(given)}
    found = {k: 0 for k in object_ids(sequence.read_truth(sequence.truth_names[0])) if k != VOID}
    for k, place in _first_shown(counts).items():
        found.setdefault(k, place + 1)
    return dict(sorted(found.items()))


def _first_shown(counts: Sequence[FrameCounts]) -> dict[int, int]:
    """Return the id of each object of the truth, ascending, and the place of the first frame that shows it."""
    found: dict[int, int] = {}
    for place, labels in enumerate(counts):
        for label, numbers in labels.items():
            if numbers.truth_area and label != VOID:
                found.setdefault(label, place)
    return dict(sorted(found.items()))


DAVIS = ScoringProtocol(
    name="davis",
    # The last frame is left out for historical reasons.
    frames=Rule("all frames that have a truth, without the first and the last", _all_but_first_and_last),
    objects=Rule(
        "1 to the highest id of the first truth, present there or not, on all scored frames; a higher id is background",
        _up_to_highest,
    ),
)
"""The semi-supervised protocol of DAVIS 2016 and 2017, as davis2017-evaluation applies it."""

ALL_FRAMES = ScoringProtocol(
    name="all-frames",
    frames=Rule("all frames that have a truth, for each object from the first that shows it", _all),
    objects=Rule("all ids of the truth, each from the first frame that shows it", _where_shown),
)

_GIVEN: ObjectRule = Rule(
    "those of meta.json, each after its first listed frame; without one, all ids of the truth, each after the first "
    "frame that shows it",
    _after_given,
)
_BY_GROUPS = f"{DAVIS.averaging}; G = mean of J and F of the seen and the unseen objects"
_NOT_ITS_FIRST = "the frame on which an object is given does not count"
_TO_THE_END = "after its first frame an object counts on every annotated frame of its sequence, listed for it or not"

YOUTUBE_VOS = ScoringProtocol(
    name="ytvos",
    frames=_after_first_object(
        "ytvos", "the annotated frames after an object's first listed one, the last included", last_counts=True
    ),
    objects=_GIVEN,
    averaging=_BY_GROUPS,
    assumed=(
        _NOT_ITS_FIRST,
        "the last annotated frame counts (ytvos-without-last leaves it out)",
        _TO_THE_END,
    ),
)
"""YouTube-VOS, whose server's code is not public."""

YOUTUBE_VOS_WITHOUT_LAST = ScoringProtocol(
    name="ytvos-without-last",
    frames=_after_first_object(
        "ytvos-without-last",
        "the annotated frames after an object's first listed one, without the last of the sequence",
        last_counts=False,
    ),
    objects=_GIVEN,
    averaging=_BY_GROUPS,
    assumed=(_NOT_ITS_FIRST, "the last annotated frame does not count (ytvos counts it)", _TO_THE_END),
)
"""YouTube-VOS without the last annotated frame of each sequence, as pytracking counts."""

PROTOCOLS: Mapping[str, ScoringProtocol] = {
    protocol.name: protocol for protocol in (DAVIS, YOUTUBE_VOS, YOUTUBE_VOS_WITHOUT_LAST, ALL_FRAMES)
}


def scoring_protocol(name: str) -> ScoringProtocol:
    """Return a protocol by name. Raises BadInputError when there is no such protocol."""
    if name not in PROTOCOLS:
        raise BadInputError(f"there is no protocol {name!r}; known: {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[name]
