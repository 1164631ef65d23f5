"""`vos-bench report` as cyclopts reads it; `vos_bench.commands.reporting` does it."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vos_bench.commands.groups import REPEATED
from vos_bench.tables import Format, Orientation


def report(
    table: str,
    *runs: Path,
    format: Format | None = None,
    orientation: Orientation | None = None,
    out: Annotated[Path | None, Parameter(name="--out")] = None,
    root: Path | None = None,
    methods: str | None = None,
    sequences: str | None = None,
    label: Annotated[tuple[str, ...], REPEATED] = (),
    published: str | None = None,
    notes: bool = True,
) -> int:
    """Make a table, a figure or a page from records. A damaged record is named, and the others are still reported.

    Args:
        table: The report's name; `vos-bench list reports` has them all. Several tables, A,B, are printed one after the
            other, which takes less time than one by one.
        runs: Folders of runs, at any depth; `runs/` where none is given.
        format: How to write a table; text unless told otherwise.
        orientation: Set the methods of a table as rows, or as columns like the paper's tables; by itself LaTeX and HTML
            of the paper's tables 1 to 3 have columns, everything else has rows.
        out: The file to write. By default, a table is printed. The name's ending decides the format of a figure.
        root: The folder of the data, for reports that show frames or look at the truth.
        methods: A,B: only the runs of these methods, by name or label.
        sequences: A,B or @FILE: average a table over these sequences alone; show these in a figure, on a page, or in a
            table of frames.
        label: DIR=TEXT: what to call the runs in a folder; may be given several times.
        published: A,B: published methods against which runs are held sequence by sequence, object by object.
        notes: Print a table's notes; `--no-notes` leaves them out, with their numbers beside rows and values.
    """
    from vos_bench.commands.reporting import make_reports  # here, so that `--help` loads none of it

    return make_reports(
        table,
        runs,
        format=format,
        orientation=orientation,
        out=out,
        root=root,
        methods=methods,
        sequences=sequences,
        label=label,
        published=published,
        notes=notes,
    )
