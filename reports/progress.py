"""The report `progress`: how one method's score moved from run to run, for continuous integration."""

from collections.abc import Sequence
from typing import Any

from vos_bench.names import counted
from vos_bench.records import Run
from vos_bench.records.identity import hardware, rules
from vos_bench.tables import Column, Table, percent

ABOUT = (
    Column("date"),
    Column("version", drop=9),
    Column("commit", drop=5),
    Column("seed", drop=6),
)
REST = (
    Column("change", digits=2, scale=100.0, drop=2),
    Column("FPS", digits=1),
    Column("state", drop=3),
)
NOTE = (
    "A group holds runs of one method under one set of rules on the same data. Change: in percent points, against the "
    "complete run with the same seed before it. FPS is not comparable across machines; a note names the machine."
)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: a group for each method, data and protocol, its runs by date."""
    rows: list[dict[str, Any]] = []
    last: dict[tuple[str, int], float] = {}
    for run in sorted((run for run in runs if run.record.scores), key=lambda run: run.record.ended):
        row = _row(run)
        key = (row["key"], row["seed"])
        if row["state"] == "complete":
            score = row[run.headline]
            row["change"] = score - last[key] if key in last else None
            last[key] = score
        rows.append(row)
    rows.sort(key=lambda row: row["group"])
    scores = [*dict.fromkeys(run.headline for run in runs if run.record.scores)] or ["J&F"]
    return Table(
        f"{' or '.join(scores)} over time",
        (*ABOUT, *map(percent, scores), *REST),
        _with_distinct_groups(rows),
        (NOTE,),
        group="group",
        footnotes="notes",
    )


def _row(run: Run) -> dict[str, Any]:
    record = run.record
    git = record.environment.git
    counts = record.counts
    state = (
        "complete" if counts.scored == counts.selected else f"{counts.scored} of {counted(counts.selected, 'sequence')}"
    )
    data, protocol = record.dataset, record.protocol
    return {
        "group": f"{record.method.title} on {data.title}, protocol {protocol.name}, "
        f"{protocol.frames_seen or 'unknown'} frames, {protocol.init or 'unknown start'}, "
        f"{', '.join((counted(counts.selected, 'sequence'), *protocol.conditions))}",
        "key": repr((record.method.title, rules(record))),
        "date": record.ended,
        "version": record.environment.vos_bench,
        "commit": git.commit[:8] if git and git.commit else None,
        "seed": record.seed,
        run.headline: record.scores[run.headline],
        "change": None,
        "FPS": record.timing.fps if record.timing else None,
        "state": state,
        "notes": (hardware(record),),
    }


def _with_distinct_groups(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tell groups apart that differ only in what no heading shows, such as the data's fingerprint."""
    keys: dict[str, list[str]] = {}
    for row in rows:
        found = keys.setdefault(row["group"], [])
        if row["key"] not in found:
            found.append(row["key"])
    several = {group for group, found in keys.items() if len(found) > 1}
    named = [
        {**row, "group": f"{row['group']} (rules {keys[row['group']].index(row['key']) + 1})"}
        if row["group"] in several
        else row
        for row in rows
    ]
    return sorted(named, key=lambda row: row["group"])
