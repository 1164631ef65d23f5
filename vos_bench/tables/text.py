"""A table as text, for terminals of any width and for pipes."""

import re
import textwrap
from typing import Literal, NamedTuple

from vos_bench.tables.layout import Cell, Heading, Layout, below, marked, with_marks
from vos_bench.tables.model import Column, Table

NARROWEST = 24
"""Notes and the rule below the headings are never narrower than that."""
FRAME, BETWEEN = 3, 3
"""What the rule below the headings has beyond the columns, and blanks between two columns."""


def text(table: Table, layout: Layout, width: int | None) -> str:
    """Return a table as lines of text; where they would be wider than `width`, it goes without some columns.

    Names are never shortened, but break at blanks where they have no room otherwise. A name without blanks may make a
    table wider than asked.
    """
    grid = [with_marks(line, [_text_cell(cell, layout) for cell in line.cells]) for line in layout.lines]
    widths = _natural_widths(layout, grid)
    columns = () if layout.turned else table.columns
    narrow = _narrow_widths(columns, layout, grid)
    left_out = _left_out(columns, widths, narrow, width) if width else []
    kept = [i for i in range(len(layout.headings)) if i not in left_out]
    fitted = _fitting(widths, narrow, kept, width)
    lines = _drawn(table, layout, [[row[i] for i in kept] for row in grid], kept, fitted, width)
    legend = ["*best* and _second_ among comparable results."] if layout.ranked else []
    missing = [_said([layout.headings[i] for i in left_out])] if left_out else []
    unseen = {columns[i].name for i in left_out}
    notes = [note for note in below(table, layout) if table.column_notes.get(note) not in unseen]
    return "\n".join([*lines, *_wrapped([*legend, *notes, *missing], width)]).strip("\n") + "\n"


def _width(text: str) -> int:
    """Return how many columns of a terminal a text takes."""
    if text.isascii() and text.isprintable():
        return len(text)
    from rich.cells import cell_len  # here, since most texts do without

    return cell_len(text)


def _natural_widths(layout: Layout, grid: list[list[str]]) -> list[int]:
    headings = [_width(heading.full_text) for heading in layout.headings]
    return [max([own, *(_width(row[i]) for row in grid)]) for i, own in enumerate(headings)]


def _narrow_widths(columns: tuple[Column, ...], layout: Layout, grid: list[list[str]]) -> list[int]:
    """Return how narrow each column can be: names as their longest word, sentences as they say, numbers not at all."""
    texts = [[layout.headings[i].full_text, *(row[i] for row in grid)] for i in range(len(layout.headings))]
    widths = _natural_widths(layout, grid)
    for i, column in enumerate(columns):
        if column.prose:
            widths[i] = min(widths[i], column.narrowest)
        elif not column.dropped:
            widths[i] = max(_width(word) for text in texts[i] for word in [*text.split(), ""])
    return widths


def _left_out(columns: tuple[Column, ...], widths: list[int], narrow: list[int], width: int) -> list[int]:
    """Return which columns a terminal of `width` goes without, the least important first and the last before others."""
    least = [narrow[i] if column.prose else widths[i] for i, column in enumerate(columns)]
    soonest = sorted((i for i, column in enumerate(columns) if column.dropped), key=lambda i: (-columns[i].dropped, -i))
    left_out: list[int] = []
    while soonest and _total([w for i, w in enumerate(least) if i not in left_out]) > width:
        if len(soonest) == 1 and _total([w for i, w in enumerate(narrow) if i not in left_out]) <= width:
            break  # rather break the names than show no number
        left_out.append(soonest.pop(0))
    return sorted(left_out)


def _total(widths: list[int]) -> int:
    return sum(widths) + BETWEEN * (len(widths) - 1) + FRAME


def _fitting(widths: list[int], narrow: list[int], kept: list[int], width: int | None) -> list[int]:
    """Return the width of each kept column: sentences, and names in need, share what the others leave."""
    own = [widths[i] for i in kept]
    while width and _total(own) > width:
        wider = [place for place, i in enumerate(kept) if own[place] > narrow[i]]
        if not wider:
            break
        own[max(wider, key=own.__getitem__)] -= 1
    return own


def _drawn(
    table: Table, layout: Layout, grid: list[list[str]], kept: list[int], widths: list[int], width: int | None
) -> list[str]:
    cuts = [not layout.turned and table.columns[i].prose == "cut" for i in kept]
    columns = [_Column(own, layout.headings[i].is_number, cut) for i, own, cut in zip(kept, widths, cuts, strict=True)]
    rule = _total(widths) - 1 if widths else NARROWEST
    lines = [
        *_folded(table.title, rule + 2),
        "",
        *_row([layout.headings[i].full_text for i in kept], columns, from_below=True),
        " " + "─" * rule,
    ]
    group = ""
    for number, (line, texts) in enumerate(zip(layout.lines, grid, strict=True)):
        if line.group != group:
            group = line.group
            lines += [*([""] if number else []), *_wrapped([f"  {group}:"], width, further="    ")]
        lines += _row(texts, columns)
    return [*lines, ""]


class _Column(NamedTuple):
    """How wide a column is, whether it is set flush right, and whether what is too long is cut."""

    width: int
    right: bool
    cut: bool


def _row(texts: list[str], columns: list[_Column], *, from_below: bool = False) -> list[str]:
    """Return the lines of a row; cells that have fewer lines than others begin with the row, or end with it."""
    cells = [_folded(text, column.width, cut=column.cut) for text, column in zip(texts, columns, strict=True)]
    height = max([1, *map(len, cells)])
    for cell in cells:
        place = 0 if from_below else len(cell)
        cell[place:place] = [""] * (height - len(cell))
    rows = (
        [_padded(text, column) for text, column in zip(row, columns, strict=True)] for row in zip(*cells, strict=True)
    )
    return [f"  {(' ' * BETWEEN).join(row)}".rstrip() for row in rows]


def _padded(text: str, column: _Column) -> str:
    room = " " * (column.width - _width(text))
    return room + text if column.right else text + room


def _folded(text: str, width: int, *, cut: bool = False) -> list[str]:
    """Return a text in lines of at most `width`; what is too long is folded, or cut to one line."""
    if text.isprintable() and _width(text) <= width:
        return [text.rstrip()] if text else []
    from rich.console import Console
    from rich.text import Text

    overflow: Literal["ellipsis", "fold"] = "ellipsis" if cut else "fold"
    return [line.plain.rstrip() for line in Text(text).wrap(Console(), width, overflow=overflow, no_wrap=cut)]


def _said(headings: list[Heading]) -> str:
    return f"Not shown for lack of room: {', '.join(heading.full_text for heading in headings)} (--wide shows all)."


def _wrapped(notes: list[str], width: int | None, *, further: str = "") -> list[str]:
    """Break notes into lines at blanks, each but the first after `further`; an address stays whole."""
    if not width:
        return notes
    return [
        line
        for note in notes
        for line in textwrap.wrap(
            note, max(width, NARROWEST), subsequent_indent=further, break_long_words=False, break_on_hyphens=False
        )
        or [""]
    ]


def _text_cell(cell: Cell, layout: Layout) -> str:
    if not layout.ranked or not _looks_like_number(cell.text):
        return cell.text + marked(cell.marks)
    mark = " *_"[cell.rank]
    ranked = f"{mark}{cell.text}{mark}"
    return f"{ranked.rstrip()}{marked(cell.marks)}" if cell.marks else ranked


def _looks_like_number(value: str) -> bool:
    return bool(re.match(r"-?\d", value))
