"""A table as Markdown, CSV and JSON, and the way to every format."""

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Literal, get_args

from vos_bench.errors import BadInputError
from vos_bench.names import escape_formula, printable
from vos_bench.tables.layout import (
    Cell,
    Layout,
    Orientation,
    below,
    doubts_of,
    is_missing,
    lay_out,
    marked,
    notes_of,
    rows_in_groups,
    with_marks,
)
from vos_bench.tables.model import SPREAD, Row, Table

Format = Literal["text", "markdown", "latex", "csv", "json", "html"]
FORMATS: tuple[Format, ...] = get_args(Format)

MOST_COLUMNS = 18
"""More methods than that are never set beside each other unless asked for: no page is so wide."""


def render(table: Table, format: Format, *, width: int | None = None, orientation: Orientation | None = None) -> str:
    """Return the table as text in one of `FORMATS`; it ends with a newline.

    Args:
        table: What to set.
        format: How.
        width: Columns of the terminal that `text` is for: the least important columns are left out until the rest
            fits, and a line says which; None for all columns in lines of any length.
        orientation: What the methods are; None for columns where the table is made for it and LaTeX or HTML is asked
            for, which can set headings over groups of columns, and rows everywhere else.

    Raises:
        BadInputError: The table, or CSV, or JSON, cannot be set as `orientation` asks.
    """
    if format in _DATA:
        if orientation == "columns":
            raise BadInputError(f"{format} is data, an entry for each row; expected the orientation `rows`")
        return printable(_DATA[format](table))
    layout = lay_out(_for_papers(table) if format == "latex" else table, orientation or _natural(table, format))
    return printable(_written(table, layout, format, width))


def _written(table: Table, layout: Layout, format: Format, width: int | None) -> str:
    """Set a table in a format that is no data; its writer is loaded here, since a command prints but one."""
    if format == "text":
        from vos_bench.tables.text import text

        return text(table, layout, width)
    if format == "latex":
        from vos_bench.tables.latex import latex

        return latex(table, layout)
    if format == "html":
        from vos_bench.tables.html import html_document

        return html_document(table, layout)
    return _markdown(table, layout)


def _for_papers(table: Table) -> Table:
    """Leave out the notes that name a command, which help whoever sits at a terminal and not a reader of a paper."""
    if not table.footnotes:
        return table
    rows = [
        {**row, table.footnotes: tuple(note for note in notes_of(table, row) if "vos-bench report " not in note)}
        for row in table.rows
    ]
    return replace(table, rows=rows)


def _natural(table: Table, format: Format) -> Orientation:
    turned = table.across and format in {"latex", "html"} and len(table.rows) <= MOST_COLUMNS
    return "columns" if turned else "rows"


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
        body.append(row(with_marks(line, [_markdown_cell(cell) for cell in line.cells])))
    legend = ["**Best** and <u>second</u> among comparable results."] if layout.ranked else []
    notes = [*legend, *(plain_markdown(note) for note in below(table, layout))]
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
    return f"{before}{plain_markdown(cell.text)}{after}{marked(cell.marks)}"


def _data_names(table: Table) -> list[str]:
    held = {column.name for column in table.columns}.union(*table.rows)
    names = [name for column in table.columns for name in (column.name, column.name + SPREAD) if name in held]
    return [*([table.group] if table.group and table.group not in names else []), *names]


def _csv(table: Table) -> str:
    names = _data_names(table)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow([*names, *(["notes"] if table.footnotes else [])])
    for row in rows_in_groups(table):
        notes = [escape_formula(" | ".join(_all_notes(table, row)))] if table.footnotes else []
        writer.writerow([*(_csv_value(row.get(name)) for name in names), *notes])
    return out.getvalue()


def _json(table: Table) -> str:
    import json

    names = _data_names(table)
    rows = [
        {name: _json_value(row.get(name)) for name in names} | _json_notes(table, row) for row in rows_in_groups(table)
    ]
    held = {"title": table.title, "columns": names, "rows": rows, "notes": list(table.notes)}
    return json.dumps(held, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def _json_notes(table: Table, row: Row) -> dict[str, list[str]]:
    return {"notes": list(_all_notes(table, row))} if table.footnotes else {}


def _json_value(value: Any) -> Any:
    if is_missing(value) or value in (float("inf"), float("-inf")):
        return None
    return value if isinstance(value, (str, bool, int, float)) else _plain_number(value)


def _plain_number(value: Any) -> Any:
    """Return a number of NumPy or pandas as one of Python, anything else as text."""
    return value.item() if hasattr(value, "item") else str(value)


def _all_notes(table: Table, row: Row) -> Iterator[str]:
    """Yield a row's notes, then those on its values, which name the column."""
    yield from notes_of(table, row)
    for column, notes in doubts_of(table, row).items():
        yield from (f"{column}: {note}" for note in notes)


def _csv_value(value: Any) -> Any:
    if isinstance(value, str):
        return escape_formula(value)
    return "" if is_missing(value) else value


_DATA: Mapping[str, Callable[[Table], str]] = {"csv": _csv, "json": _json}
