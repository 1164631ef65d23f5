"""The one table type that every report builds, and the writers that turn it into text, Markdown and CSV."""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, get_args

import pandas as pd

Format = Literal["text", "markdown", "csv"]
FORMATS: tuple[Format, ...] = get_args(Format)

MISSING = "–"
UNBOUNDED = 100_000
SPREAD = " ±"
"""Appended to a column's name: the column of the frame that holds its spread over seeds."""


@dataclass(frozen=True)
class Column:
    """How one column of a table is to be read.

    Attributes:
        name: The column's name in the frame and its heading.
        digits: Decimals to print; None for text and whole numbers.
        scale: What values are multiplied by for print: 100 for a fraction shown in percent.
        higher_is_better: True or False for a metric, None for anything else.
        unit: Printed behind the heading where it is not empty.
    """

    name: str
    digits: int | None = None
    scale: float = 1.0
    higher_is_better: bool | None = None
    unit: str = ""

    @property
    def heading(self) -> str:
        """The name, with the unit in brackets."""
        return f"{self.name} [{self.unit}]" if self.unit else self.name

    @property
    def is_number(self) -> bool:
        """Whether values are numbers, which are set flush right."""
        return self.digits is not None


def percent(name: str, *, higher_is_better: bool = True) -> Column:
    """Return the column of a score: a fraction, printed in percent with one decimal."""
    return Column(name, digits=1, scale=100.0, higher_is_better=higher_is_better)


@dataclass(frozen=True)
class Table:
    """A table before it is set: raw values and how to read them.

    Attributes:
        title: One line.
        columns: The columns in order.
        frame: One row a line; values as they stand in the records, never rounded. A column named `NAME ±` holds the
            spread of NAME and is printed behind it.
        notes: Sentences below the table.
    """

    title: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()


def render(table: Table, format: Format, *, width: int | None = None) -> str:
    """Return the table as text in one of `FORMATS`; it ends with a newline.

    Args:
        table: What to set.
        format: How.
        width: Columns of the terminal that `text` is for, which wraps words then; None for lines of any length.
    """
    return _text(table, width) if format == "text" else _WRITERS[format](table)


def cells(table: Table) -> list[list[str]]:
    """Return every cell as it is printed, row by row."""
    rows = table.frame.to_dict(orient="records")
    return [
        [_cell(column, {str(name): value for name, value in row.items()}) for column in table.columns] for row in rows
    ]


def _cell(column: Column, row: Mapping[str, Any]) -> str:
    value = row.get(column.name)
    if value is None or value is pd.NA or value != value:
        return MISSING
    if column.digits is None:
        return str(value)
    text = f"{value * column.scale:.{column.digits}f}"
    spread = row.get(column.name + SPREAD)
    return text if spread is None or spread != spread else f"{text} ± {spread * column.scale:.{column.digits}f}"


def _text(table: Table, width: int | None) -> str:
    import rich.box
    import rich.table
    from rich.console import Console
    from rich.text import Text

    grid = rich.table.Table(box=rich.box.SIMPLE_HEAD, title=Text(table.title), title_justify="left")
    for column in table.columns:
        grid.add_column(Text(column.heading), justify="right" if column.is_number else "left", no_wrap=column.is_number)
    for row in cells(table):
        grid.add_row(*map(Text, row))
    out = io.StringIO()
    console = Console(file=out, width=width or UNBOUNDED, color_system=None)
    console.print(grid)
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    return "\n".join([*lines, *table.notes]).strip("\n") + "\n"


def _markdown(table: Table) -> str:
    def line(values: list[str]) -> str:
        return "| " + " | ".join(value.replace("|", "\\|") for value in values) + " |"

    rules = ["---:" if column.is_number else "---" for column in table.columns]
    body = [line([column.heading for column in table.columns]), line(rules), *map(line, cells(table))]
    notes = ["", *table.notes] if table.notes else []
    return "\n".join([f"**{table.title}**", "", *body, *notes]) + "\n"


def _csv(table: Table) -> str:
    names = [name for column in table.columns for name in (column.name, column.name + SPREAD) if name in table.frame]
    return table.frame[names].to_csv(index=False, lineterminator="\n")


_WRITERS: Mapping[Format, Callable[[Table], str]] = {"markdown": _markdown, "csv": _csv}
