"""The report `delta`: what moved between two runs, sequence by sequence, and whether it is more than chance."""

from collections.abc import Collection, Sequence
from itertools import pairwise

from vos_bench.comparing.significance import Change, change
from vos_bench.comparing.verdicts import require_comparable
from vos_bench.errors import BadInputError
from vos_bench.records import Run
from vos_bench.tables import Column, Table

MOST = 10
"""How many sequences are shown, those that moved most."""

COLUMNS = (
    Column("of"),
    Column("objects"),
    Column("baseline J&F", digits=1, scale=100.0),
    Column("J&F", digits=1, scale=100.0),
    Column("change", digits=2, scale=100.0),
    Column("from", digits=2, scale=100.0),
    Column("to", digits=2, scale=100.0),
)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: each run against the one before it, in the order in which they were named.

    Raises:
        BadInputError: There are fewer than two runs.
        NotComparableError: Data or rules of two runs differ.
    """
    if len(runs) < 2:
        raise BadInputError(
            f"report delta: found {len(runs)} runs, expected two: the baseline's folder, then the other's"
        )
    rows, notes = [], []
    for baseline, run in pairwise(runs):
        require_comparable(baseline.record, run.record)
        found = change(baseline, run)
        title = f"{_named(run)} against {_named(baseline)}"
        notes.append(f"{title}: {found}.")
        rows += [{"group": title, **row} for row in _rows(baseline, run, found)]
    note = f"Of each pair the {MOST} sequences that moved most. Change in points, second run minus first."
    return Table("Change of J&F", COLUMNS, rows, (note, *notes), group="group")


def _named(run: Run) -> str:
    return f"{run.record.method.title} ({run.folder})"


def _rows(baseline: Run, run: Run, found: Change) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = [
        {
            "of": f"all {len(found.sequences)} sequences",
            "objects": sum(len(run.sequence_records[name].scores) for name in found.sequences),
            "baseline J&F": _mean(baseline, [*found.sequences]),
            "J&F": _mean(run, [*found.sequences]),
            "change": found.difference,
            "from": found.low,
            "to": found.high,
        }
    ]
    rows += [
        {
            "of": name,
            "objects": len(run.sequence_records[name].scores),
            "baseline J&F": _mean(baseline, [name]),
            "J&F": _mean(run, [name]),
            "change": found.sequences[name],
        }
        for name in list(found.sequences)[:MOST]
    ]
    return rows


def _mean(run: Run, names: Collection[str]) -> float:
    scores = [each.score for name in names for each in run.sequence_records[name].scores]
    return sum(scores) / len(scores)
