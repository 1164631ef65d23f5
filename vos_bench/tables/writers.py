"""A table as text, Markdown and CSV, and the way to all five formats."""

import io
import re
from collections.abc import Callable, Mapping
from typing import Literal, get_args

import pandas as pd

from vos_bench.tables.html import html_document
from vos_bench.tables.latex import latex
from vos_bench.tables.layout import Cell, Layout, Line, lay_out, notes_of, rows_in_groups
from vos_bench.tables.model import SPREAD, Table

Format = Literal["text", "markdown", "latex", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)

UNBOUNDED = 100_000

_GROUP = "\ue000"
"""Stands before a group's number until its name is put there; a character for private use, so that no name has it."""


def render(table: Table, format: Format, *, width: int | None = None) -> str:
    """Return the table as text in one of `FORMATS`; it ends with a newline.

    Args:
        table: What to set.
        format: How.
        width: Columns of the terminal that `text` is for, which wraps words then; None for lines of any length.
    """
    return _text(table, width) if format == "text" else _WRITERS[format](table)


def _below(table: Table, layout: Layout, legend: str) -> list[str]:
    numbered = [f"[{number}] {note}" for number, note in enumerate(layout.footnotes, start=1)]
    return [*([legend] if layout.ranked else []), *table.notes, *numbered]


def _with_marks(line: Line, texts: list[str]) -> list[str]:
    if line.marks and texts:
        texts[0] = f"{texts[0]} [{', '.join(map(str, line.marks))}]"
    return texts


def _text(table: Table, width: int | None) -> str:
    import rich.box
    import rich.table
    from rich.console import Console
    from rich.text import Text

    layout = lay_out(table)
    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=Text(table.title), title_justify="left")
    for column in table.columns:
        heading = Text(column.full_heading)
        grid.add_column(heading, justify="right" if column.is_number else "left", no_wrap=column.is_number)
    groups: list[str] = []
    for line in layout.lines:
        if line.group != (groups[-1] if groups else ""):
            grid.add_section()
            grid.add_row(Text(f"{_GROUP}{len(groups)}"))
            groups.append(line.group)
        grid.add_row(*map(Text, _with_marks(line, [_text_cell(cell, layout) for cell in line.cells])))
    out = io.StringIO()
    Console(file=out, width=width or UNBOUNDED, color_system=None).print(grid)
    # A group's name goes over all columns, which rich's tables cannot do: put it in afterwards.
    rows = (line.rstrip() for line in out.getvalue().splitlines())
    lines = [f"  {groups[int(row.strip()[1:])]}:" if row.strip().startswith(_GROUP) else row for row in rows]
    legend = "*best* and _second_ of the rows that are comparable."
    return "\n".join([*lines, *_below(table, layout, legend)]).strip("\n") + "\n"


def _text_cell(cell: Cell, layout: Layout) -> str:
    if not layout.ranked or not _looks_like_number(cell.text):
        return cell.text
    mark = " *_"[cell.rank]
    return f"{mark}{cell.text}{mark}"


def _looks_like_number(text: str) -> bool:
    return bool(re.match(r"-?\d", text))


def _markdown(table: Table) -> str:
    def row(values: list[str]) -> str:
        return "| " + " | ".join(values) + " |"

    layout = lay_out(table)
    rules = ["---:" if column.is_number else "---" for column in table.columns]
    body = [row([_plain(column.full_heading) for column in table.columns]), row(rules)]
    group = ""
    for line in layout.lines:
        if line.group != group:
            group = line.group
            body.append(row([f"*{_plain(group)}*", *[""] * (len(table.columns) - 1)]))
        body.append(row(_with_marks(line, [_markdown_cell(cell) for cell in line.cells])))
    below = [_plain(note) for note in _below(table, layout, "LEGEND")]
    notes = [note.replace("LEGEND", "**Best** and <u>second</u> of the rows that are comparable.") for note in below]
    # Two spaces and a line end keep each note on a line of its own.
    return "\n".join([f"**{_plain(table.title)}**", "", *body, *(["", "  \n".join(notes)] if notes else [])]) + "\n"


def _plain(text: str) -> str:
    """Make text that Markdown takes literally, markup of names and all."""
    return re.sub(r"([|*`\\]|(?<=\])\()", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def _markdown_cell(cell: Cell) -> str:
    before, after = {0: ("", ""), 1: ("**", "**"), 2: ("<u>", "</u>")}[cell.rank]
    return f"{before}{_plain(cell.text)}{after}"


def _csv(table: Table) -> str:
    names = [name for column in table.columns for name in (column.name, column.name + SPREAD) if name in table.frame]
    frame = pd.DataFrame(rows_in_groups(table), columns=[str(name) for name in table.frame.columns])
    chosen = frame[names].copy()
    if table.group and table.group not in names:
        chosen.insert(0, table.group, frame[table.group])
    if table.footnotes:
        chosen["notes"] = [" | ".join(notes_of(table, row)) for row in rows_in_groups(table)]
    return chosen.to_csv(index=False, lineterminator="\n")


_WRITERS: Mapping[Format, Callable[[Table], str]] = {
    "markdown": _markdown,
    "latex": latex,
    "csv": _csv,
    "html": html_document,
}
