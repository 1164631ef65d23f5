"""From a table to what every writer sets: printed cells with their rank, groups of rows, numbered notes."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from vos_bench.tables.model import MISSING, SPREAD, Column, Table

Rank = Literal[0, 1, 2]
"""1 for the best of the comparable rows, 2 for the second best, 0 for all others."""

Row = Mapping[str, Any]


class Cell(NamedTuple):
    """One printed value."""

    text: str
    rank: Rank = 0


class Line(NamedTuple):
    """One row of a table.

    Attributes:
        group: The heading of the group it belongs to, empty where the table has none.
        cells: One for each column.
        marks: The numbers of its notes, from 1.
    """

    group: str
    cells: tuple[Cell, ...]
    marks: tuple[int, ...] = ()


class Layout(NamedTuple):
    """A table ready to be set.

    Attributes:
        lines: The rows, those of a group together, in the order in which groups first appear.
        footnotes: The notes that `Line.marks` count, from 1.
        ranked: Whether any cell has a rank.
    """

    lines: tuple[Line, ...]
    footnotes: tuple[str, ...]
    ranked: bool


def lay_out(table: Table) -> Layout:
    """Return the table's cells as they are printed, ranked, grouped and with their notes numbered."""
    rows = rows_in_groups(table)
    ranks = _ranks(table, rows)
    numbers: dict[str, int] = {}
    lines = []
    for i, row in enumerate(rows):
        found = tuple(Cell(_text(column, row), ranks.get((i, column.name), 0)) for column in table.columns)
        marks = [numbers.setdefault(note, len(numbers) + 1) for note in notes_of(table, row)]
        lines.append(Line(_group(table, row), found, tuple(sorted(set(marks)))))
    return Layout(tuple(lines), tuple(numbers), bool(ranks))


def cells(table: Table) -> list[list[str]]:
    """Return every cell as it is printed, row by row."""
    return [[cell.text for cell in line.cells] for line in lay_out(table).lines]


def rows_in_groups(table: Table) -> list[Row]:
    """Return the rows with those of a group together, groups and rows else in their order."""
    rows: list[Row] = [{str(k): v for k, v in row.items()} for row in table.frame.to_dict(orient="records")]
    order = {name: i for i, name in enumerate(dict.fromkeys(_group(table, row) for row in rows))}
    return sorted(rows, key=lambda row: order[_group(table, row)])


def notes_of(table: Table, row: Row) -> tuple[str, ...]:
    """Return a row's notes."""
    found = row.get(table.footnotes) if table.footnotes else None
    return tuple(found) if isinstance(found, (tuple, list)) else ()


def _group(table: Table, row: Row) -> str:
    return str(row.get(table.group, "")) if table.group else ""


def _missing(value: Any) -> bool:
    return value is None or value != value or str(value) == "<NA>"


def _text(column: Column, row: Row) -> str:
    text = _value_text(column, row)
    spread: Any = row.get(column.name + SPREAD)
    if text == MISSING or column.digits is None or _missing(spread):
        return text
    return f"{text} ± {spread * column.scale:.{column.digits}f}"


def _value_text(column: Column, row: Row) -> str:
    value: Any = row.get(column.name)
    if _missing(value):
        return MISSING
    return str(value) if column.digits is None else f"{value * column.scale:.{column.digits}f}"


def _ranks(table: Table, rows: list[Row]) -> dict[tuple[int, str], Rank]:
    """Rank what is printed, not what is behind the last decimal: two equal numbers never look like a winner."""
    found: dict[tuple[int, str], Rank] = {}
    for key in dict.fromkeys(_rank_keys(table, rows)):
        members = [i for i, other in enumerate(_rank_keys(table, rows)) if other == key]
        for column in table.columns:
            if key is None or column.higher_is_better is None:
                continue
            printed = {i: text for i in members if (text := _value_text(column, rows[i])) != MISSING}
            values = sorted({float(text) for text in printed.values()}, reverse=column.higher_is_better)
            if len(values) > 1:
                places: dict[float, Rank] = {values[0]: 1, values[1]: 2}
                found |= {(i, column.name): places[float(x)] for i, x in printed.items() if float(x) in places}
    return found


def _rank_keys(table: Table, rows: Iterable[Row]) -> list[str | None]:
    keys = [row.get(table.rank) if table.rank else None for row in rows]
    return [None if _missing(key) else str(key) for key in keys]
