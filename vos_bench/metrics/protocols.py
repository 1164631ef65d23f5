"""Protocols: which frames and objects count, and how their values become one number.

A protocol is a set of rules. Each has a name and words, which a record keeps, and most a function. A new benchmark is
one more entry in `PROTOCOLS`; a rule that no protocol has yet is one more field.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import FrameRange, Mask, ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids
from vos_bench.metrics.averages import (
    BY_SEEN_AND_UNSEEN,
    MEAN_OVER_OBJECTS,
    SCORES,
    AveragingRule,
    lvos_means,
    mosev2_means,
    plain_means,
    vost_means,
)
from vos_bench.metrics.counts import FrameCounts
from vos_bench.metrics.measures import (
    CONTOUR,
    CONTOUR_BY_AREA,
    CONTOUR_OF_COMPILED_OP,
    ContourRule,
    region_similarity,
    smoothed_similarity,
)
from vos_bench.metrics.statistics import ObjectScores, Rule, absences, last_quarter, variability
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

    @property
    def frame_ranges(self) -> Mapping[int, FrameRange]:
        """Object id to the frames that a list names for it; empty where there is no such list."""

    @property
    def listed_objects(self) -> tuple[int, ...] | None:
        """The objects that a list names, ascending; None where there is no list."""

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame."""

    def read_truth_labels(self, frame_name: str, /) -> NarrowLabels:
        """Read the truth of one frame, only as wide as its file."""

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the truth of one object on one of its frames, which may overlap that of others."""


class Frames(NamedTuple):
    """The frames of a sequence that count.

    Attributes:
        names: All that count for some object, in order.
        own: Where each object has frames of its own: object id to those that count for it.
    """

    names: Names
    own: Mapping[int, Names] = {}


Places = Sequence[int]
"""Which of the frames that count do so for one object: their places, ascending."""

FrameRule = Rule[Callable[[TruthSequence], Frames]]
"""Returns the frames that count. Raises BadInputError when a sequence has too few."""

ObjectRule = Rule[Callable[[TruthSequence, Frames, Sequence[FrameCounts]], dict[int, Places]]]
"""Returns the id of each object, ascending, and the frames that count for it, from all that count and their pixel
counts. An object without any may show up in label maps and is not scored."""

FormulaRule = Rule[Callable[..., NDArray[np.float64]]]
"""Returns one value for each frame from its pixel counts."""

StatisticRule = Rule[Callable[[ObjectScores, NDArray[np.bool_]], dict[str, float]]]
"""Returns more of an object's numbers, by name, from its values and from whether each frame's truth shows it."""

FilesRule = Rule[Callable[[Names, Names], str]]
"""Returns what is wrong with the names of a sequence's label maps, given those of its truth; empty when nothing is."""

REGION: FormulaRule = Rule("intersection over union; 1 where both are empty, 0 where one is", region_similarity)
SMOOTHED_REGION: FormulaRule = Rule("(intersection + 1) / (union + 1)", smoothed_similarity)


def _any_files(_truth: Names, _present: Names) -> str:
    return ""


ANY_FILES: FilesRule = Rule("one for each scored frame; others do not matter", _any_files)


@dataclass(frozen=True)
class OfficialTool:
    """The tool whose rules these are, and where it says nothing of what went wrong.

    Attributes:
        source: Repository, file and commit; empty where none is published.
        missing_sequence: What it does with a sequence that has no label maps.
        missing_frame: With a frame that has none.
        too_few_frames: With a sequence that has no frame to score.
    """

    source: str = ""
    missing_sequence: str = ""
    missing_frame: str = ""
    too_few_frames: str = ""


