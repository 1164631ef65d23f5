"""From a table to what every writer sets: printed cells with their rank, groups of rows, numbered notes."""

from collections.abc import Iterable, Mapping
from typing import Any, Literal, NamedTuple

from vos_bench.errors import BadInputError
from vos_bench.tables.model import MISSING, SPREAD, Column, Row, Table

Rank = Literal[0, 1, 2]
"""1 for the best of the comparable rows, 2 for the second best, 0 for all others."""

Orientation = Literal["rows", "columns"]
"""What the methods of a table are: its rows, or its columns as in the LWL paper's tables 1 to 3."""


class Heading(NamedTuple):
    """What stands above a column: a label, a unit in brackets, and the heading of its group.

    Attributes:
        is_number: Whether the cells below are numbers.
        is_symbol: Whether the label may be the symbol of a score, for writers that can set one.
        marks: The numbers of the notes on the column, from 1.
    """

    label: str
    unit: str = ""
    group: str = ""
    is_number: bool = False
    is_symbol: bool = False
    marks: tuple[int, ...] = ()

    @property
    def text(self) -> str:
        """The label with the unit in brackets."""
        return f"{self.label} [{self.unit}]" if self.unit else self.label

    @property
    def full_text(self) -> str:
        """The text with group and marks, for writers that have but one line of headings."""
        marks = f"[{', '.join(map(str, self.marks))}]" if self.marks else ""
        return " ".join(text for text in (self.group, self.text, marks) if text)


class Cell(NamedTuple):
    """One printed value; `heading` where it heads its row, and the numbers of the notes on this value, from 1."""

    text: str
    rank: Rank = 0
    heading: Heading | None = None
    marks: tuple[int, ...] = ()


class Line(NamedTuple):
    """One row of a table: its group, a cell for each column, and the numbers of its notes, from 1."""

    group: str
    cells: tuple[Cell, ...]
    marks: tuple[int, ...] = ()


class Layout(NamedTuple):
    """A table ready to be set.

    Attributes:
        lines: The rows, those of a group together, in the order in which groups first appear.
        footnotes: The notes that marks count, from 1.
        ranked: Whether any cell has a rank.
        turned: Whether the methods are the columns.
    """

    headings: tuple[Heading, ...]
    lines: tuple[Line, ...]
    footnotes: tuple[str, ...]
    ranked: bool
    turned: bool = False


def lay_out(table: Table, orientation: Orientation = "rows") -> Layout:
    """Return the table's cells as they are printed, ranked, grouped and with their notes numbered.

    Raises:
        BadInputError: The table cannot be set with its methods as columns.
    """
    rows = rows_in_groups(table)
    ranks = _ranks(table, rows)
    numbers: dict[str, int] = {}
    lines = []
    for i, row in enumerate(rows):
        marks = _numbered(notes_of(table, row), numbers)
        found = tuple(
            Cell(
                _text(column, row),
                ranks.get((i, column.name), 0),
                marks=_numbered(doubts_of(table, row).get(column.name, ()), numbers),
            )
            for column in table.columns
        )
        lines.append(Line(_group(table, row), found, marks))
    layout = Layout(tuple(map(_heading, table.columns)), tuple(lines), tuple(numbers), bool(ranks))
    return layout if orientation == "rows" else _turn(table, layout)


def _numbered(notes: Iterable[str], numbers: dict[str, int]) -> tuple[int, ...]:
    """Return the numbers of notes, ascending; a new note gets the next one."""
    return tuple(sorted({numbers.setdefault(note, len(numbers) + 1) for note in notes}))


def _heading(column: Column) -> Heading:
    text = column.label or column.name
    return Heading(text, column.unit, column.group, is_number=column.is_number, is_symbol=column.is_number)


def _turn(table: Table, layout: Layout) -> Layout:
    """Set a table on its side: a column for each row, a line for each column of numbers; other columns are left out."""
    names = [column.name for column in table.columns]
    if table.across not in names:
        raise BadInputError(f"{table.title}: has rows of many kinds; expected the orientation `rows`")
    across = names.index(table.across)
    headings = [
        Heading(line.cells[across].text, group=line.group, is_number=True, marks=line.marks) for line in layout.lines
    ]
    lines = [
        Line("", (Cell(heading.text, heading=heading), *(line.cells[i] for line in layout.lines)))
        for i, heading in enumerate(layout.headings)
        if heading.is_number
    ]
    return layout._replace(headings=(Heading(""), *headings), lines=tuple(lines), turned=True)


