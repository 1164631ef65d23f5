"""The table of runs: one line for each method and dataset, with the spread over seeds."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.records.models import ExternalScores
from vos_bench.records.run import Run
from vos_bench.records.run_record import RunRecord
from vos_bench.records.seeds import mean_scores, seed_groups
from vos_bench.records.selection import MARK, shared_averages
from vos_bench.records.summary import RUN_SCORES
from vos_bench.tables import SPREAD, Column, Table, percent

ABOUT = ("dataset", "split", "method", "init", "frames", "conditions", "sequences", "seeds")
DROPPED = {"frames": 9, "init": 8, "seeds": 7, "split": 6, "sequences": 5, "FPS": 4, "state": 3}
"""How soon a narrow terminal goes without a column of text; the numbers go before."""
USUAL: dict[str, tuple[object, int]] = {"frames": ("all", 13), "init": ("mask", 12), "seeds": (1, 11)}
"""What such a column holds of most runs, and how soon a narrow terminal goes without one that holds nothing else."""
OPTIONAL = ("split", "init", "frames", "conditions", "seeds")
"""Columns that a table goes without where no run has anything in them, as with foreign label maps."""

LATENCY = "ms/frame"
INDICATIVE = (
    "ms/frame: median over the frames after the first. ~ marks an indicative figure: the run was shorter or less quiet "
    "than the timing protocol requires. vos-bench bench measures FPS."
)


def runs_table(runs: Sequence[Run]) -> Table:
    """Return the table. Runs that differ in nothing but the seed share a line: mean ± sample standard deviation.

    The same run made twice counts once, by its later record. Scores of foreign label maps have a line each. Runs over
    different sequences have one more line, over those that all have.
    """
    shared = shared_averages(runs)
    rows = [row for group in seed_groups(runs) for row in _rows(group)]
    rows += [_marked(_row(group)) for each in shared for group in seed_groups(each.runs)]
    rows.sort(key=_order)
    shown = [score for score in RUN_SCORES if any(row.get(score) is not None for row in rows)]
    columns = (
        *(
            Column(name, drop=_dropped(name, rows))
            for name in ABOUT
            if any(row[name] for row in rows) or name not in OPTIONAL
        ),
        *map(percent, shown),
        *(Column(name, drop=DROPPED.get(name, 20)) for name in ("FPS", LATENCY) if any(row[name] for row in rows)),
        Column("state", drop=DROPPED["state"]),
    )
    notes = (INDICATIVE,) if any(str(row[LATENCY]).startswith("~") for row in rows) else ()
    said = (*notes, *(f"{each.text}." for each in shared), *_meanings(runs))
    return Table("Runs", columns, rows, said, column_notes={INDICATIVE: LATENCY})


def _dropped(name: str, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return how soon a narrow terminal goes without a column: before J and F, where it says nothing about the runs."""
    usual, soon = USUAL.get(name, (None, None))
    return soon if soon and all(row[name] in (usual, None, "") for row in rows) else DROPPED.get(name)


def _meanings(runs: Sequence[Run]) -> Iterator[str]:
    """Say which method each name of the user's own stands for."""
    named = dict.fromkeys((run.record.method.title, run.record.method.own_title) for run in runs)
    yield from (f"{title} is {own}." for title, own in named if title != own)


def _rows(runs: Sequence[Run]) -> Iterator[dict[str, Any]]:
    """Yield the row of runs that differ only in their seeds, and the rows of scores that servers gave them."""
    yield _row(runs)
    yield from (_external(run, entry) for run in runs for entry in run.record.external)


def _marked(row: dict[str, Any]) -> dict[str, Any]:
    return {**row, "method": f"{row['method']} {MARK}", "marked": True}


def _row(runs: Sequence[Run]) -> dict[str, Any]:
    records = [run.record for run in runs]
    first = records[0]
    row: dict[str, Any] = {
        "dataset": first.dataset.name,
        "split": first.dataset.split,
        "method": first.method.title,
        "init": first.protocol.start,
        "frames": first.protocol.frames_seen,
        "conditions": ", ".join(first.protocol.conditions),
        "sequences": _sequences(records),
        "seeds": len({record.seed for record in records if record.numerics}) or None,
        "FPS": _speed(records),
        LATENCY: _latency(records),
        "state": _state(records),
        "headline": scoring_protocol(first.protocol.name).headline,
    }
    means, spread = mean_scores(runs)
    row |= {name: value for name, value in means.items() if name in RUN_SCORES}
    row |= {name + SPREAD: value for name, value in spread.items() if name in RUN_SCORES}
    return row


def _external(run: Run, entry: ExternalScores) -> dict[str, Any]:
    """Return the row of the scores that a server gave a run; it is marked, since they were not computed here."""
    scores = {name: value for name, value in entry.scores.items() if name in RUN_SCORES}
    return {
        **_row([run]),
        **dict.fromkeys(RUN_SCORES),
        **scores,
        "FPS": None,
        LATENCY: None,
        "state": f"external: {entry.server}, {entry.date}",
    }


def _sequences(records: Sequence[RunRecord]) -> str:
    done, selected = (min(getattr(record.counts, key) for record in records) for key in ("done", "selected"))
    return str(done) if done == selected else f"{done} of {selected}"


def _speed(records: Sequence[RunRecord]) -> str | None:
    rates = [record.timing.fps for record in records if record.timing is not None and record.timing.fps is not None]
    return f"{np.median(rates):.1f}" if rates else None


def _latency(records: Sequence[RunRecord]) -> str | None:
    timings = [record.timing for record in records if record.timing is not None and record.timing.step_ms is not None]
    if not timings:
        return None
    mark = "~" if any(timing.indicative for timing in timings) else ""
    return f"{mark}{np.median([timing.step_ms.p50 for timing in timings if timing.step_ms is not None]):.1f}"


def _state(records: Sequence[RunRecord]) -> str:
    if any(record.status == "started" for record in records):
        return "unfinished"
    if any(record.status == "failed" for record in records):
        return "failed sequences"
    if all(record.kind == "results-only" for record in records):
        return "results only"
    return "complete" if all(record.scored for record in records) else "not scored"


def _order(row: dict[str, Any]) -> tuple[str, str, bool, float, str]:
    score = row.get(row["headline"])
    return row["dataset"], row["split"], "marked" in row, -(-np.inf if score is None else score), row["method"]
