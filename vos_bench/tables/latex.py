"""A table as LaTeX that needs the package booktabs and nothing else."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

from vos_bench.tables.layout import Cell, Layout, lay_out
from vos_bench.tables.model import Column, Table

_SPECIAL = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "<": r"\textless{}",
    ">": r"\textgreater{}",
    "|": r"\textbar{}",
    '"': "''",
    **{character: f"\\{character}" for character in "&%$#_{}"},
    # Behind a line's end these two would be taken as the options of that command.
    "[": "{[}",
    "*": "{*}",
    "±": r"$\pm$",
    "×": r"$\times$",
    "–": "--",
    "—": "---",
    "−": r"$-$",
    "→": r"$\rightarrow$",
    "≤": r"$\leq$",
    "≥": r"$\geq$",
    "·": r"$\cdot$",
    "\u201c": "``",
    "\u201d": "''",
    "\u2018": "`",
    "\u2019": "'",
}
PAGE = 40
"""How many rows and notes together fit on one page."""

_LAST_LATIN = 0x17F
"""LaTeX's own fonts have the letters up to here (Latin Extended-A)."""

_MEASURE = re.compile(r"(J&F|[GJF])(?:_(seen|unseen|recall|decay))?")


def latex(table: Table) -> str:
    """Return the table with booktabs rules, best bold, second underlined, notes below.

    It is a `table` environment, or a `longtable` over several pages where rows and notes are more than `PAGE`.
    """
    layout = lay_out(table)
    form = "".join("r" if column.is_number else "l" for column in table.columns)
    head = [
        r"    \toprule",
        *_column_groups(table.columns),
        "    " + " & ".join(_heading(column) for column in table.columns) + r" \\",
    ]
    body = [*_body(layout, len(table.columns)), r"    \bottomrule"]
    notes = list(_notes(table, layout.footnotes, ranked=layout.ranked))
    caption = rf"\caption{{{escape(table.title)}}}"
    if len(layout.lines) + len(layout.footnotes) > PAGE:
        lines = [
            r"% needs \usepackage{booktabs,longtable}",
            rf"\begin{{longtable}}{{{form}}}",
            rf"    {caption} \\",
            *head,
            r"    \endhead",
            *body,
            r"\end{longtable}",
            *([r"{\footnotesize\raggedright", *notes, "}"] if notes else []),
        ]
        return "\n".join(lines) + "\n"
    below = [
        r"  \par\smallskip",
        r"  \begin{minipage}{\linewidth}\footnotesize\raggedright",
        *notes,
        r"  \end{minipage}",
    ]
    lines = [
        r"% needs \usepackage{booktabs}",
        r"\begin{table}",
        r"  \centering",
        f"  {caption}",
        rf"  \begin{{tabular}}{{{form}}}",
        *head,
        *body,
        r"  \end{tabular}",
        *(below if notes else []),
        r"\end{table}",
    ]
    return "\n".join(lines) + "\n"


def _body(layout: Layout, width: int) -> Iterator[str]:
    group = ""
    for i, line in enumerate(layout.lines):
        if i == 0 or line.group != group:
            yield r"    \midrule"
        if line.group != group:
            group = line.group
            yield rf"    \multicolumn{{{width}}}{{l}}{{\textit{{{escape(group)}}}}} \\"
        yield "    " + " & ".join(_marked([_cell(cell) for cell in line.cells], line.marks)) + r" \\"


def escape(text: str) -> str:
    """Return LaTeX that prints `text`; a letter that LaTeX's own fonts lack is printed as its code point."""
    return "".join(map(_character, " ".join(text.split())))


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if ord(character) <= _LAST_LATIN and unicodedata.category(character) != "Cc":
        return character
    return f"[U+{ord(character):04X}]"


def _column_groups(columns: tuple[Column, ...]) -> Iterator[str]:
    if not any(column.group for column in columns):
        return
    headings, rules, first = [], [], 1
    for group, members in itertools.groupby(columns, key=lambda column: column.group):
        width = len(list(members))
        if group:
            headings.append(rf"\multicolumn{{{width}}}{{c}}{{{escape(group)}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        else:
            headings += [""] * width
        first += width
    yield "    " + " & ".join(headings) + r" \\"
    yield "    " + " ".join(rules)


def _heading(column: Column) -> str:
    match = _MEASURE.fullmatch(column.label or column.name)
    if match is None:
        return escape(column.heading)
    symbol = r" \& ".join(rf"\mathcal{{{letter}}}" for letter in match[1].split("&"))
    index = rf"_{{\mathrm{{{match[2]}}}}}" if match[2] else ""
    return f"${symbol}{index}$" + (f" [{escape(column.unit)}]" if column.unit else "")


def _cell(cell: Cell) -> str:
    text = escape(cell.text)
    return {0: text, 1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}[cell.rank]


def _marked(texts: list[str], marks: tuple[int, ...]) -> list[str]:
    if marks and texts:
        texts[0] += rf"\textsuperscript{{{','.join(map(str, marks))}}}"
    return texts


def _notes(table: Table, footnotes: tuple[str, ...], *, ranked: bool) -> Iterator[str]:
    if ranked:
        yield r"    \textbf{Best} and \underline{second} of the rows that are comparable.\par"
    yield from (f"    {escape(note)}\\par" for note in table.notes)
    for number, note in enumerate(footnotes, start=1):
        yield rf"    \textsuperscript{{{number}}}\,{escape(note)}\par"
