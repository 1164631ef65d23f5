"""The report `review`: the frames of a run that a person should look at first. It needs no truth."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from vos_bench.analysis.runs import known_overlaps
from vos_bench.api import Mask, ReportOptions
from vos_bench.formats.mask_folders import object_folders, read_masks, written_frames
from vos_bench.formats.probabilities import confidences_of, read_confidences, read_probabilities
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids, read_narrow
from vos_bench.records import Run, masks_folder
from vos_bench.records.overlaps import OverlapsRecord
from vos_bench.tables import Column, Table

from .confidence import NOT_SAVED, saved_frames
from .run_names import chosen, distinct_names

MOST = 20
"""How many frames of a run are shown."""

APART = 5
"""Of one object, frames nearer than so many to one that is shown already are left out: a look at one shows them."""

FEWEST = 0.05
"""What is less doubtful than this is not worth a look."""

COLUMNS = (
    Column("sequence"),
    Column("object"),
    Column("frame"),
    Column("reason", prose="wrapped", drop=0),
    Column("doubt", digits=2, drop=3),
    Column("overlap", digits=2, drop=4),
    Column("probability", digits=2, drop=2),
)
JUDGED = Column("J", digits=1, scale=100.0, drop=5)
NOTES = (
    f"The {MOST} most doubtful frames of each run, those of one object at least {APART} frames apart. Doubt, 0 to 1, "
    "is the larger of two: how much less an object overlaps (intersection over union) with itself on the frame before "
    "than it "
    "does as a rule, the median of its frames, where one that vanishes or returns overlaps by 0; and 1 minus its mean "
    "probability over the pixels that it has.",
    f"Probability {NOT_SAVED}: the frame is judged by its label maps alone; run again with --save-probabilities.",
)
TRUTH_NOTE = "J is shown where the run is scored; it does not enter the doubt."


@dataclass(frozen=True)
class Glance:
    """One object on one frame.

    Attributes:
        sequence: The sequence.
        object_id: The object's id.
        frame: The frame's name.
        place: The frame's place in the sequence.
        event: `vanishes`, `returns` or nothing.
        overlap: With itself on the frame before; 0 where it vanishes or returns.
        usual: The median of its overlaps.
        probability: Its mean probability over its pixels; None where it has no pixel, or nothing was saved.
    """

    sequence: str
    object_id: int
    frame: str
    place: int
    event: str
    overlap: float
    usual: float
    probability: float | None

    @property
    def drop(self) -> float:
        """How much less than usual it overlaps."""
        return max(0.0, self.usual - self.overlap)

    @property
    def uncertainty(self) -> float:
        """1 minus its probability."""
        return 0.0 if self.probability is None else 1 - self.probability

    @property
    def doubt(self) -> float:
        """How much a look at it is worth, 0 to 1."""
        return max(self.drop, self.uncertainty)

    @property
    def reason(self) -> str:
        """Why to look, in words: what makes the doubt, and the other if it is nearly as large."""
        change = self.event or f"changes: overlap {self.overlap:.2f}, usually {self.usual:.2f}"
        uncertain = "" if self.probability is None else f"uncertain: probability {self.probability:.2f}"
        found = ((self.drop, change), (self.uncertainty, uncertain))
        return "; ".join(text for value, text in sorted(found, reverse=True) if text and value >= self.doubt / 2)


def make_table(runs: Sequence[Run], options: ReportOptions) -> Table:
    """Return the table: a group for each run, the most doubtful frame first.

    Raises:
        BadInputError: A label map or a file of probabilities is damaged, or no run has a sequence that was asked for.
    """
    names = chosen(runs, options)
    rows = [
        row
        for run, name in zip(runs, distinct_names(runs), strict=True)
        for row in _run_rows(run, names[run.folder], options, group=f"{name} on {run.record.dataset.title}")
    ]
    judged = any(row.get("J") is not None for row in rows)
    columns, notes = ((*COLUMNS, JUDGED), (*NOTES, TRUTH_NOTE)) if judged else (COLUMNS, NOTES)
    return Table("Frames to look at first", columns, rows, notes, group="group")


def _run_rows(run: Run, names: Sequence[str], options: ReportOptions, *, group: str) -> Iterator[dict[str, Any]]:
    glances: list[Glance] = []
    with options.progress.counting("sequences", len(names)) as step:
        for name in names:
            glances += look_over(run, name)
            step()
    shown = most_doubtful(glances)
    if not shown:
        there = any(known_overlaps(run, name) or written_frames(masks_folder(run.folder, name)) for name in names)
        gone = "not counted: score --failures" if run.record.kind == "score" else "its label maps are gone"
        reason = "nothing is doubtful" if there else gone if names else "none of these sequences"
        yield {"group": group, "reason": reason}
    saved = {name: bool(saved_frames(run, name)) for name in dict.fromkeys(each.sequence for each in shown)}
    for each in shown:
        yield {"group": group, **_row(run, each, saved=saved[each.sequence])}


def most_doubtful(glances: Iterable[Glance], most: int = MOST) -> list[Glance]:
    """Return the most doubtful ones, those of one object apart from each other."""
    found: list[Glance] = []
    taken: dict[tuple[str, int], list[int]] = {}
    order = sorted(glances, key=lambda each: (-each.doubt, each.sequence, each.place, each.object_id))
    for each in order:
        places = taken.setdefault((each.sequence, each.object_id), [])
        if each.doubt < FEWEST or len(found) == most:
            break
        if all(abs(each.place - place) >= APART for place in places):
            places.append(each.place)
            found.append(each)
    return found


def _row(run: Run, each: Glance, *, saved: bool) -> dict[str, Any]:
    scores = {score.object: score for score in run.sequence_records[each.sequence].scores}
    score = scores.get(each.object_id)
    return {
        "sequence": each.sequence,
        "object": str(score.shown_name if score else each.object_id),
        "frame": each.frame,
        "reason": each.reason,
        "doubt": each.doubt,
        "overlap": each.event or each.overlap,
        "probability": each.probability if saved else NOT_SAVED,
        "J": score.per_frame.by_frame("J").get(each.frame) if score else None,
    }


def look_over(run: Run, sequence: str) -> list[Glance]:
    """Return every object on every frame but its first, of those that have a label map.

    Raises:
        BadInputError: As `make_table`.
    """
    folder = masks_folder(run.folder, sequence)
    saved = saved_frames(run, sequence)
    kept = known_overlaps(run, sequence)
    if kept is not None and kept.plain:
        return [glance for found in _by_overlaps(kept, folder, saved) for glance in _with_usual(found)]
    names = object_folders(folder)
    steps: dict[int, list[Glance]] = {}
    previous: dict[int, _Region] = {}
    for place, frame in enumerate(written_frames(folder)):
        labels: NarrowLabels = read_masks(folder, frame, names) if names else read_narrow(folder / f"{frame}.png")
        now = {k: _Region.of(labels == k) for k in object_ids(labels) if k != VOID}
        probabilities = _probabilities(saved, frame, labels)
        for k in steps:
            if k in previous or k in now:
                event, overlap = _change(previous.get(k), now.get(k))
                steps[k].append(Glance(sequence, k, frame, place, event, overlap, 0.0, probabilities.get(k)))
        for k in now:
            steps.setdefault(k, [])
        previous = now
    return [glance for found in steps.values() for glance in _with_usual(found)]


def _by_overlaps(kept: OverlapsRecord, folder: Path, saved: Mapping[str, Path]) -> Iterator[list[Glance]]:
    """Yield the glances of each object by what was counted; label maps are read only where probabilities need them."""
    known = [_probabilities(saved, frame, folder) for frame in kept.frames]
    for each in kept.objects:
        areas, lost = (each.numbers.get(name, (0,) * len(kept.frames)) for name in ("mask_area", "lost"))
        found = []
        first = next((place for place, area in enumerate(areas) if area), len(areas))
        for place in range(first + 1, len(areas)) if each.object != VOID else ():
            before, now = areas[place - 1], areas[place]
            if before or now:
                event = "" if before and now else "vanishes" if before else "returns"
                both = before - lost[place]
                overlap = 0.0 if event else both / (before + now - both)
                probability = known[place].get(each.object)
                frame = kept.frames[place]
                found.append(Glance(kept.name, each.object, frame, place, event, overlap, 0.0, probability))
        yield found


def _probabilities(saved: Mapping[str, Path], frame: str, labels: NarrowLabels | Path) -> Mapping[int, float]:
    """Return the probability of each object of a frame; `labels` is its label map, or the folder that holds it."""
    if frame not in saved:
        return {}
    kept = read_confidences(saved[frame])
    if kept is not None:
        return kept
    ids, planes = read_probabilities(saved[frame])  # a file from before confidences were kept
    if isinstance(labels, Path):
        labels = read_narrow(labels / f"{frame}.png")
    numbered = np.zeros(labels.shape, np.uint16)
    for number, k in enumerate(ids, start=1):
        numbered[labels == k] = number
    found = zip(ids, confidences_of(planes, numbered).tolist(), strict=True)
    return {k: value for k, value in found if value == value}


@dataclass(frozen=True)
class _Region:
    """The mask of an object, and how many pixels it has."""

    mask: Mask
    area: int

    @classmethod
    def of(cls, mask: Mask) -> "_Region":
        return cls(mask, int(np.count_nonzero(mask)))


def _change(before: _Region | None, now: _Region | None) -> tuple[str, float]:
    """Return what happens to an object from one frame to the next, and how much it overlaps with itself."""
    if before is None or now is None:
        return ("returns" if before is None else "vanishes"), 0.0
    if before.mask.shape != now.mask.shape:
        return "", 0.0
    both = int(np.count_nonzero(before.mask & now.mask))
    return "", both / (before.area + now.area - both)


def _with_usual(found: Sequence[Glance]) -> Iterator[Glance]:
    overlaps = [each.overlap for each in found if not each.event]
    usual = float(np.median(overlaps)) if overlaps else 1.0  # one that only comes and goes
    for each in found:
        yield Glance(
            each.sequence,
            each.object_id,
            each.frame,
            each.place,
            each.event,
            each.overlap,
            usual,
            each.probability,
        )
