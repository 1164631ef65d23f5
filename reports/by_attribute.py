"""The report `by-attribute`: scores by size, absence, motion and the like of the objects, computed from the truth."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from vos_bench.analysis.runs import kept_attributes, sequence_attributes
from vos_bench.api import Dataset, ReportOptions
from vos_bench.comparing.significance import CONFIDENCE, RESAMPLES, bootstrap_mean, object_scores
from vos_bench.errors import BadInputError, one_line
from vos_bench.metrics.attributes import ATTRIBUTES, Attribute, ObjectAttributes
from vos_bench.names import counted
from vos_bench.records import Run
from vos_bench.records.data import RunData
from vos_bench.records.identity import rules
from vos_bench.tables import Column, Table, percent

from .run_names import chosen, distinct_names

NO_DATA = "no data"
INTERVAL = f"{CONFIDENCE:.0%} interval"
FEWEST = 3
"""From so few sequences no interval is drawn."""

NOTES = (
    "Attributes are computed from the truth of each object, and docs/failures.md defines them. A score is the mean "
    f"over the objects of a group; its {CONFIDENCE:.0%} interval draws whole sequences {RESAMPLES} times from a fixed "
    "seed, and says how far the choice of sequences may have moved the mean.",
)

ByObject = Mapping[str, Sequence[ObjectAttributes]]
"""Sequence to the attributes of its objects."""


def make_table(runs: Sequence[Run], options: ReportOptions) -> Table:
    """Return the table: for each attribute a group, in it a line for each of its groups of objects and each run."""
    data, names = RunData(options.root), chosen(runs, options)
    known: dict[str, ByObject | BadInputError] = {}
    for run in runs:
        if (fingerprint := run.record.dataset.fingerprint) not in known:
            same = [each for each in runs if each.record.dataset.fingerprint == fingerprint]
            known[fingerprint] = _attributes(same, data, names, options)
    rows: list[Mapping[str, Any]] = []
    for attribute in ATTRIBUTES:
        found = [
            row
            for run, name in zip(runs, distinct_names(runs), strict=True)
            for row in _rows(run, name, attribute, known[run.record.dataset.fingerprint])
        ]
        rows += sorted(found, key=lambda row: _place(row["which"], attribute))
    columns = (
        Column("which", label="objects"),
        Column("method"),
        *(percent(score) for score in dict.fromkeys(run.object_score for run in runs)),
        Column(INTERVAL),
        Column("number", digits=0),
        Column("sequences", digits=0),
    )
    title = "Scores by attributes of the objects"
    return Table(title, columns, rows, NOTES, group="group", rank="rank", footnotes="notes")


def _place(group: str, attribute: Attribute) -> int:
    return attribute.groups.index(group) if group in attribute.groups else len(attribute.groups)


def _attributes(
    runs: Sequence[Run], data: RunData, names: Mapping[Path, Sequence[str]], options: ReportOptions
) -> ByObject | BadInputError:
    """Return the attributes of all objects of the scored sequences of runs on the same data, or why there are none."""
    scored: dict[str, list[Run]] = {}
    for run in runs:
        for name in names[run.folder]:
            if run.has_scores(name):
                scored.setdefault(name, []).append(run)
    found = {name: kept_attributes(those, name) for name, those in scored.items()}
    try:
        if not_kept := [name for name, objects in found.items() if not objects]:
            found |= _each_sequence(data.open(runs[0]), not_kept, options)
    except BadInputError as error:
        return error
    return found


def _each_sequence(
    dataset: Dataset, names: Sequence[str], options: ReportOptions
) -> Iterator[tuple[str, tuple[ObjectAttributes, ...]]]:
    videos = {name: dataset.sequence(name) for name in names}
    total = sum(len(video.truth_names) for video in videos.values())
    with options.progress.counting("sequences", len(names)) as step:
        for name, video in videos.items():
            yield name, sequence_attributes(video, total=total)
            step()


def _rows(run: Run, name: str, attribute: Attribute, known: ByObject | BadInputError) -> Iterator[dict[str, Any]]:
    base = {
        "group": f"{run.record.dataset.title}, {attribute.name}: {attribute.text}",
        "attribute": attribute.name,
        "method": name,
    }
    if isinstance(known, BadInputError):
        yield {**base, "which": NO_DATA, "notes": (one_line(str(known)),)}
        return
    values = _values_by_group(run, attribute, known)
    for group in attribute.groups:
        if found := [np.array(each) for each in values.get(group, {}).values()]:
            interval = bootstrap_mean(found)
            yield {
                **base,
                "which": group,
                run.object_score: interval.mean,
                INTERVAL: _interval_text(interval.low, interval.high, len(found)),
                "number": sum(each.size for each in found),
                "sequences": len(found),
                "rank": repr((rules(run.record), attribute.name, group, sorted(values[group]))),
            }
    if lacking := _lacking(run, attribute, known):
        yield {**base, "which": f"none: {', '.join(dict.fromkeys(lacking))}", "number": len(lacking)}


def _interval_text(low: float, high: float, sequences: int) -> str:
    if sequences < FEWEST:
        return f"none: {counted(sequences, 'sequence')}"
    return f"{100 * low:.1f} to {100 * high:.1f}"


def _values_by_group(run: Run, attribute: Attribute, known: ByObject) -> dict[str, dict[str, list[float]]]:
    """Return group to sequence to the scores of its objects in that group."""
    found: dict[str, dict[str, list[float]]] = {}
    for sequence, scores in object_scores(run).items():
        for each in known.get(sequence, ()):
            if each.object_id in scores and attribute.name in each.values:
                group = attribute.group(each.values[attribute.name])
                found.setdefault(group, {}).setdefault(sequence, []).append(scores[each.object_id])
    return found


def _lacking(run: Run, attribute: Attribute, known: ByObject) -> list[str]:
    """Return for each scored object without the attribute why it has none."""
    scores = object_scores(run)
    return [
        each.missing[attribute.name]
        for sequence, objects in known.items()
        for each in objects
        if each.object_id in scores.get(sequence, {}) and attribute.name in each.missing
    ]
