"""A table before it is set: raw values, and how to read them."""

from dataclasses import dataclass

import pandas as pd

MISSING = "–"
SPREAD = " ±"
"""Appended to a column's name: the column of the frame that holds its spread over seeds."""


@dataclass(frozen=True)
class Column:
    """How one column of a table is to be read.

    Attributes:
        name: The column's name in the frame and, without a `label`, its heading.
        digits: Decimals to print; None for text and whole numbers.
        scale: What values are multiplied by for print: 100 for a fraction shown in percent.
        higher_is_better: True or False for a metric, None for anything else. Only metrics are ranked.
        unit: Printed behind the heading where it is not empty.
        label: The heading where it is not the name, as for the same score of two datasets.
        group: The heading above this column and its neighbours of the same group.
    """

    name: str
    digits: int | None = None
    scale: float = 1.0
    higher_is_better: bool | None = None
    unit: str = ""
    label: str = ""
    group: str = ""

    @property
    def heading(self) -> str:
        """The label or name, with the unit in brackets."""
        text = self.label or self.name
        return f"{text} [{self.unit}]" if self.unit else text

    @property
    def full_heading(self) -> str:
        """The heading with that of its group in front, for writers that have but one line of headings."""
        return f"{self.group} {self.heading}" if self.group else self.heading

    @property
    def is_number(self) -> bool:
        """Whether values are numbers, which are set flush right."""
        return self.digits is not None


def percent(name: str, *, higher_is_better: bool = True, label: str = "", group: str = "") -> Column:
    """Return the column of a score: a fraction, printed in percent with one decimal."""
    return Column(name, digits=1, scale=100.0, higher_is_better=higher_is_better, label=label, group=group)


@dataclass(frozen=True)
class Table:
    """A table before it is set.

    Attributes:
        title: One line.
        columns: The columns in order.
        frame: One row a line; values as they stand in the records, never rounded. A column named `NAME ±` holds the
            spread of NAME and is printed behind it.
        notes: Sentences below the table.
        group: The column of the frame with each row's group, empty for none. Rows of a group stand together.
        rank: The column of the frame that says which rows may be ranked against each other: those with the same
            text. None there, or no such column: never ranked.
        footnotes: The column of the frame with each row's notes, a tuple of sentences.
    """

    title: str
    columns: tuple[Column, ...]
    frame: pd.DataFrame
    notes: tuple[str, ...] = ()
    group: str = ""
    rank: str = ""
    footnotes: str = ""
