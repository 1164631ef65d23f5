"""`vos-bench report`: tables from records."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench import registry
from vos_bench.commands.output import say, show, warn
from vos_bench.files import write_text
from vos_bench.records import find_runs
from vos_bench.tables import Format, render


def report(
    table: str,
    *runs: Path,
    format: Format = "text",
    out: Annotated[Path | None, Parameter(name="--out")] = None,
) -> None:
    """Make a table from records. A damaged record is named, and the others are still reported.

    Args:
        table: The report's name; `vos-bench list reports` has them all.
        runs: Folders of runs, at any depth; `runs/` where none is given.
        format: How to write the table.
        out: The file to write; without it, the table is printed.
    """
    info = registry.report(table)
    found = find_runs(runs or (Path("runs"),))
    for problem in found.problems:
        warn(problem)
    made = registry.resolve(info.factory)(found.runs)
    if out is None:
        show(made, format)
    else:
        write_text(out, render(made, format))
        say(str(out))
