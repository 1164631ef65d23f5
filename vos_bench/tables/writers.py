"""A table as text, Markdown and CSV, and the way to all five formats."""

import csv
import io
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal, get_args

from vos_bench.errors import BadInputError
from vos_bench.names import escape_formula, printable
from vos_bench.tables.html import html_document
from vos_bench.tables.latex import latex
from vos_bench.tables.layout import Cell, Layout, Line, Orientation, is_missing, lay_out, notes_of, rows_in_groups
from vos_bench.tables.model import SPREAD, Table

Format = Literal["text", "markdown", "latex", "csv", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)

UNBOUNDED = 100_000

_GROUP = "\ue000"
"""Stands before a group's number until its name is put there; a character for private use, which no cell keeps."""


MOST_COLUMNS = 18
"""More methods than that are never set beside each other unless asked for: no page is so wide."""


def render(table: Table, format: Format, *, width: int | None = None, orientation: Orientation | None = None) -> str:
    """Return the table as text in one of `FORMATS`; it ends with a newline.

    Args:
        table: What to set.
        format: How.
        width: Columns of the terminal that `text` is for, which wraps words then; None for lines of any length.
        orientation: What the methods are; None for columns where the table is made for it and LaTeX or HTML is asked
            for, which can set headings over groups of columns, and rows everywhere else.

    Raises:
        BadInputError: The table, or CSV, cannot be set as `orientation` asks.
    """
    if format == "csv":
        if orientation == "columns":
            raise BadInputError("csv is data, a line for each row; expected the orientation `rows`")
        return printable(_csv(table))
    layout = lay_out(table, orientation or _natural(table, format))
    return printable(_text(table, layout, width) if format == "text" else _WRITERS[format](table, layout))


def _natural(table: Table, format: Format) -> Orientation:
    turned = table.across and format in {"latex", "html"} and len(table.rows) <= MOST_COLUMNS
    return "columns" if turned else "rows"


def _below(table: Table, layout: Layout) -> list[str]:
    numbered = [f"[{number}] {note}" for number, note in enumerate(layout.footnotes, start=1)]
    return [*table.notes, *numbered]


def _with_marks(line: Line, texts: list[str]) -> list[str]:
    if line.marks and texts:
        texts[0] = f"{texts[0]} [{', '.join(map(str, line.marks))}]"
    return texts


def _text(table: Table, layout: Layout, width: int | None) -> str:
    import rich.box
    import rich.table
    from rich.console import Console
    from rich.text import Text

    def literal(text: str) -> Text:
        return Text(text.replace(_GROUP, "\N{REPLACEMENT CHARACTER}"))

    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=literal(table.title), title_justify="left")
    for heading in layout.headings:
        justify: Literal["left", "right"] = "right" if heading.is_number else "left"
        grid.add_column(literal(heading.full_text), justify=justify, no_wrap=heading.is_number and not layout.turned)
    groups: list[str] = []
    for line in layout.lines:
        if line.group != (groups[-1] if groups else ""):
            grid.add_section()
            grid.add_row(Text(f"{_GROUP}{len(groups)}"))
            groups.append(line.group)
        texts = _with_marks(line, [_text_cell(cell, layout) for cell in line.cells])
        grid.add_row(*map(literal, texts))
    out = io.StringIO()
    Console(file=out, width=width or UNBOUNDED, color_system=None).print(grid)
    # A group's name goes over all columns, which rich's tables cannot do: put it in afterwards.
    rows = (line.rstrip() for line in out.getvalue().splitlines())
    lines = [f"  {groups[int(row.strip()[1:])]}:" if row.strip().startswith(_GROUP) else row for row in rows]
    legend = ["*best* and _second_ among comparable results."] if layout.ranked else []
    return "\n".join([*lines, *legend, *_below(table, layout)]).strip("\n") + "\n"


def _text_cell(cell: Cell, layout: Layout) -> str:
    if not layout.ranked or not _looks_like_number(cell.text):
        return cell.text
    mark = " *_"[cell.rank]
    return f"{mark}{cell.text}{mark}"


def _looks_like_number(text: str) -> bool:
    return bool(re.match(r"-?\d", text))


def _markdown(table: Table, layout: Layout) -> str:
    def row(values: list[str]) -> str:
        return "| " + " | ".join(values) + " |"

    rules = ["---:" if heading.is_number else "---" for heading in layout.headings]
    body = [row([plain_markdown(heading.full_text) for heading in layout.headings]), row(rules)]
    group = ""
    for line in layout.lines:
        if line.group != group:
            group = line.group
            body.append(row([f"*{plain_markdown(group)}*", *[""] * (len(rules) - 1)]))
        body.append(row(_with_marks(line, [_markdown_cell(cell) for cell in line.cells])))
    legend = ["**Best** and <u>second</u> among comparable results."] if layout.ranked else []
    notes = [*legend, *(plain_markdown(note) for note in _below(table, layout))]
    # Two spaces and a line end keep each note on a line of its own.
    return (
        "\n".join([f"**{plain_markdown(table.title)}**", "", *body, *(["", "  \n".join(notes)] if notes else [])])
        + "\n"
    )


def plain_markdown(text: str) -> str:
    """Make text that Markdown takes literally, markup of names and all."""
    return re.sub(r"([|*`\\]|(?<=\])\()", r"\\\1", " ".join(text.split())).replace("<", "&lt;")


def _markdown_cell(cell: Cell) -> str:
    before, after = {0: ("", ""), 1: ("**", "**"), 2: ("<u>", "</u>")}[cell.rank]
    return f"{before}{plain_markdown(cell.text)}{after}"


def _csv(table: Table) -> str:
    held = {column.name for column in table.columns}.union(*table.rows)
    names = [name for column in table.columns for name in (column.name, column.name + SPREAD) if name in held]
    first = [table.group] if table.group and table.group not in names else []
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*first, *names, *(["notes"] if table.footnotes else [])])
    for row in rows_in_groups(table):
        notes = [escape_formula(" | ".join(notes_of(table, row)))] if table.footnotes else []
        writer.writerow([*(_csv_value(row.get(name)) for name in (*first, *names)), *notes])
    return out.getvalue()


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return escape_formula(value)
    return "" if is_missing(value) else value


_WRITERS: Mapping[Format, Callable[[Table, Layout], str]] = {
    "markdown": _markdown,
    "latex": latex,
    "html": html_document,
}
