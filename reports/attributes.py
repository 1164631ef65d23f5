"""The report `attributes`: every sequence and every object, all methods beneath each other."""

from collections.abc import Container, Iterable, Sequence
from typing import Any

import numpy as np

from vos_bench.metrics.statistics import SCORES
from vos_bench.records import ObjectRecord, Run, SequenceRecord
from vos_bench.records.identity import rules
from vos_bench.tables import Column, Table, percent

from .published_sequences import Figures, PublishedSequences, beside, load, named
from .published_sequences import source as published_source

ALL = "all"
COLUMNS = (
    Column("method"),
    Column("object"),
    Column("group"),
    Column("frames"),
)
NOTE = (
    "A sequence's line `all` is the mean over its objects; a run's own score is the mean over the objects of all "
    "sequences."
)


def make_table(runs: Sequence[Run], *, published: Sequence[str] = ()) -> Table:
    """Return the table, grouped by dataset and sequence; within an object, runs of equal rules are ranked.

    Args:
        runs: The runs.
        published: Methods whose published figures stand beneath the runs on their data, or alone where there is no run.

    Raises:
        BadInputError: No figures of such a method are known.
    """
    rows = [row for run in runs for row in _run_rows(run)]
    added = [
        row for each in _beside(runs, published) for row in _published_rows(each, {row["sequence"] for row in rows})
    ]
    rows += added
    rows.sort(key=lambda row: (row["sequence"], row["object"] != ALL, str(row["object"]).zfill(6)))
    notes = (NOTE, published_source()) if added else (NOTE,)
    others = [run.object_score for run in runs if run.object_score not in SCORES]
    columns = (*COLUMNS, *map(percent, dict.fromkeys((*others, *SCORES))))
    return Table("Sequences and objects", columns, rows, notes, group="sequence", rank="rank", footnotes="notes")


def _beside(runs: Sequence[Run], published: Sequence[str]) -> list[PublishedSequences]:
    """Return the published methods on the runs' data, or on all data where there is no run."""
    names = named(published)
    known = [each for each in load() if each.method in names]
    places = {(each.dataset, each.split) for run in runs for each in beside(run.record)}
    return [each for each in known if not runs or (each.dataset, each.split) in places]


def _published_rows(figures: PublishedSequences, shown: Container[str]) -> Iterable[dict[str, Any]]:
    for name, objects in figures.objects.items():
        sequence = f"{figures.dataset} {figures.split}: {name}"
        if shown and sequence not in shown:
            continue
        base = {"sequence": sequence, "method": figures.title, "group": "", "rank": None, "notes": ()}
        if len(objects) != 1:
            yield {**base, "object": ALL, **_of(figures.means([name]))}
        yield from ({**base, "object": str(key), **_of(each)} for key, each in objects.items())


def _of(figures: Figures) -> dict[str, float]:
    return {"J&F": figures.score, "J": figures.J, "F": figures.F}


def _run_rows(run: Run) -> Iterable[dict[str, Any]]:
    record = run.record
    # The list of sequences does not touch a single sequence's score, all other rules do.
    alone = rules(record, sequences=False)
    for sequence in run.sequence_records.values():
        base = {
            "sequence": f"{record.dataset.title}: {sequence.name}",
            "method": record.method.title,
            "frames": sequence.frames,
            "notes": (f"failed: {sequence.error}",) if sequence.status == "failed" else (),
        }
        for row in _score_rows(sequence, run.object_score):
            rank = repr((alone, base["sequence"], row["object"]))
            yield {**base, **row, "rank": rank}


def _score_rows(sequence: SequenceRecord, score: str) -> Iterable[dict[str, Any]]:
    rows = [_object_scores(each, score) for each in sequence.scores]
    if len(rows) != 1:
        known = [name for name in rows[0] if all(name in row for row in rows)] if rows else []
        yield {"object": ALL, "group": "", **{name: float(np.mean([row[name] for row in rows])) for name in known}}
    for each, row in zip(sequence.scores, rows, strict=True):
        yield {"object": str(each.shown_name), "group": each.group, **row}


def _object_scores(found: ObjectRecord, score: str) -> dict[str, float]:
    """Return an object's numbers by name; a protocol may have neither F nor J&F."""
    both = {"J&F": found.value("J&F")} if found.F is not None else {}
    return {score: found.value(score), **found.statistics(), **both}