def cells(table: Table) -> list[list[str]]:
    """Return every cell as it is printed, row by row."""
    return [[cell.text for cell in line.cells] for line in lay_out(table).lines]


def rows_in_groups(table: Table) -> list[Row]:
    """Return the rows with those of a group together, groups and rows else in their order."""
    order = {name: i for i, name in enumerate(dict.fromkeys(_group(table, row) for row in table.rows))}
    return sorted(table.rows, key=lambda row: order[_group(table, row)])


def notes_of(table: Table, row: Row) -> tuple[str, ...]:
    """Return a row's notes."""
    found = row.get(table.footnotes) if table.footnotes else None
    return tuple(found) if isinstance(found, (tuple, list)) else ()


def doubts_of(table: Table, row: Row) -> Mapping[str, tuple[str, ...]]:
    """Return column to the notes on a row's value in it."""
    found = row.get(table.doubts) if table.doubts else None
    return found if isinstance(found, Mapping) else {}


def below(table: Table, layout: Layout) -> list[str]:
    """Return the lines below a table: its notes, then the numbered ones."""
    numbered = [f"[{number}] {note}" for number, note in enumerate(layout.footnotes, start=1)]
    return [*table.notes, *numbered]


def with_marks(line: Line, texts: list[str]) -> list[str]:
    """Return the texts of a row with the numbers of its notes behind the first."""
    if line.marks and texts:
        texts[0] += marked(line.marks)
    return texts


def marked(marks: tuple[int, ...]) -> str:
    """Return the numbers of notes as they stand behind what they are about."""
    return f" [{', '.join(map(str, marks))}]" if marks else ""


def _group(table: Table, row: Row) -> str:
    return str(row.get(table.group, "")) if table.group else ""


def is_missing(value: Any) -> bool:
    """Return whether a cell holds nothing."""
    return value is None or value != value or str(value) == "<NA>"


def _text(column: Column, row: Row) -> str:
    text = _value_text(column, row)
    spread: Any = row.get(column.name + SPREAD)
    if text == MISSING or column.digits is None or is_missing(spread):
        return text
    return f"{text} ± {spread * column.scale:z.{column.digits}f}"


def _value_text(column: Column, row: Row) -> str:
    value: Any = row.get(column.name)
    if is_missing(value):
        return MISSING
    if column.digits is None or isinstance(value, str):
        return str(value)
    return f"{value * column.scale:z.{column.digits}f}"  # z: what rounds to zero has no sign


def _ranks(table: Table, rows: list[Row]) -> dict[tuple[int, str], Rank]:
    """Rank what is printed, not what is behind the last decimal: two equal numbers never look like a winner."""
    found: dict[tuple[int, str], Rank] = {}
    for key in dict.fromkeys(_rank_keys(table, rows)):
        members = [i for i, other in enumerate(_rank_keys(table, rows)) if other == key]
        for column in table.columns:
            if key is None or column.higher_is_better is None:
                continue
            numbers = (i for i in members if not isinstance(rows[i].get(column.name), str))
            printed = {i: text for i in numbers if (text := _value_text(column, rows[i])) != MISSING}
            values = sorted({float(text) for text in printed.values()}, reverse=column.higher_is_better)
            if len(values) > 1 and not _is_beyond(column, values[0]):
                places: dict[float, Rank] = {values[0]: 1, values[1]: 2}
                found |= {(i, column.name): places[float(x)] for i, x in printed.items() if float(x) in places}
    return found


def _is_beyond(column: Column, value: float) -> bool:
    """Return whether a printed value lies beyond the best one that there is."""
    if column.best is None:
        return False
    best = column.best * column.scale
    return value > best if column.higher_is_better else value < best


def _rank_keys(table: Table, rows: Iterable[Row]) -> list[str | None]:
    keys = [row.get(table.rank) if table.rank else None for row in rows]
    return [None if is_missing(key) else str(key) for key in keys]
