"""`vos-bench compare`: a run against a baseline."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import pandas as pd
from cyclopts import Parameter

from vos_bench.commands.options import named_number
from vos_bench.commands.output import say, show, write_json
from vos_bench.compare import OVERALL, Comparison, Verdict
from vos_bench.compare import compare as judge
from vos_bench.records import load_run
from vos_bench.significance import change
from vos_bench.tables import Column, Table


def compare(
    baseline: Path,
    run: Path,
    *,
    tolerance: Annotated[tuple[str, ...], Parameter(negative=(), consume_multiple=True)] = (),
    json: Annotated[Path | None, Parameter(name="--json")] = None,
) -> int:
    """Judge a run against a baseline: exit code 0 when it is as good, 1 worse, 2 not comparable.

    Args:
        baseline: The run that sets the mark: its folder or its `run.json`.
        run: The run that is judged.
        tolerance: SCORE=VALUE, the difference that still counts as the same; FPS takes a share of the baseline's.
        json: A file for all rows.
    """
    before, after = load_run(baseline), load_run(run)
    comparison = judge(before, after, tolerances=dict(named_number("--tolerance", text) for text in tolerance))
    moved = change(before, after)
    show(_table(comparison))
    same = sum(row.verdict is Verdict.SAME and row.subject != OVERALL for row in comparison.rows)
    say(f"{same} sequences are the same within tolerance and not shown.")
    say(f"{moved}.")
    rows = [asdict(row) for row in comparison.rows]
    write_json(json, {"worse": comparison.is_worse, "rows": rows, "change of J&F": asdict(moved)})
    return int(comparison.is_worse)


def _table(comparison: Comparison) -> Table:
    columns = (
        Column("of"),
        Column("score"),
        Column("baseline", digits=4),
        Column("run", digits=4),
        Column("change", digits=4),
        Column("verdict"),
        Column("note"),
    )
    rows = [
        {
            "of": row.subject,
            "score": row.score,
            "baseline": row.baseline,
            "run": row.candidate,
            "change": None if row.baseline is None or row.candidate is None else row.candidate - row.baseline,
            "verdict": row.verdict.value,
            "note": row.note,
        }
        for row in comparison.rows
        if row.subject == OVERALL or row.verdict is not Verdict.SAME
    ]
    return Table("Comparison", columns, pd.DataFrame(rows, columns=[column.name for column in columns]))
