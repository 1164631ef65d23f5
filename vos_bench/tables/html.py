"""A table as HTML: a fragment for a page, and a document that stands alone. Every text is escaped."""

import itertools
from collections.abc import Iterator
from html import escape

from vos_bench.tables.layout import Cell, Layout, Line, lay_out
from vos_bench.tables.model import Column, Table

_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .25rem .7rem; text-align: left; white-space: nowrap; }
thead th { border-bottom: 1px solid; }
thead tr:first-child th, tbody:last-child tr:last-child td { border-block: 2px solid; border-inline: 0; }
thead tr:first-child th { border-bottom-width: 1px; }
tbody:last-child tr:last-child td { border-top: 0; }
tbody th { font-style: italic; font-weight: 400; border-top: 1px solid; }
.number { text-align: right; }
.notes { font-size: .85rem; max-width: 60rem; }
"""


def html_document(table: Table) -> str:
    """Return a page with the table, which needs no other file."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + html_table(table) + "</body>\n</html>\n"


def html_table(table: Table) -> str:
    """Return the table and its notes as a fragment: `<strong>` is best, `<u>` second."""
    layout = lay_out(table)
    lines = [
        '<div class="scroll">',
        "<table>",
        f"<caption>{escape(table.title)}</caption>",
        "<thead>",
        *_headings(table.columns),
        "</thead>",
        *_bodies(table.columns, layout),
        "</table>",
        "</div>",
        *_notes(table, layout),
    ]
    return "\n".join(lines) + "\n"


def _headings(columns: tuple[Column, ...]) -> Iterator[str]:
    if any(column.group for column in columns):
        groups = ((group, len(list(members))) for group, members in itertools.groupby(columns, lambda c: c.group))
        yield "<tr>" + "".join(f'<th colspan="{width}">{escape(group)}</th>' for group, width in groups) + "</tr>"
    texts = (f'<th scope="col"{_align(column)}>{escape(column.heading)}</th>' for column in columns)
    yield f"<tr>{''.join(texts)}</tr>"


def _align(column: Column) -> str:
    return ' class="number"' if column.is_number else ""


def _bodies(columns: tuple[Column, ...], layout: Layout) -> Iterator[str]:
    for group, lines in itertools.groupby(layout.lines, key=lambda line: line.group):
        yield "<tbody>"
        if group:
            yield f'<tr><th colspan="{len(columns)}" scope="rowgroup">{escape(group)}</th></tr>'
        yield from (_row(columns, line) for line in lines)
        yield "</tbody>"


def _row(columns: tuple[Column, ...], line: Line) -> str:
    texts = [_cell(cell) for cell in line.cells]
    if line.marks and texts:
        texts[0] += f"<sup>{', '.join(map(str, line.marks))}</sup>"
    cells = (f"<td{_align(column)}>{text}</td>" for column, text in zip(columns, texts, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return {0: text, 1: f"<strong>{text}</strong>", 2: f"<u>{text}</u>"}[cell.rank]


def _notes(table: Table, layout: Layout) -> Iterator[str]:
    if not (layout.ranked or table.notes or layout.footnotes):
        return
    yield '<div class="notes">'
    if layout.ranked:
        yield "<p><strong>Best</strong> and <u>second</u> of the rows that are comparable.</p>"
    yield from (f"<p>{escape(note)}</p>" for note in table.notes)
    if layout.footnotes:
        yield "<ol>"
        yield from (f"<li>{escape(note)}</li>" for note in layout.footnotes)
        yield "</ol>"
    yield "</div>"
