"""The report `calibration`: saved probabilities against the truth, object by object."""

import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from vos_bench.api import Mask, ReportOptions
from vos_bench.api import Sequence as Video
from vos_bench.errors import BadInputError, one_line
from vos_bench.formats.probabilities import FrameProbabilities, read_probabilities
from vos_bench.labelmaps import VOID
from vos_bench.metrics.calibration import BINS, ProbabilityCounts, Reliability, surroundings
from vos_bench.names import frame_order
from vos_bench.records import Run, probabilities_folder
from vos_bench.records.data import RunData
from vos_bench.tables import Column, Table

from .run_names import chosen, distinct_names

FRAMES, EVERY = 6, 12
"""Of each sequence so many frames are read, or every twelfth one where that is more: neighbours say nearly the same."""

ALL = "all"
NOT_SAVED, NO_TRUTH, NOTHING, NO_DATA = "not saved", "no truth", "never there", "no data"
"""What stands in place of a number: no probabilities, no truth, no pixel of the object in either, or no dataset."""

COLUMNS = (
    Column("sequence"),
    Column("object"),
    Column("frames"),
    Column("ECE", digits=1, scale=100.0, higher_is_better=False, drop=1),
    Column("overconfidence", digits=1, scale=100.0, drop=2),
    Column("pixels", digits=0),
)
NOTES = (
    f"ECE, in percent: expected calibration error over {BINS} bins of the object's probability, Guo et al., ICML 2017; "
    "0 is best. Overconfidence: mean probability minus the share of pixels that are the object; above 0, too much is "
    "claimed.",
    "Counted are the pixels of a box around the object, in the truth and where its probability exceeds one half, "
    "without undecided ones and without the frame on which it is given; of each sequence "
    f"{FRAMES} frames, evenly spread, or every {EVERY}th. The line `all` is the mean over the objects.",
    f"{NOT_SAVED}: run again with --save-probabilities, for a method that gives any.",
)

_HALF = int(np.float16(0.5).view(np.int16))
"""The bits of a float16 as a whole number: larger for a larger one, and below 0 for one below 0."""


@dataclass
class ObjectCalibration:
    """What was counted of one object.

    Attributes:
        sequence: Its sequence.
        object_id: Its id; None for a sequence of which nothing could be counted.
        frames: How many frames were read.
        counts: Their pixels.
        reason: Why nothing could be counted, empty where something was.
    """

    sequence: str
    object_id: int | None = None
    frames: int = 0
    counts: ProbabilityCounts = field(default_factory=ProbabilityCounts)
    reason: str = ""


def make_table(runs: Sequence[Run], options: ReportOptions) -> Table:
    """Return the table: a group for each run, a line for each object.

    Raises:
        BadInputError: The data of all runs with probabilities are not at hand, a file is damaged, or no run has a
            sequence that was asked for.
    """
    chosen_names, data = chosen(runs, options), RunData(options.root)
    found = [_calibrations(run, chosen_names[run.folder], data, options) for run in runs]
    errors = [each for each in found if isinstance(each, BadInputError)]
    opened = [each for those in found if not isinstance(those, BadInputError) for each in those]
    if errors and all(each.reason == NOT_SAVED for each in opened):
        raise errors[0]
    rows = [
        row
        for run, name, each in zip(runs, distinct_names(runs), found, strict=True)
        for row in _run_rows(run, name, each)
    ]
    return Table("Calibration of saved probabilities", COLUMNS, rows, NOTES, group="group", footnotes="notes")


Found = Sequence[ObjectCalibration] | BadInputError
"""What was counted of a run, or why its data cannot be opened."""


def _calibrations(run: Run, names: Sequence[str], data: RunData, options: ReportOptions) -> Found:
    if any(saved_frames(run, name) for name in names):
        try:
            data.open(run)
        except BadInputError as error:
            return error
    return calibrations(run, names, data, options)


def _run_rows(run: Run, name: str, found: Found) -> Iterator[dict[str, Any]]:
    group = {"group": f"{name} on {run.record.dataset.title}"}
    if isinstance(found, BadInputError):
        yield {**group, "sequence": ALL, "ECE": NO_DATA, "notes": (one_line(str(found)),)}
        return
    rows = [_object_row(run, each) for each in found]
    numbers = [row for row in rows if isinstance(row["ECE"], float)]
    if not numbers:
        reasons = dict.fromkeys(each.reason for each in found)
        yield {**group, "sequence": ALL, "ECE": ", ".join(reasons) or NOT_SAVED}
        return
    means = {key: float(np.mean([row[key] for row in numbers])) for key in ("ECE", "overconfidence")}
    yield {**group, "sequence": ALL, "frames": sum(each.frames for each in found), **means}
    yield from ({**group, **row} for row in rows)


