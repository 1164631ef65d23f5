"""A table before it is set: raw values, and how to read them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

Row = Mapping[str, Any]
"""Values by the names of columns."""

MISSING = "–"
SPREAD = " ±"
"""Appended to a column's name: the key of its spread over seeds."""

NUMBER = 10
HEADLINE = 1
PROSE: Mapping[str, int] = {"": 0, "wrapped": 5, "cut": 50}
"""How soon a narrow terminal goes without a column of text: never without names."""
DROP: Mapping[str, int] = {"decay": 40, "recall": 30}
"""How soon a narrow terminal goes without a statistic of a score; `NUMBER` for every other number."""


@dataclass(frozen=True)
class Column:
    """How one column of a table is to be read.

    Attributes:
        name: The key of its values in rows and, without a `label`, its heading.
        digits: Decimals to print; None for text and whole numbers.
        scale: What values are multiplied by for print: 100 for a fraction shown in percent.
        higher_is_better: True or False for a metric, None for anything else. Only metrics are ranked.
        unit: Printed behind the heading where it is not empty.
        label: The heading where it is not the name, as for the same score of two datasets.
        group: The heading above this column and its neighbours of the same group.
        drop: When a narrow terminal goes without the column: 0 for never, else the higher, the sooner; None for
            what `PROSE` says of text, and `DROP` of a number.
        prose: What a narrow terminal does to the column's sentences: `wrapped` into lines, or `cut` to one; names are
            neither.
        narrowest: How narrow a column of sentences may become.
        best: The value beyond which a metric gets no better, as 0 does for a decay; None for none. Rows are not ranked
            by this column where one of them lies beyond.
    """

    name: str
    digits: int | None = None
    scale: float = 1.0
    higher_is_better: bool | None = None
    unit: str = ""
    label: str = ""
    group: str = ""
    drop: int | None = None
    prose: Literal["", "wrapped", "cut"] = ""
    narrowest: int = 24
    best: float | None = None

    @property
    def dropped(self) -> int:
        """How soon a narrow terminal goes without the column; 0 for never."""
        if self.drop is not None or not self.is_number:
            return PROSE[self.prose] if self.drop is None else self.drop
        text = self.label or self.name
        return HEADLINE if text in {"G", "HOTA"} or "&" in text else DROP.get(text.rpartition("_")[2], NUMBER)

    @property
    def is_number(self) -> bool:
        """Whether values are numbers, which are set flush right."""
        return self.digits is not None


def percent(name: str, *, label: str = "", group: str = "") -> Column:
    """Return the column of a score: a fraction, printed in percent with one decimal.

    The label, or else the name, says which measure it is, and so whether higher is better.
    """
    from vos_bench.metrics.measures import measure  # brings NumPy along, which a table of text does without

    better = measure(label or name).higher_is_better
    best = None if better else 0.0
    return Column(name, digits=1, scale=100.0, higher_is_better=better, label=label, group=group, best=best)


@dataclass(frozen=True)
class Table:
    """A table before it is set.

    Attributes:
        title: One line.
        columns: The columns in order.
        rows: Values as they stand in the records, never rounded. `NAME ±` is the spread of NAME and is printed behind
            it. A value that is absent, None or NaN is missing; a text in a column of numbers says why there is none.
        notes: Sentences below the table.
        group: The key of rows with each row's group, empty for none. Rows of a group stand together.
        rank: The key of rows that says which rows may be ranked against each other: those with the same
            text. None there, or no such key: never ranked.
        footnotes: The key of rows with each row's notes, a tuple of sentences.
        doubts: The key of rows with notes on single values: column to a tuple of sentences, whose numbers stand beside
            the value.
        across: The column whose values head the columns where the table is set on its side, as papers print a few
            methods beside each other with a line for each score; empty for a table that is never set so.
        column_notes: Note to the one column that it explains: a text without the column goes without the note.
    """

    title: str
    columns: tuple[Column, ...]
    rows: Sequence[Row]
    notes: tuple[str, ...] = ()
    group: str = ""
    rank: str = ""
    footnotes: str = ""
    doubts: str = ""
    across: str = ""
    column_notes: Mapping[str, str] = field(default_factory=dict)

    def without_notes(self) -> "Table":
        """Return the table without notes below it, and without their numbers beside rows and values."""
        return replace(self, notes=(), footnotes="", doubts="")
