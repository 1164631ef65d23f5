"""The report `attributes`: every sequence and every object, all methods beneath each other."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vos_bench.metrics.statistics import SCORES
from vos_bench.records import Run, SequenceRecord
from vos_bench.records.identity import rules
from vos_bench.tables import Column, Table, percent

ALL = "all"
COLUMNS = (
    Column("method"),
    Column("object"),
    Column("group"),
    Column("frames"),
    *map(percent, SCORES),
)
NOTE = (
    "A sequence's line `all` is the mean over its objects; a run's own score is the mean over the objects of all "
    "sequences."
)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table, grouped by dataset and sequence; within an object, runs of equal rules are ranked."""
    rows = [row for run in runs for row in _run_rows(run)]
    rows.sort(key=lambda row: (row["sequence"], row["object"] != ALL, str(row["object"]).zfill(6)))
    return Table("Sequences and objects", COLUMNS, rows, (NOTE,), group="sequence", rank="rank", footnotes="notes")


def _run_rows(run: Run) -> Iterable[dict[str, Any]]:
    record = run.record
    # The list of sequences does not touch a single sequence's score, all other rules do.
    alone = rules(record.replace(dataset=record.dataset.replace(sequences=())))
    for sequence in run.sequence_records.values():
        base = {
            "sequence": f"{record.dataset.title}: {sequence.name}",
            "method": record.method.title,
            "frames": sequence.frames,
            "notes": (f"failed: {sequence.error}",) if sequence.status == "failed" else (),
        }
        for row in _score_rows(sequence):
            rank = repr((alone, base["sequence"], row["object"]))
            yield {**base, **row, "rank": rank}


def _score_rows(sequence: SequenceRecord) -> Iterable[dict[str, Any]]:
    rows = [_object_row(each.model_dump(exclude={"per_frame"})) for each in sequence.scores]
    if len(rows) != 1:
        means = {score: float(np.mean([row[score] for row in rows])) for score in SCORES} if rows else {}
        yield {"object": ALL, "group": "", **means}
    yield from rows


def _object_row(scores: dict[str, Any]) -> dict[str, Any]:
    return {**scores, "object": str(scores["object"]), "J&F": (scores["J"] + scores["F"]) / 2}