@dataclass(frozen=True)
class ScoringProtocol:
    """The rules of one benchmark.

    Attributes:
        name: As on the command line.
        frames: Which frames count.
        objects: Which objects count, each on which of these frames.
        region: J of a frame.
        contour: F of a frame; None where the benchmark has none.
        files: Which label maps there have to be.
        void: What 255 in label maps is.
        white: What a 0/255 mask is: the mask of the one object of its sequence, or a label map with 255 in it.
        unknown_ids: What becomes of ids in label maps that no object has: an error, or background.
        wrapped: Whether a folder that lies alone in the folder of label maps, and is no sequence's, is looked into.
        extra: What an object has besides mean, recall and decay of J and F.
        averaging: How the values of objects become the scores.
        scores: The names of the scores, the main one first.
        official: The tool whose rules these are.
        assumed: Each thing that is assumed because nobody published it.
        tracks: The task by which whole tracks are judged, not label maps; see `vos_bench.scoring.tracks`.
    """

    name: ProtocolName
    frames: FrameRule
    objects: ObjectRule
    region: FormulaRule = REGION
    contour: ContourRule | None = CONTOUR
    files: FilesRule = ANY_FILES
    void: Literal["background", "an object"] = "background"
    white: Literal["the one object", "as it is"] = "the one object"
    unknown_ids: Literal["refused", "ignored"] = "refused"
    wrapped: bool = False
    extra: tuple[StatisticRule, ...] = ()
    averaging: AveragingRule = MEAN_OVER_OBJECTS
    scores: tuple[str, ...] = SCORES
    official: OfficialTool = field(default_factory=OfficialTool)
    assumed: tuple[str, ...] = ()
    tracks: Literal["exemplar", "class", "open"] | None = None

    @property
    def rules(self) -> dict[str, str]:
        """What a record keeps of the rules that have no field of their own there."""
        found = {
            "objects": self.objects.text,
            "J": self.region.text,
            "F": self.contour.text if self.contour else "none",
            "255": self.void,
            "0/255 masks": self.white,
            "unknown ids": self.unknown_ids,
            "label maps": self.files.text,
            "wrapped folder": "looked into" if self.wrapped else "refused",
            "extra scores": "; ".join(rule.text for rule in self.extra) or "none",
            "official tool": self.official.source or "none published",
        }
        return {
            name: text for name, text in found.items() if not (self.tracks and name in ("J", "F", "255", "0/255 masks"))
        }

    def scored_frames(self, sequence: TruthSequence) -> Names:
        """Return the names of the frames that count. Raises BadInputError when the sequence has too few."""
        return self.select_frames(sequence).names

    def select_frames(self, sequence: TruthSequence) -> Frames:
        """Return the frames that count, by object where each has its own. Raises BadInputError as `scored_frames`."""
        return self.frames.apply(sequence)

    def places(self, sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
        """Return each object's id and its places among the frames that count; see `ObjectRule`."""
        return self.objects.apply(sequence, frames, counts)


def _trimmed(name: ProtocolName, *, first: int, last: int, too_few: str = "") -> Callable[[TruthSequence], Frames]:
    """Return what leaves out the first and the last frames, of each object where they have files of their own."""

    def trim(names: Names, of: str) -> Names:
        if len(names) > first + last:
            return names[first : len(names) - last]
        left_out = " and ".join(["the first"] * first + ["the last"] * last) or "none"
        instead = {"davis": "all-frames", "sav": "sav-all"}.get(name, "")
        raise BadInputError(
            f"{of}: found a truth for {len(names)} of its frames, expected at least {first + last + 1}: "
            f"the {name} protocol leaves out {left_out}"
            + (f"; --protocol {instead} scores them all" if instead else "")
            + (f"; {too_few}" if too_few else "")
        )

    def select(sequence: TruthSequence) -> Frames:
        if not sequence.object_names:
            return Frames(trim(sequence.truth_names, sequence.name))
        own = {
            k: trim(sequence.object_frames[k], f"{sequence.name}/{folder}")
            for k, folder in sequence.object_names.items()
        }
        wanted = {frame for names in own.values() for frame in names}
        return Frames(tuple(name for name in sequence.truth_names if name in wanted), own)

    return select


def _all(sequence: TruthSequence) -> Frames:
    if not sequence.truth_names:
        raise BadInputError(f"{sequence.name}: found no frame with a truth, expected at least 1")
    return Frames(sequence.truth_names, sequence.object_frames if sequence.object_names else {})


def _after_first_object(name: ProtocolName, text: str, *, last_counts: bool) -> FrameRule:
    """Return the rule of YouTube-VOS: the annotated frames after the first given object."""

    def select(sequence: TruthSequence) -> Frames:
        names = sequence.truth_names
        first = min(sequence.first_frames.values(), default=names[0] if names else "", key=frame_order)
        later = (each for each in (names if last_counts else names[:-1]) if frame_order(each) > frame_order(first))
        frames = tuple(later)
        if not frames:
            raise BadInputError(
                f"{sequence.name}: found a truth for {len(names)} of its frames, none of which the {name} "
                f"protocol counts; expected {text}; --protocol all-frames scores them all"
            )
        return Frames(frames)

    return Rule(text, select)


def _listed_ranges(sequence: TruthSequence) -> Frames:
    """Return each object's listed frames without its first and its last, as LVOS's tool counts them."""
    if not sequence.frame_ranges:
        raise BadInputError(
            f"{sequence.name}: found no list of its objects' frames, expected valid_meta.json with frame_range of each;"
            " score with --dataset lvos, or by another --protocol"
        )
    own = {k: _inner_frames(sequence, k, listed) for k, listed in sequence.frame_ranges.items()}
    wanted = {name for names in own.values() for name in names}
    present = frozenset(sequence.truth_names)
    if lost := sorted(wanted - present):
        raise BadInputError(f"{sequence.name}: its list names frame {lost[0]}, for which there is no truth")
    return Frames(tuple(sorted(wanted)), own)


def _inner_frames(sequence: TruthSequence, object_id: int, listed: FrameRange) -> Names:
    """Return an object's frames but the first and the one at place frame_nums - 1."""
    found, said = len(listed.frames), listed.listed
    if said >= 3 and found in (said - 1, said):
        return listed.frames[1 : said - 1]
    tool = "stop"
    if said == 2:
        tool = "give NaN for the object, and for every mean that holds it"
    elif said - 1 > found:
        tool = f"average {said - 1 - found} frames of value 0 in, which do not exist"
    raise BadInputError(
        f"{sequence.name}: its list says frame_nums {said} for object {object_id}, which has {found} frames from start "
        f"to end; expected {found} or {found + 1}, and at least 3; mend the list (the official tool would {tool})"
    )


def _everywhere(ids: Iterable[int], frames: Frames) -> dict[int, Places]:
    return {k: range(len(frames.names)) for k in ids}


def _own_places(object_id: int, frames: Frames) -> Places:
    if object_id not in frames.own:
        return range(len(frames.names))
    place = {name: i for i, name in enumerate(frames.names)}
    return [place[name] for name in frames.own[object_id]]


def _up_to_highest(sequence: TruthSequence, frames: Frames, _counts: Sequence[FrameCounts]) -> dict[int, Places]:
    if sequence.object_names:
        return {k: _own_places(k, frames) for k in sequence.object_names}
    first = sequence.read_truth(sequence.truth_names[0])
    highest = int(np.where(first == VOID, 0, first).max())
    return _everywhere(range(1, highest + 1), frames)


def _where_shown(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    first = _first_shown(counts)
    if sequence.object_names:
        return {k: [i for i in _own_places(k, frames) if i >= start] for k, start in first.items()}
    return {k: range(start, len(frames.names)) for k, start in first.items()}


def _after_given(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    names = frames.names
    if given := sequence.first_frames:
        return {
            k: range(bisect_right(names, frame_order(given[k]), key=frame_order), len(names)) for k in sorted(given)
        }
    found = {k: 0 for k in object_ids(sequence.read_truth(sequence.truth_names[0])) if k != VOID}
    for k, place in _first_shown(counts).items():
        found.setdefault(k, place + 1)
    return {k: range(place, len(names)) for k, place in sorted(found.items())}


def _first_shown(counts: Sequence[FrameCounts]) -> dict[int, int]:
    """Return the id of each object of the truth, ascending, and the place of the first frame that shows it."""
    found: dict[int, int] = {}
    for place, labels in enumerate(counts):
        for label, numbers in labels.items():
            if numbers.truth_area and label != VOID:
                found.setdefault(label, place)
    return dict(sorted(found.items()))


def _where_either_shows(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    """Return SA-V's objects, each from the first frame on where truth or mask has it."""
    shown = sorted({k for labels in counts for k, numbers in labels.items() if numbers.truth_area})
    found: dict[int, Places] = {}
    for k in sequence.object_names or shown:
        places = _own_places(k, frames)
        if k not in shown:
            raise BadInputError(
                f"{sequence.name}/{sequence.object_names[k]}: no scored frame of its truth shows the object, expected "
                "one at least; leave the object out (the official tool stops here)"
            )
        start = next(i for i in places if k in counts[i])
        found[k] = [i for i in places if i >= start]
    return found


def _listed(sequence: TruthSequence, frames: Frames, counts: Sequence[FrameCounts]) -> dict[int, Places]:
    ids = tuple(_first_shown(counts)) if sequence.listed_objects is None else sequence.listed_objects
    return {k: _own_places(k, frames) for k in ids}


def _same_up_to_last(truth: Names, present: Names) -> str:
    """Compare names as MOSEv2's tool would pair them: by their places in the order of their numbers."""
    if wrong := [name for name in present if not name.isdecimal()]:
        return f"found a label map named {wrong[0]}.png, expected whole numbers as names; the official tool would stop"
    expected, found = truth[:-1], sorted(present, key=int)[: len(truth) - 1]
    if list(expected) == found:
        return ""
    missing = [name for name in expected if name not in set(present)]
    if len(present) == len(truth) - 1 and missing:
        return (
            f"the label map {missing[0]}.png is missing; write an empty one where no object is seen (the official tool "
            "would not say so: it would shift all later frames by one, and score the last)"
        )
    if missing:
        return f"{len(missing)} label maps are missing, the first is {missing[0]}.png; the official tool would stop"
    extra = next(name for name in found if name not in set(truth))
    return f"found {extra}.png, which the truth lacks; remove it (the official tool looks for its truth, and stops)"


DAVIS = ScoringProtocol(
    name="davis",
    # The last frame is left out for historical reasons.
    frames=Rule("all frames that have a truth, without the first and the last", _trimmed("davis", first=1, last=1)),
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
_NOT_ITS_FIRST = "the frame on which an object is given does not count"
_TO_THE_END = "after its first frame an object counts on every annotated frame of its sequence, listed for it or not"

YOUTUBE_VOS = ScoringProtocol(
    name="ytvos",
    frames=_after_first_object(
        "ytvos", "the annotated frames after an object's first listed one, the last included", last_counts=True
    ),
    objects=_GIVEN,
    averaging=BY_SEEN_AND_UNSEEN,
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
    averaging=BY_SEEN_AND_UNSEEN,
    assumed=(_NOT_ITS_FIRST, "the last annotated frame does not count (ytvos counts it)", _TO_THE_END),
)
"""YouTube-VOS without the last annotated frame of each sequence, as pytracking counts."""

_NO_OBJECT = "leave the sequence out of the mean without a word, or stop where each object has a folder"
_EITHER: ObjectRule = Rule(
    "all ids that the truth of a scored frame shows, each from the first frame on that truth or mask shows it; where "
    "each object has a folder of masks, all folders, and masks may overlap",
    _where_either_shows,
)

SAV = ScoringProtocol(
    name="sav",
    frames=Rule(
        "all frames that have a truth, in the order of their names as text, without the first and the last; of each "
        "object where each has a folder of masks",
        _trimmed("sav", first=1, last=1, too_few=f"the official tool would {_NO_OBJECT}"),
    ),
    objects=_EITHER,
    void="an object",
    white="as it is",
    unknown_ids="ignored",
    scores=("J&F", "J", "F"),
    averaging=Rule(MEAN_OVER_OBJECTS.text, plain_means),
    official=OfficialTool(
        source="facebookresearch/sam2, sav_dataset, 2b90b9f",
        missing_sequence="leave it out of the mean without a word",
    ),
)
"""SA-V, as sav_dataset of SAM 2 scores it."""

SAV_ALL = ScoringProtocol(
    name="sav-all",
    frames=Rule("all frames that have a truth; of each object where each has a folder of masks", _all),
    objects=_EITHER,
    void="an object",
    white="as it is",
    unknown_ids="ignored",
    scores=SAV.scores,
    averaging=SAV.averaging,
    official=SAV.official,
)
"""SA-V with --do_not_skip_first_and_last_frame."""

MOSEV1 = ScoringProtocol(
    name="mosev1",
    frames=Rule(
        "all frames that have a truth, in the order of their names as text, without the first and the last",
        _trimmed("mosev1", first=1, last=1, too_few="vos-benchmark would leave the sequence out without a word"),
    ),
    objects=_EITHER,
    void="an object",
    white="as it is",
    unknown_ids="ignored",
    scores=SAV.scores,
    averaging=SAV.averaging,
    official=OfficialTool(missing_sequence="leave it out of the mean without a word"),
    assumed=("all rules are those of vos-benchmark (acb4733), since the server's code is not public",),
)
"""MOSE of 2023, by a community tool."""

MOSEV2 = ScoringProtocol(
    name="mosev2",
    frames=Rule(
        "all frames in the order of their numbers, without the first and the last",
        _trimmed(
            "mosev2", first=1, last=1, too_few="the official tool would score 0 for each object of such a sequence"
        ),
    ),
    objects=Rule("those of the list, shown or not, on all scored frames", _listed),
    region=SMOOTHED_REGION,
    contour=CONTOUR_BY_AREA,
    files=Rule(
        "by place in the order of numbers: the truth's frames but the last, none between them; those after it do not "
        "matter",
        _same_up_to_last,
    ),
    white="as it is",
    unknown_ids="ignored",
    wrapped=True,
    extra=(
        Rule(
            "disappearance: J&F_dot while the truth is empty, times from the first scored frame on left out; "
            "reappearance: J&F_dot from a frame on where the object comes (back) until it goes; mean over the times of "
            "an object, then over the objects that have one",
            absences,
        ),
    ),
    averaging=Rule("mean over the frames of each object, then over all objects", mosev2_means),
    scores=("J&F_dot", "J", "F_dot", "J&F_dot_disappear", "J&F_dot_reappear", "F", "J&F"),
    official=OfficialTool(
        source="henghuiding/MOSE-api, MOSEv2/sam2_rcms/tools/score.py, 241977a",
        missing_sequence="count 0 for each of its objects",
        missing_frame="shift all later frames by one, or stop",
    ),
)
"""MOSEv2."""

_RANGES: FrameRule = Rule(
    "of each object every fifth frame number from its listed start to its end (excluded), without the first and the "
    "one at place frame_nums - 1",
    _listed_ranges,
)
_LVOS_TOOL = OfficialTool(
    source="LingyiHongfd/lvos-evaluation, 25cb02d",
    missing_sequence="end with exit status 0 and no result",
    missing_frame="end with exit status 0 and no result",
)
_VARIABILITY: StatisticRule = Rule(
    "V: root of the mean squared deviation of (J + F) / 2 from its mean, rounded to 4 decimals before the root",
    variability,
)
_LVOS_MEANS: AveragingRule = Rule(
    "mean over the frames of each object, then over the seen and over the unseen objects; J, F and V are the means of "
    "both, J&F = (J + F) / 2",
    lvos_means,
)
_LVOS_SCORES = (
    "J&F",
    *(f"{measure}{group}" for measure in ("J", "F", "V") for group in ("", "_seen", "_unseen")),
)

LVOS = ScoringProtocol(
    name="lvos",
    frames=_RANGES,
    objects=Rule("those of the list, shown or not, each on its own frames", _listed),
    white="as it is",
    unknown_ids="ignored",
    extra=(_VARIABILITY,),
    averaging=_LVOS_MEANS,
    scores=_LVOS_SCORES,
    official=_LVOS_TOOL,
)
"""LVOS, both versions."""

LVOS_COMPILED_OP = ScoringProtocol(
    name="lvos-compiled-op",
    frames=LVOS.frames,
    objects=LVOS.objects,
    contour=CONTOUR_OF_COMPILED_OP,
    white=LVOS.white,
    unknown_ids=LVOS.unknown_ids,
    extra=LVOS.extra,
    averaging=LVOS.averaging,
    scores=LVOS.scores,
    official=OfficialTool(
        source=f"{_LVOS_TOOL.source}, with its optional op compiled",
        missing_sequence=_LVOS_TOOL.missing_sequence,
        missing_frame=_LVOS_TOOL.missing_frame,
    ),
)
"""LVOS as its tool scores once its optional op is compiled: F and V are others."""

VOST = ScoringProtocol(
    name="vost",
    frames=Rule(
        "all frames that have a truth, in the order of their names as text, without the first and the last",
        _trimmed("vost", first=1, last=1, too_few="the official tool stops there"),
    ),
    objects=Rule(
        "1 to the highest id of the first truth, present there or not, on all scored frames; a sequence whose first "
        "truth is empty has none",
        _up_to_highest,
    ),
    contour=None,
    white="as it is",
    unknown_ids="ignored",
    extra=(Rule("J_last: mean, recall and decay of J over the frames from place floor(0.75 n) of n on", last_quarter),),
    averaging=Rule("mean over the frames of each object, then over the objects of all sequences", vost_means),
    scores=("J", "J_recall", "J_decay", "J_last", "J_last_recall", "J_last_decay"),
    official=OfficialTool(
        source="TRI-ML/VOST, evaluation, fe27457",
        missing_sequence="end with exit status 0 and no result",
        missing_frame="end with exit status 0 and no result",
    ),
)
"""VOST, which has no F."""

_TRACK_FRAMES: FrameRule = Rule("the annotated frames on which the truth has any mask", _all)
_BOXES = "; HOTA by the IoU of bounding boxes, as the official tool has it, mask_HOTA by that of masks, AP by masks"


def _not_by_objects(_objects: Sequence[object]) -> dict[str, float]:
    raise BadInputError("scores of tracks are no means over objects; score the file of tracks again")


_EACH_CLASS: AveragingRule = Rule(
    "mean over 19 thresholds (0.05 to 0.95) of a class over all videos, then over the classes that the truth shows, 45 "
    "distractor classes left out; common are the 78 classes of COCO, uncommon all others",
    _not_by_objects,
)
_ALL_TRACKS: AveragingRule = Rule(
    "mean over 19 thresholds (0.05 to 0.95) of all tracks as one class, for each set of classes", _not_by_objects
)


def _of_tracks(
    name: ProtocolName, task: Literal["exemplar", "class", "open"], objects: str, measures: tuple[str, ...]
) -> ScoringProtocol:
    """Return a protocol of BURST."""
    of_masks = tuple(f"mask_{measure}" for measure in measures if measure != "AP")
    parts = ("all", "common", "uncommon")
    return ScoringProtocol(
        name=name,
        frames=_TRACK_FRAMES,
        objects=Rule(objects + _BOXES, _where_shown),
        files=Rule("a JSON file of tracks; an empty mask is a false detection, so leave it out", _any_files),
        white="as it is",
        unknown_ids="ignored",
        averaging=_ALL_TRACKS if task == "open" else _EACH_CLASS,
        scores=tuple(f"{measure}_{part}" for measure in (*measures, *of_masks) for part in parts),
        official=OfficialTool(source="Ali2500/BURST-benchmark, burstapi/eval, c143198"),
        tracks=task,
    )


_WITH_CLASSES = ("HOTA", "DetA", "AssA", "AP")

BURST_EXEMPLAR = _of_tracks(
    "burst-exemplar",
    "exemplar",
    "tracks by class, matched by HOTA whatever their ids; the class that the prediction gives counts",
    _WITH_CLASSES,
)
BURST_CLASS = _of_tracks(
    "burst-class",
    "class",
    "tracks by class, matched by HOTA whatever their ids; predictions that match nothing do not count where the frame "
    "has not the class and the video does not list it as absent, or where it is not exhaustive",
    _WITH_CLASSES,
)
BURST_OPEN = _of_tracks(
    "burst-open",
    "open",
    "tracks, matched by HOTA whatever their ids and classes; predictions on frames without any truth do not count",
    ("OWTA", "DetRe", "AssA"),
)

PROTOCOLS: Mapping[str, ScoringProtocol] = {
    protocol.name: protocol
    for protocol in (
        DAVIS,
        YOUTUBE_VOS,
        YOUTUBE_VOS_WITHOUT_LAST,
        ALL_FRAMES,
        SAV,
        SAV_ALL,
        MOSEV1,
        MOSEV2,
        LVOS,
        LVOS_COMPILED_OP,
        VOST,
        BURST_EXEMPLAR,
        BURST_CLASS,
        BURST_OPEN,
    )
}


def scoring_protocol(name: str) -> ScoringProtocol:
    """Return a protocol by name. Raises BadInputError when there is no such protocol."""
    if name not in PROTOCOLS:
        raise BadInputError(f"there is no protocol {name!r}; known: {', '.join(sorted(PROTOCOLS))}")
    return PROTOCOLS[name]
