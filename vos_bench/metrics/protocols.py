"""The scoring protocols of all benchmarks; a new benchmark is one more entry in `PROTOCOLS`."""

from collections.abc import Mapping, Sequence
from typing import Literal

from vos_bench.api import ProtocolName
from vos_bench.errors import BadInputError
from vos_bench.metrics.averages import (
    BY_SEEN_AND_UNSEEN,
    MEAN_OVER_OBJECTS,
    AveragingRule,
    lvos_means,
    mosev2_means,
    plain_means,
    vost_means,
)
from vos_bench.metrics.contours import CONTOUR_BY_AREA, CONTOUR_OF_COMPILED_OP
from vos_bench.metrics.frame_rules import (
    FrameRule,
    ObjectRule,
    all_frames,
    any_names,
    frames_after_first_object,
    frames_of_ranges,
    names_up_to_last,
    objects_after_given,
    objects_of_list,
    objects_up_to_highest,
    objects_up_to_highest_label,
    objects_where_either_shows,
    objects_where_shown,
    trimmed_frames,
)
from vos_bench.metrics.scoring_rules import SMOOTHED_REGION, OfficialTool, ScoringProtocol, StatisticRule
from vos_bench.metrics.statistics import Rule, absences, last_quarter, variability

DAVIS = ScoringProtocol(
    name="davis",
    # The last frame is left out for historical reasons.
    frames=Rule(
        "all frames that have a truth, without the first and the last",
        trimmed_frames("davis", first=1, last=1, instead="all-frames"),
    ),
    objects=Rule(
        "1 to the highest id of the first truth, present there or not, on all scored frames; a higher id is background",
        objects_up_to_highest,
    ),
    official=OfficialTool(source="davisvideochallenge/davis2017-evaluation, ac7c43f"),
)
"""The semi-supervised protocol of DAVIS 2016 and 2017, as davis2017-evaluation applies it."""

ALL_FRAMES = ScoringProtocol(
    name="all-frames",
    frames=Rule("all frames that have a truth, for each object from the first that shows it", all_frames),
    objects=Rule("all ids of the truth, each from the first frame that shows it", objects_where_shown),
)

_GIVEN: ObjectRule = Rule(
    "those of meta.json, each after its first listed frame; without one, all ids of the truth, each after the first "
    "frame that shows it",
    objects_after_given,
)
_NOT_ITS_FIRST = "the frame on which an object is given does not count"
_TO_THE_END = "after its first frame an object counts on every annotated frame of its sequence, listed for it or not"

YOUTUBE_VOS = ScoringProtocol(
    name="ytvos",
    frames=frames_after_first_object(
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
    frames=frames_after_first_object(
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
    objects_where_either_shows,
)

SAV = ScoringProtocol(
    name="sav",
    frames=Rule(
        "all frames that have a truth, in the order of their names as text, without the first and the last; of each "
        "object where each has a folder of masks",
        trimmed_frames("sav", first=1, last=1, instead="sav-all", too_few=f"the official tool would {_NO_OBJECT}"),
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
    frames=Rule("all frames that have a truth; of each object where each has a folder of masks", all_frames),
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
        trimmed_frames("mosev1", first=1, last=1, too_few="vos-benchmark would leave the sequence out without a word"),
    ),
    objects=_EITHER,
    void="an object",
    white="as it is",
    unknown_ids="ignored",
    scores=SAV.scores,
    averaging=SAV.averaging,
    official=OfficialTool(missing_sequence="leave it out of the mean without a word", name="vos-benchmark"),
    assumed=("all rules are those of vos-benchmark (acb4733), since the server's code is not public",),
)
"""MOSE of 2023, by a community tool."""

MOSEV2 = ScoringProtocol(
    name="mosev2",
    frames=Rule(
        "all frames in the order of their numbers, without the first and the last",
        trimmed_frames(
            "mosev2", first=1, last=1, too_few="the official tool would score 0 for each object of such a sequence"
        ),
    ),
    objects=Rule("those of the list, shown or not, on all scored frames", objects_of_list),
    region=SMOOTHED_REGION,
    contour=CONTOUR_BY_AREA,
    files=Rule(
        "by place in the order of numbers: the truth's frames but the last, none between them; those after it do not "
        "matter",
        names_up_to_last,
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
    headline="J&F_dot",
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
    frames_of_ranges,
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
    objects=Rule("those of the list, shown or not, each on its own frames", objects_of_list),
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
        trimmed_frames("vost", first=1, last=1, too_few="the official tool stops there"),
    ),
    objects=Rule(
        "1 to the highest id of the first truth, present there or not, on all scored frames; a sequence whose first "
        "truth is empty has none",
        objects_up_to_highest_label,
    ),
    contour=None,
    white="as it is",
    unknown_ids="ignored",
    extra=(Rule("J_last: mean, recall and decay of J over the frames from place floor(0.75 n) of n on", last_quarter),),
    averaging=Rule("mean over the frames of each object, then over the objects of all sequences", vost_means),
    scores=("J", "J_recall", "J_decay", "J_last", "J_last_recall", "J_last_decay"),
    headline="J",
    official=OfficialTool(
        source="TRI-ML/VOST, evaluation, fe27457",
        missing_sequence="end with exit status 0 and no result",
        missing_frame="end with exit status 0 and no result",
    ),
)
"""VOST, which has no F."""

_TRACK_FRAMES: FrameRule = Rule("the annotated frames on which the truth has any mask", all_frames)
_BOXES = "; HOTA by the IoU of bounding boxes, as the official tool has it, mask_HOTA by that of masks, AP by masks"


def _not_by_objects(_objects: Sequence[object]) -> dict[str, float]:
    raise BadInputError("scores of tracks are no means over objects; score the file of tracks again")


_EACH_CLASS: AveragingRule = Rule(
    "mean over 19 thresholds (0.05 to 0.95) of a class over all videos, then over the classes that the truth shows, 45 "
    "distractor classes left out, and 7 counted as another; common are the 78 classes of COCO, uncommon all others",
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
        objects=Rule(objects + _BOXES, objects_where_shown),
        files=Rule("a JSON file of tracks; an empty mask is a false detection, so leave it out", any_names),
        white="as it is",
        unknown_ids="ignored",
        averaging=_ALL_TRACKS if task == "open" else _EACH_CLASS,
        scores=tuple(f"{measure}_{part}" for measure in (*measures, *of_masks) for part in parts),
        headline=f"{measures[0]}_all",
        official=OfficialTool(source="Ali2500/BURST-benchmark, burstapi/eval, c143198"),
        tracks=task,
    )


_WITH_CLASSES = ("HOTA", "DetA", "AssA", "AP")

NO_TRACKS = "judges tracks; expected a dataset that has some, as burst"
"""What to say of such a protocol on other data."""

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
