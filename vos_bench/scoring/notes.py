"""Notes on label maps and their truth: white and undecided pixels, frames that seem shifted, no background."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import (
    PARTIAL_NOTE,
    VOID,
    VOID_NOTE,
    WHITE_NOTE,
    NarrowLabels,
    describe_unknown_ids,
    object_ids,
    partial_truth,
    read_narrow,
    white_as,
)
from vos_bench.metrics.counts import FrameCounts
from vos_bench.metrics.frame_rules import Names, TruthSequence
from vos_bench.scoring.truth import label_map_names

SHIFTED_NOTE = (
    "the label map of the second frame is the mask given on the first, and the first frame has none: the label maps "
    "may be numbered one too high"
)
NOT_GIVEN_NOTE = (
    "the first label map is not the given mask: it may be the method's own answer, or the frames may be shifted"
)
NEXT_FRAME_NOTE = "the first label map shows the truth of the next frame: the label maps may be numbered one too low"
NO_BACKGROUND_NOTE = (
    "no pixel of the label maps is background (0): tools that choose a palette themselves number it anew"
)

LOST_WHITE_NOTE = (
    "label maps show nothing but white (255), which is background by this protocol, as in the official tool: write the "
    "ids of the objects instead"
)
PASSED_OVER_NOTE = (
    "label maps of frames without a truth are passed over, as those between the annotated frames of a higher frame rate"
)


class WhiteTruth:
    """A sequence whose truth is 0/255 masks: white is object 1."""

    def __init__(self, sequence: TruthSequence) -> None:
        """Take the sequence."""
        self._sequence = sequence
        self.name, self.truth_names = sequence.name, sequence.truth_names
        self.groups, self.first_frames = sequence.groups, sequence.first_frames
        self.object_names, self.object_frames = sequence.object_names, sequence.object_frames
        self.frame_ranges, self.listed_objects = sequence.frame_ranges, sequence.listed_objects
        self.output_names: Names = getattr(sequence, "output_names", ())

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame."""
        return white_as(self._sequence.read_truth(frame_name))

    read_truth_labels = read_truth

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the truth of one object on one of its frames."""
        mask: Mask = self.read_truth(frame_name) == object_id
        return mask

    def read_object_labels(self, frame_name: str, object_id: int, /) -> NarrowLabels:
        """Read what `read_truth_mask` reads, as 0 and 1."""
        return self.read_truth_mask(frame_name, object_id).view(np.uint8)


@dataclass
class TruthReading:
    """How the truth of a sequence is read, and what was seen.

    Attributes:
        sequence: The sequence, with white as object 1 where its truth is 0/255 masks.
        only_object: The one object of the first truth; None where it shows none or several.
        white: Whether white is object 1 in the truth.
        white_masks: How many label maps were 0/255 masks.
        without_background: How many label maps had no pixel of label 0.
        raw: Whether white is taken as it is.
    """

    sequence: TruthSequence
    only_object: int | None
    white: bool = False
    white_masks: int = 0
    without_background: int = 0
    raw: bool = False

    def read(self, frame_name: str) -> NarrowLabels:
        """Read the truth of one frame."""
        return self.sequence.read_truth_labels(frame_name) if self.raw else self.sequence.read_truth(frame_name)


def read_truth_ids(sequence: TruthSequence) -> TruthReading:
    """Look at the first truth of a sequence: whether it is a 0/255 mask, and whether it shows one object.

    Where it shows none, or white alone, all are looked at. What cannot be read says nothing here, and neither does a
    sequence whose objects have masks of their own, which are read as masks anyway.
    """
    if sequence.object_names:
        return TruthReading(sequence, None)
    try:
        first = _ids(sequence, sequence.truth_names[0])
        if first not in ((), (VOID,)):
            return TruthReading(sequence, _only(first))
        every = {_ids(sequence, name) for name in sequence.truth_names}
    except BadInputError:
        return TruthReading(sequence, None)
    if (VOID,) in every and every <= {(), (1,), (VOID,)}:
        return TruthReading(WhiteTruth(sequence), 1, white=True)
    return TruthReading(sequence, _only({k for ids in every for k in ids}))


def _ids(sequence: TruthSequence, frame: str) -> tuple[int, ...]:
    return object_ids(sequence.read_truth(frame))


def _only(ids: Collection[int]) -> int | None:
    objects = [k for k in ids if k != VOID]
    return objects[0] if len(objects) == 1 else None


def require_one_object(reading: TruthReading, folder: Path, counts: Sequence[FrameCounts]) -> None:
    """Refuse white in label maps of a sequence where other objects start later. Raises BadInputError."""
    objects = {label for labels in counts for label, numbers in labels.items() if numbers.truth_area} - {VOID}
    if reading.white_masks and len(objects) > 1:
        raise BadInputError(describe_unknown_ids([VOID], objects, folder) or "")


def scoring_notes(
    reading: TruthReading, folder: Path, counts: Sequence[FrameCounts], *, void_is_object: bool
) -> dict[str, str]:
    """Return what to know of a sequence that was scored, by a protocol in which 255 is an object, or is none."""
    notes: dict[str, str] = {}
    if reading.white or reading.white_masks:
        notes[WHITE_NOTE] = ""
    marked = sum(bool(VOID in labels and labels[VOID].truth_area) for labels in counts)
    if marked and not void_is_object:
        notes[VOID_NOTE] = f"{marked} of {len(counts)} scored frames"
    if reading.raw and not void_is_object and (white := sum(map(_shows_white_alone, counts))):
        notes[LOST_WHITE_NOTE] = f"{white} of {len(counts)} scored frames"
    if counts and reading.without_background == len(counts):
        notes[NO_BACKGROUND_NOTE] = ""
    return {**notes, **_partial(reading.sequence, folder), **_passed_over(reading, folder)}


def _shows_white_alone(labels: FrameCounts) -> bool:
    """Say whether white is all that a label map shows."""
    return {label for label, numbers in labels.items() if numbers.mask_area and label} == {VOID}


def _partial(sequence: TruthSequence, folder: Path) -> dict[str, str]:
    outputs = getattr(sequence, "output_names", None) or {*sequence.truth_names, *_numbered(folder, sequence)}
    note = partial_truth(sequence.truth_names, tuple(outputs))
    return {PARTIAL_NOTE: note} if note else {}


def _passed_over(reading: TruthReading, folder: Path) -> dict[str, str]:
    """Say how many files of a sequence, or of its first object, are of frames without a truth."""
    if not reading.raw:
        return {}
    place = folder / next(iter(reading.sequence.object_names.values()), "")
    present = label_map_names(place)
    known = frozenset(reading.sequence.truth_names)
    others = sum(name not in known for name in present)
    return {PASSED_OVER_NOTE: f"{others} of {len(present)}"} if others else {}


def _numbered(folder: Path, sequence: TruthSequence) -> list[str]:
    """Return the label maps whose names are numbers between the first and the last frame of the truth."""
    names = sequence.truth_names
    if not all(map(str.isdecimal, names)):
        return []
    first, last = int(names[0]), int(names[-1])
    return [name for name in label_map_names(folder) if name.isdecimal() and first < int(name) < last]


def first_frame_notes(reading: TruthReading, folder: Path) -> dict[str, str]:
    """Compare the first label map with the mask given there; nothing where either cannot be read."""
    if reading.raw:  # the protocol did not ask what a 0/255 mask is, which matters here
        reading = read_truth_ids(reading.sequence)
    sequence, names = reading.sequence, reading.sequence.truth_names
    if len(names) < 2 or sequence.object_names:
        return {}
    first, second = (folder / f"{name}.png" for name in names[:2])
    try:
        given, following = (_objects(sequence.read_truth(name)) for name in names[:2])
        if not given.max(initial=0) or _alike(given, following):
            return {}
        if not first.is_file():
            return {SHIFTED_NOTE: ""} if _alike(_labels(reading, second), given) else {}
        labels = _labels(reading, first)
    except BadInputError:
        return {}
    if labels.shape != given.shape or _alike(labels, given):
        return {}
    return {NEXT_FRAME_NOTE if _alike(labels, following) else NOT_GIVEN_NOTE: ""}


_GLANCE = 16
"""Every how manieth row two label maps are compared by first: those of different frames nearly always differ there."""


def _alike(one: NarrowLabels, other: NarrowLabels) -> bool:
    return np.array_equal(one[::_GLANCE], other[::_GLANCE]) and np.array_equal(one, other)


def _labels(reading: TruthReading, path: Path) -> NarrowLabels:
    labels = read_narrow(path)
    return labels if reading.only_object is None else white_as(labels, reading.only_object)


def _objects(labels: NarrowLabels) -> NarrowLabels:
    return np.where(labels == VOID, 0, labels) if int(labels.max(initial=0)) >= VOID else labels