def _object_row(run: Run, each: ObjectCalibration) -> dict[str, Any]:
    row = {"sequence": each.sequence, "object": _shown_name(run, each), "frames": each.frames or None}
    if each.reason:
        return {**row, "ECE": each.reason}
    bins = each.counts.reliability()
    numbers = {"ECE": bins.expected_error, "overconfidence": bins.overconfidence, "pixels": int(bins.pixels.sum())}
    return {**row, **numbers}


def _shown_name(run: Run, each: ObjectCalibration) -> str | None:
    scores = run.sequence_records[each.sequence].scores
    named = {found.object: str(found.shown_name) for found in scores}
    return None if each.object_id is None else named.get(each.object_id, str(each.object_id))


def calibrations(run: Run, names: Sequence[str], data: RunData, options: ReportOptions) -> list[ObjectCalibration]:
    """Count the pixels of a run's objects; a sequence of which nothing can be counted has an entry with the reason.

    Raises:
        BadInputError: As `make_table`.
    """
    found: list[ObjectCalibration] = []
    with options.progress.counting("sequences", len(names)) as step:
        for name in names:
            saved = saved_frames(run, name)
            if saved:
                found += _of_sequence(data.open(run).sequence(name), saved)  # only here the data are needed
            else:
                found.append(ObjectCalibration(name, reason=NOT_SAVED))
            step()
    return found


def saved_frames(run: Run, sequence: str) -> dict[str, Path]:
    """Return frame name to the file of its probabilities, in order; empty where none were saved."""
    folder = probabilities_folder(run.folder, sequence)
    try:
        files = os.listdir(folder)  # noqa: PTH208 - a path for each takes longer
    except OSError:
        return {}
    names = sorted((file.removesuffix(".npz") for file in files if file.endswith(".npz")), key=frame_order)
    return {name: folder / f"{name}.npz" for name in names}


def _of_sequence(video: Video, saved: Mapping[str, Path]) -> list[ObjectCalibration]:
    frames = [frame for frame in video.truth_names if frame in saved]
    if not frames:
        return [ObjectCalibration(video.name, reason=NO_TRUTH)]
    found: dict[int, ObjectCalibration] = {}
    judged = _judged(video, frames)
    for frame in evenly(judged, max(FRAMES, len(judged) // EVERY)):
        given = set(video.read_prompt(frame).object_ids) if frame in video.prompt_frames else set()
        _count_frame(video, frame, read_probabilities(saved[frame]), given, found)
    for each in found.values():
        if not each.frames:
            each.reason = NOTHING
    return [found[k] for k in sorted(found)]


def _judged(video: Video, frames: Sequence[str]) -> list[str]:
    """Return the frames without the first prompted one, on which everything is given; that one where it is alone."""
    first = video.prompt_frames[:1]
    return [frame for frame in frames if frame not in first] or list(frames)


def evenly(names: Sequence[str], most: int) -> list[str]:
    """Return at most so many of the names, evenly spread, the first and the last among them."""
    if len(names) <= most:
        return list(names)
    return [names[i] for i in np.linspace(0, len(names) - 1, most).round().astype(int)]


def _count_frame(
    video: Video,
    frame: str,
    probabilities: FrameProbabilities,
    given: set[int],
    found: dict[int, ObjectCalibration],
) -> None:
    """Count the pixels of all objects of a frame but those that are given on it."""
    labels = None if video.object_frames else video.read_truth(frame)
    undecided = labels is not None and int(labels.max()) >= VOID
    for k in probabilities.object_ids:
        each = found.setdefault(k, ObjectCalibration(video.name, k))
        if k in given or (labels is None and frame not in video.object_frames.get(k, ())):
            continue
        truth = video.read_truth_mask(frame, k) if labels is None else labels == k
        plane = probabilities.of(k)
        _require_size(plane.shape, truth, video.name, frame)
        box = surroundings(truth | (plane.view(np.int16) > _HALF))
        if box is None:
            continue
        known = labels[box] != VOID if labels is not None and undecided else None
        try:
            each.counts.add(plane[box], truth[box], known)
        except BadInputError as error:
            raise BadInputError(f"{video.name}, frame {frame}, object {k}: {error}") from None
        each.frames += 1


def _require_size(shape: tuple[int, ...], truth: Mask, sequence: str, frame: str) -> None:
    if shape != truth.shape:
        raise BadInputError(
            f"{sequence}, frame {frame}: probabilities are of {shape[0]} x {shape[1]} pixels (height x width)\n"
            f"  the truth is of {truth.shape[0]} x {truth.shape[1]}; expected the data that the run saw"
        )


def pooled(found: Iterable[ObjectCalibration]) -> Reliability:
    """Return the bins of all objects together, each pixel counting once."""
    counts = ProbabilityCounts()
    for each in found:
        counts.merge(each.counts)
    return counts.reliability()
