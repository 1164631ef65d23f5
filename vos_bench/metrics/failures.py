"""How a method fails on an object: it misses it, drifts off, reports it where it is not, or returns too late.

Each measure has a page in docs/failures.md, with its formula and its source. `failures` computes those of vos-bench,
`vots_object` and `vots_means` those of the VOT toolkit.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.metrics.measures import Measure, region_similarity
from vos_bench.metrics.overlaps import ObjectOverlap

HELD = 0.1
"""An object is held where J is greater: the overlap at which a tracker counts as failed in VOT2020."""

Integers = NDArray[np.int64]
Booleans = NDArray[np.bool_]

FailureKind = Literal["missed", "drift", "false report", "identity switch"]

FAILURE_MEASURES = (
    Measure("missed", "share of the frames with the object on which it has no mask to speak of", False),
    Measure("drift", "share of the frames with the object on which its mask lies mostly off it", False),
    Measure("false reports", "share of the frames without the object that have a mask of it", False),
    Measure("recovery", "frames from a return of the object until it is held", False, 0.0, float("inf")),
    Measure("identity switches", "how often its mask goes over to another object", False, 0.0, float("inf")),
    Measure("flicker", "share of its mask that changes from frame to frame where the truth does not", False),
    Measure("boundary IoU", "intersection over union of the inner borders of mask and truth"),
)

VOTS_MEASURES = (
    Measure("Q", "VOTS's quality: mean overlap over all frames"),
    Measure("Acc", "VOTS's accuracy: mean overlap over the frames with the object and an overlap"),
    Measure("Rob", "VOTS's robustness: share of the frames with the object that have an overlap"),
    Measure("NRE", "VOTS's not-reported error: share of the frames with the object that have no mask", False),
    Measure("DRE", "VOTS's drift-rate error: share of the frames with the object whose mask does not overlap", False),
    Measure("ADQ", "VOTS's absence-detection quality: share of the frames without the object that have no mask"),
)


@dataclass(frozen=True)
class ObjectFrames:
    """One object on the frames of its sequence that have a truth and a label map.

    Attributes:
        object_id: The dataset's id.
        frames: The names of these frames, in order.
        numbers: Frames x numbers, in the order of `vos_bench.metrics.overlaps.ObjectOverlap`.
        start: The frame on which the object is given, which is not judged; as a place among these frames.
        places: Where these frames stand among all frames of the video.
        several: Whether the truth of the sequence has other objects.
        name: What the dataset calls the object where that is not its id.
    """

    object_id: int
    frames: tuple[str, ...]
    numbers: Integers
    start: int
    places: Integers
    several: bool
    name: str = ""

    def column(self, name: str) -> Integers:
        """Return one number of each frame, by its name in `ObjectOverlap`."""
        return self.numbers[:, ObjectOverlap._fields.index(name)]

    @property
    def present(self) -> Booleans:
        """Whether the truth of each frame shows the object."""
        shown: Booleans = self.column("truth_area") > 0
        return shown

    @property
    def judged(self) -> Booleans:
        """Which frames count: those after the one on which the object is given."""
        later: Booleans = np.arange(len(self.places)) > self.start
        return later

    @property
    def neighbours(self) -> Booleans:
        """Which frames come right after the one before them, both judged."""
        next_ones = np.diff(self.places, prepend=-2) == 1
        after: Booleans = next_ones & (np.arange(len(self.places)) > self.start + 1)
        return after


class FailureSpan(NamedTuple):
    """A failure that goes on for some frames: places of its first and last frame among those of `ObjectFrames`."""

    kind: FailureKind
    first: int
    last: int


@dataclass(frozen=True)
class ObjectFailures:
    """The failure measures of one object.

    Attributes:
        object_id: The dataset's id.
        values: Measure to value, for those of `FAILURE_MEASURES` that there are.
        missing: Measure to the reason why it has no value.
        spans: When the object failed, in order.
        lost_returns: After how many returns it was not held before it was gone again.
        name: What the dataset calls the object where that is not its id.
    """

    object_id: int
    values: Mapping[str, float]
    missing: Mapping[str, str]
    spans: tuple[FailureSpan, ...] = ()
    lost_returns: int = 0
    name: str = ""


class _States(NamedTuple):
    """What is true of an object on each frame; nothing is on frames that are not judged."""

    held: Booleans
    missed: Booleans
    drift: Booleans
    false_report: Booleans


def failures(frames: ObjectFrames) -> ObjectFailures:
    """Return the failure measures of one object."""
    states = _states(frames)
    present, absent = frames.present & frames.judged, ~frames.present & frames.judged
    switches = _switches(frames)
    recoveries = list(_recoveries(frames, states.held))
    found = {
        "missed": _share(states.missed, present),
        "drift": _share(states.drift, present),
        "false reports": _share(states.false_report, absent),
        "recovery": float(np.mean([each.frames for each in recoveries])) if recoveries else None,
        "identity switches": float(len(switches)) if frames.several and frames.judged.any() else None,
        "flicker": _flicker(frames),
        "boundary IoU": _boundary_iou(frames, present),
    }
    spans = [
        *_spans("missed", states.missed),
        *_spans("drift", states.drift),
        *_spans("false report", states.false_report),
        *(FailureSpan("identity switch", place, place) for place in switches),
    ]
    return ObjectFailures(
        frames.object_id,
        {name: value for name, value in found.items() if value is not None},
        {name: _reason(name, frames) for name, value in found.items() if value is None},
        tuple(sorted(spans, key=lambda span: (span.first, span.kind))),
        sum(each.lost for each in recoveries),
        frames.name,
    )


def _reason(measure: str, frames: ObjectFrames) -> str:
    """Return why an object has no value of a measure, for a cell of a table."""
    if not frames.judged.any():
        return "no frame"
    if measure == "flicker":
        if frames.neighbours.any():
            return "no mask"
        return "sparse truth" if np.count_nonzero(frames.judged) > 1 else "one frame"
    return {"false reports": "no absence", "recovery": "no return", "identity switches": "one object"}.get(
        measure, "never present"
    )


def _states(frames: ObjectFrames) -> _States:
    shared, area, mask = (frames.column(name) for name in ("intersection", "truth_area", "mask_area"))
    present = frames.present & frames.judged
    held = present & (region_similarity(shared, area, mask) > HELD)
    inside = 2 * shared >= mask  # true of an empty mask as well
    reported = ~frames.present & frames.judged & (mask > 0)
    return _States(held, present & ~held & inside, present & ~held & ~inside, reported)


def _share(part: Booleans, whole: Booleans) -> float | None:
    count = int(np.count_nonzero(whole))
    return int(np.count_nonzero(part)) / count if count else None


def _spans(kind: FailureKind, failing: Booleans) -> Iterator[FailureSpan]:
    """Yield the runs of frames on which something fails."""
    edges = np.flatnonzero(np.diff(failing.astype(np.int8), prepend=0, append=0))
    for first, end in edges.reshape(-1, 2).tolist():
        yield FailureSpan(kind, first, end - 1)


class _Recovery(NamedTuple):
    """How many frames of the video it took until the object was held after a return; at least, where it never was."""

    frames: int
    lost: bool


def _recoveries(frames: ObjectFrames, held: Booleans) -> Iterator[_Recovery]:
    """Yield one for each return: the truth shows the object after frames on which it did not, once it was given."""
    known = frames.present.copy()
    known[: max(frames.start, 0)] = False
    edges = np.flatnonzero(np.diff(known.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    for first, end in edges.tolist():
        if first <= frames.start or not known[:first].any():
            continue  # its first appearance
        inside = np.flatnonzero(held[first:end])
        last = first + int(inside[0]) if inside.size else end - 1
        yield _Recovery(int(frames.places[last] - frames.places[first]) + (not inside.size), not inside.size)


def _switches(frames: ObjectFrames) -> list[int]:
    """Return the places of the frames on which the mask goes over to another object."""
    shared, mask, owner, owned = (frames.column(name) for name in ("intersection", "mask_area", "owner", "owned"))
    # Whose more than half of the mask is; nobody's where no object has so much.
    holders = np.where(2 * shared > mask, frames.object_id, np.where(2 * owned > mask, owner, 0))
    found, last = [], frames.object_id
    for place in np.flatnonzero(frames.judged & (holders > 0)).tolist():
        holder = int(holders[place])
        if holder not in (last, frames.object_id):
            found.append(place)
        last = holder
    return found


def _flicker(frames: ObjectFrames) -> float | None:
    either = frames.column("mask_area") + frames.column("lost")
    chosen = frames.neighbours & (either > 0)
    return float(np.mean(frames.column("flicker")[chosen] / either[chosen])) if chosen.any() else None


def _boundary_iou(frames: ObjectFrames, present: Booleans) -> float | None:
    if not present.any():
        return None
    both, either = frames.column("inner_both")[present], frames.column("inner_either")[present]
    return float(np.mean(np.divide(both, either, out=np.zeros(len(both)), where=either > 0)))


def mean_failures(objects: Sequence[ObjectFailures]) -> dict[str, float]:
    """Return the mean of each measure over the objects that have it, whatever their sequence."""
    names = [each.name for each in FAILURE_MEASURES]
    found = {name: [one.values[name] for one in objects if name in one.values] for name in names}
    return {name: float(np.mean(values)) for name, values in found.items() if values}


LEAST_ABSENCE = 10
"""ADQ counts an object only with more frames than this without it."""


class VotsCounts(NamedTuple):
    """What the VOT toolkit counts of one object.

    Attributes:
        quality: Mean overlap over all frames.
        accuracy: Mean overlap over the frames with the object that overlap; 0 where there is none.
        tracked: Frames with the object that overlap.
        drifted: Frames with the object that have a mask and do not overlap.
        missed: Frames with the object that have no mask.
        false: Frames without the object that have a mask.
        noticed: Frames without the object that have none.
    """

    quality: float
    accuracy: float
    tracked: int
    drifted: int
    missed: int
    false: int
    noticed: int

    def scores(self) -> dict[str, float]:
        """Return the measures of this object alone, by the names of `VOTS_MEASURES`, without those it does not have."""
        found = {"Q": self.quality, "Acc": self.accuracy}
        if shown := self.tracked + self.drifted + self.missed:
            found |= {"Rob": self.tracked / shown, "NRE": self.missed / shown, "DRE": self.drifted / shown}
        if self.noticed + self.false > LEAST_ABSENCE:
            found["ADQ"] = self.noticed / (self.noticed + self.false)
        return found


def vots_object(frames: ObjectFrames) -> VotsCounts:
    """Count one object as the VOT toolkit 0.9.0 does (`vot.analysis.longterm`, `vot.analysis.accuracy`).

    The frame on which the object is given counts as one without a mask, and none before it has one. A region one pixel
    wide is none; one that is one pixel high counts as empty; and two in the same row overlap by 1.
    """
    true, given = _VotsRegions.of(frames, "", "truth_area"), np.arange(len(frames.places)) <= frames.start
    mask = _VotsRegions.of(frames, "mask_", "mask_area", without=given)
    overlaps = _vots_overlaps(frames.column("intersection"), true, mask)
    shown, hit, reported = ~true.empty, overlaps > 0, ~mask.empty
    chosen = shown & (hit | (np.arange(len(overlaps)) == frames.start))
    return VotsCounts(
        quality=float(np.mean(overlaps)),
        accuracy=float(np.mean(overlaps[chosen])) if chosen.any() else 0.0,
        tracked=int(np.count_nonzero(shown & hit)),
        drifted=int(np.count_nonzero(shown & ~hit & reported)),
        missed=int(np.count_nonzero(shown & ~hit & ~reported)),
        false=int(np.count_nonzero(~shown & reported)),
        noticed=int(np.count_nonzero(~shown & ~reported)),
    )


class _VotsRegions(NamedTuple):
    """Regions of an object as the VOT toolkit stores them: cropped to their box, all zeros where they are empty."""

    area: Integers
    box: Integers
    empty: Booleans

    @classmethod
    def of(cls, frames: ObjectFrames, prefix: str, area: str, *, without: Booleans | None = None) -> "_VotsRegions":
        box = np.stack([frames.column(f"{prefix}{side}") for side in ("left", "top", "right", "bottom")])
        there = box[2] > box[0]  # reading a region of one column, the toolkit takes it for an empty one
        if without is not None:
            there &= ~without
        box = np.where(there, box, 0)
        return cls(np.where(there, frames.column(area), 0), box, box[1] == box[3])


def _vots_overlaps(intersection: Integers, true: _VotsRegions, mask: _VotsRegions) -> NDArray[np.float64]:
    left, top = (np.minimum(true.box[i], mask.box[i]) for i in (0, 1))
    right, bottom = (np.maximum(true.box[i], mask.box[i]) for i in (2, 3))
    shared = np.where((true.area > 0) & (mask.area > 0), intersection, 0)
    union = true.area + mask.area - shared
    overlaps = np.divide(shared, union, out=np.zeros(len(union)), where=union > 0)
    flat: Booleans = (left >= right) | (top >= bottom)
    return np.where(flat, 1.0, overlaps)


def vots_means(sequences: Sequence[Sequence[VotsCounts]]) -> dict[str, float]:
    """Return the measures of a run by the names of `VOTS_MEASURES`: means over objects, then over sequences.

    Accuracy and quality are over all objects of a sequence, the others over those that have them.
    """
    found: dict[str, list[float]] = {}
    for objects in sequences:
        scores = [each.scores() for each in objects]
        for measure in VOTS_MEASURES:
            values = [each[measure.name] for each in scores if measure.name in each]
            if values:
                found.setdefault(measure.name, []).append(_mean(values))
    return {name: _mean(values) for name, values in found.items()}


def _mean(values: Sequence[float]) -> float:
    """Return the mean, added one by one as the toolkit does, so that the last bit is the same."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)
