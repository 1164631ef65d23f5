"""Protocols: which frames and objects count, and how their values become one number."""

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import ClassVar, Protocol

import numpy as np

from vos_bench.api import ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids
from vos_bench.metrics.counts import FrameCounts


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

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame."""


class ScoringProtocol(ABC):
    """The rules of one benchmark. A new one is one more subclass, with its entry in `PROTOCOLS`.

    Attributes:
        name: As on the command line.
        frames_scored: Which frames count, in words for the record.
        averaging: How the values of frames and objects become one number, in words for the record.
        assumed: Each thing that is assumed because nobody published it.
    """

    name: ClassVar[ProtocolName]
    frames_scored: ClassVar[str]
    averaging: ClassVar[str] = (
        "mean over the frames of each object, then over the objects of all sequences; J&F = (J + F) / 2"
    )
    assumed: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def scored_frames(self, sequence: TruthSequence) -> tuple[str, ...]:
        """Return the names of the frames that count, in order.

        Raises:
            BadInputError: The sequence has too few frames.
        """

    @abstractmethod
    def starts(self, sequence: TruthSequence, counts: Sequence[FrameCounts], /) -> dict[int, int]:
        """Return the id of each object, ascending, and the place of the first frame that counts for it.

        An object whose place lies behind the last frame may show up in label maps and is not scored.

        Args:
            sequence: The sequence.
            counts: The pixel counts of each of `scored_frames`.
        """


class Davis(ScoringProtocol):
    """The semi-supervised protocol of DAVIS 2016 and 2017, as davis2017-evaluation applies it.

    The objects are 1 to the highest id of the first truth. An id that is missing there is an object all the same, and
    scores 1 wherever neither truth nor mask has it; a higher id that comes later is background. The first frame is
    given and the last one is left out for historical reasons. Void (255) in the truth is background.
    """

    name = "davis"
    frames_scored = "all frames that have a truth, without the first and the last"

    def scored_frames(self, sequence: TruthSequence) -> tuple[str, ...]:
        """Return all frames but the first and the last; see `ScoringProtocol.scored_frames`."""
        if len(sequence.truth_names) < 3:
            raise BadInputError(
                f"{sequence.name}: found a truth for {len(sequence.truth_names)} of its frames, expected at least 3: "
                "the davis protocol leaves out the first and the last; --protocol all-frames scores them all"
            )
        return sequence.truth_names[1:-1]

    def starts(self, sequence: TruthSequence, _counts: Sequence[FrameCounts], /) -> dict[int, int]:
        """Return every id from 1 to the highest of the first truth; see `ScoringProtocol.starts`."""
        first = sequence.read_truth(sequence.truth_names[0])
        highest = int(np.where(first == VOID, 0, first).max())
        return dict.fromkeys(range(1, highest + 1), 0)


class AllFrames(ScoringProtocol):
    """Every frame that has a truth counts, for each object from the first frame on whose truth shows it.

    The objects are all ids of the sequence's truth but void (255), wherever they start.
    """

    name = "all-frames"
    frames_scored = "all frames that have a truth, for each object from the first that shows it"

    def scored_frames(self, sequence: TruthSequence) -> tuple[str, ...]:
        """Return all frames; see `ScoringProtocol.scored_frames`."""
        if not sequence.truth_names:
            raise BadInputError(f"{sequence.name}: found no frame with a truth, expected at least 1")
        return sequence.truth_names

    def starts(self, _sequence: TruthSequence, counts: Sequence[FrameCounts], /) -> dict[int, int]:
        """Return every id of the truth and where it first appears; see `ScoringProtocol.starts`."""
        return _first_shown(counts)


class YouTubeVos(ScoringProtocol):
    """YouTube-VOS: for each object, the annotated frames after its first listed one.

    The server's code is not public. Objects and first frames are those of `meta.json`; where there is none, an object
    is taken to be given on the first frame whose truth shows it.
    """

    name: ClassVar[ProtocolName] = "ytvos"
    frames_scored = "the annotated frames after an object's first listed one, the last included"
    averaging = f"{ScoringProtocol.averaging}; G = mean of J and F of the seen and the unseen objects"
    assumed = (
        "the frame on which an object is given does not count",
        "the last annotated frame counts (ytvos-without-last leaves it out)",
        "after its first frame an object counts on every annotated frame of its sequence, listed for it or not",
    )
    last_counts: ClassVar[bool] = True

    def scored_frames(self, sequence: TruthSequence) -> tuple[str, ...]:
        """Return the annotated frames after the first given object; see `ScoringProtocol.scored_frames`."""
        names = sequence.truth_names
        first = min(sequence.first_frames.values(), default=names[0] if names else "")
        frames = tuple(name for name in (names if self.last_counts else names[:-1]) if name > first)
        if not frames:
            raise BadInputError(
                f"{sequence.name}: found a truth for {len(names)} of its frames, none of which the {self.name} "
                f"protocol counts; expected {self.frames_scored}; --protocol all-frames scores them all"
            )
        return frames

    def starts(self, sequence: TruthSequence, counts: Sequence[FrameCounts], /) -> dict[int, int]:
        """Return every object and the place of the frame after its first one; see `ScoringProtocol.starts`."""
        if given := sequence.first_frames:
            frames = self.scored_frames(sequence)
            return {k: bisect_right(frames, given[k]) for k in sorted(given)}
        found = {k: 0 for k in object_ids(sequence.read_truth(sequence.truth_names[0])) if k != VOID}
        for k, place in _first_shown(counts).items():
            found.setdefault(k, place + 1)
        return dict(sorted(found.items()))


class YouTubeVosWithoutLast(YouTubeVos):
    """YouTube-VOS without the last annotated frame of each sequence, as pytracking counts."""

    name = "ytvos-without-last"
    frames_scored = "the annotated frames after an object's first listed one, without the last of the sequence"
    assumed = (
        YouTubeVos.assumed[0],
        "the last annotated frame does not count (ytvos counts it)",
        YouTubeVos.assumed[2],
    )
    last_counts = False


def _first_shown(counts: Sequence[FrameCounts]) -> dict[int, int]:
    """Return the id of each object of the truth, ascending, and the place of the first frame that shows it."""
    found: dict[int, int] = {}
    for place, labels in enumerate(counts):
        for label, numbers in labels.items():
            if numbers.truth_area and label != VOID:
                found.setdefault(label, place)
    return dict(sorted(found.items()))


PROTOCOLS: Mapping[str, ScoringProtocol] = {
    protocol.name: protocol for protocol in (Davis(), YouTubeVos(), YouTubeVosWithoutLast(), AllFrames())
}


def scoring_protocol(name: str) -> ScoringProtocol:
    """Return a protocol by name. Raises BadInputError when there is no such protocol."""
    if name not in PROTOCOLS:
        raise BadInputError(f"there is no protocol {name!r}; known: {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[name]
