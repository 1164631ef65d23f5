"""A table as HTML: a fragment for a page, and a document that stands alone. Every text is escaped."""

import itertools
from collections.abc import Iterator
from html import escape

from vos_bench.tables.layout import Cell, Heading, Layout, Line
from vos_bench.tables.model import Table

_COLUMN_GROUP = ' scope="colgroup" class="group"'
_STYLE = """\
:root { color-scheme: light dark; }
body { font: 16px/1.45 system-ui, sans-serif; margin: 1.5rem; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { text-align: left; font-weight: 600; padding-bottom: .5rem; }
th, td { padding: .25rem .45rem; text-align: left; white-space: nowrap; }
thead th { font-size: .85rem; font-weight: 600; }
sup { font-weight: 400; line-height: 0; }
thead th { border-bottom: 1px solid; }
thead tr:first-child th, tbody:last-child tr:last-child td { border-block: 2px solid; border-inline: 0; }
thead tr:first-child th { border-bottom-width: 1px; }
tbody:last-child tr:last-child td { border-top: 0; }
tbody th { font-style: italic; font-weight: 400; border-top: 1px solid; }
.number { text-align: right; }
th.group { text-align: center; }
td.number, th.number { min-width: 3rem; }
.notes { font-size: .85rem; max-width: 60rem; }
"""


def html_document(table: Table, layout: Layout) -> str:
    """Return a page with the table, which needs no other file."""
    head = (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{escape(table.title)}</title>\n<style>\n{_STYLE}</style>\n</head>\n<body>\n"
    )
    return head + html_table(table, layout) + "</body>\n</html>\n"


def html_table(table: Table, layout: Layout) -> str:
    """Return the table and its notes as a fragment: `<strong>` is best, `<u>` second."""
    lines = [
        '<div class="scroll">',
        "<table>",
        f"<caption>{escape(table.title)}</caption>",
        "<thead>",
        *_head(layout.headings),
        "</thead>",
        *_bodies(layout),
        "</table>",
        "</div>",
        *_notes(table, layout),
    ]
    return "\n".join(lines) + "\n"


def _head(headings: tuple[Heading, ...]) -> Iterator[str]:
    if any(heading.group for heading in headings):
        groups = ((group, len(list(members))) for group, members in itertools.groupby(headings, lambda h: h.group))
        texts = (
            f'<th colspan="{width}"{_COLUMN_GROUP if group else ""}>{escape(group)}</th>' for group, width in groups
        )
        yield f"<tr>{''.join(texts)}</tr>"
    texts = (
        f'<th scope="col"{_align(heading)}>{escape(heading.text)}{_superscript(heading.marks)}</th>'
        for heading in headings
    )
    yield f"<tr>{''.join(texts)}</tr>"


def _align(heading: Heading) -> str:
    return ' class="number"' if heading.is_number else ""


def _superscript(marks: tuple[int, ...]) -> str:
    return f"<sup>{', '.join(map(str, marks))}</sup>" if marks else ""


def _bodies(layout: Layout) -> Iterator[str]:
    for group, lines in itertools.groupby(layout.lines, key=lambda line: line.group):
        yield "<tbody>"
        if group:
            yield f'<tr><th colspan="{len(layout.headings)}" scope="rowgroup">{escape(group)}</th></tr>'
        yield from (_row(layout.headings, line) for line in lines)
        yield "</tbody>"


def _row(headings: tuple[Heading, ...], line: Line) -> str:
    texts = [_cell(cell) for cell in line.cells]
    if texts:
        texts[0] += _superscript(line.marks)
    cells = (f"<td{_align(heading)}>{text}</td>" for heading, text in zip(headings, texts, strict=True))
    return f"<tr>{''.join(cells)}</tr>"


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return {0: text, 1: f"<strong>{text}</strong>", 2: f"<u>{text}</u>"}[cell.rank] + _superscript(cell.marks)


def _notes(table: Table, layout: Layout) -> Iterator[str]:
    if not (layout.ranked or table.notes or layout.footnotes):
        return
    yield '<div class="notes">'
    if layout.ranked:
        yield "<p><strong>Best</strong> and <u>second</u> among comparable results.</p>"
    yield from (f"<p>{escape(note)}</p>" for note in table.notes)
    if layout.footnotes:
        yield "<ol>"
        yield from (f"<li>{escape(note)}</li>" for note in layout.footnotes)
        yield "</ol>"
    yield "</div>"
