"""A table as LaTeX that needs booktabs and graphicx; longtable as well, where it goes over several pages."""

import itertools
import re
import unicodedata
from collections.abc import Iterator

from vos_bench.tables.layout import Cell, Heading, Layout
from vos_bench.tables.model import Table

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
    "†": r"$\dagger$",
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

_WIDE, _WIDEST = 7, 11
"""Tables of several pages with more columns are set in small type, and in the smallest."""

_LAST_LATIN = 0x17F
"""LaTeX's own fonts have the letters up to here (Latin Extended-A)."""

_MEASURE = re.compile(r"(J&F|[GJFV])(?:_(seen|unseen|recall|decay|last|dot))?((?: .*)?)")

_SHRINK = r"\resizebox{\ifdim\width>\linewidth\linewidth\else\width\fi}{!}{%"
"""What is wider than the text is made as wide; what is not stays as large as the text around it."""


def latex(table: Table, layout: Layout) -> str:
    """Return the table with booktabs rules, best bold, second underlined, notes below.

    It is a `table` environment, shrunk to the width of the text where it is wider; or a `longtable` over several pages
    where rows and notes are more than `PAGE`.
    """
    caption = rf"\caption{{{escape(table.title)}}}"
    long = len(layout.lines) + len(layout.footnotes) > PAGE and not layout.turned
    stacked = long and len(layout.headings) > _WIDE
    head = [r"\toprule", *_column_groups(layout.headings, stacked=stacked), *_headings(layout, stacked=stacked)]
    body = [*_body(layout), r"\bottomrule"]
    notes = list(_notes(table, layout.footnotes, ranked=layout.ranked))
    make = _longtable if long else _table
    return "\n".join(make(_form(layout), caption, (head, body), notes)) + "\n"


def _form(layout: Layout) -> str:
    if layout.turned:
        return "l" + "c" * (len(layout.headings) - 1)
    return "".join("r" if heading.is_number else "l" for heading in layout.headings)


def _table(form: str, caption: str, rows: tuple[list[str], list[str]], notes: list[str]) -> Iterator[str]:
    yield r"% needs \usepackage{booktabs,graphicx}"
    yield r"\begin{table}"
    yield r"  \centering"
    yield f"  {caption}"
    yield f"  {_SHRINK}"
    yield rf"  \begin{{tabular}}{{{form}}}"
    yield from (f"    {row}" for row in itertools.chain(*rows))
    yield r"  \end{tabular}}"
    if notes:
        yield r"  \par\smallskip"
        yield r"  \begin{minipage}{\linewidth}\footnotesize\raggedright"
        yield from notes
        yield r"  \end{minipage}"
    yield r"\end{table}"


def _longtable(form: str, caption: str, rows: tuple[list[str], list[str]], notes: list[str]) -> Iterator[str]:
    head, body = rows
    yield r"% needs \usepackage{booktabs,longtable}"
    # Nothing shrinks a table that goes over several pages: with many columns, small type and narrow gaps.
    yield r"\begingroup" + _small(len(form))
    yield rf"\begin{{longtable}}{{{form}}}"
    yield rf"    {caption} \\"
    yield from (f"    {row}" for row in head)
    yield r"    \endhead"
    yield from (f"    {row}" for row in body)
    yield r"\end{longtable}"
    yield r"\endgroup"
    if notes:
        yield from (r"{\footnotesize\raggedright", *notes, "}")


def _small(columns: int) -> str:
    """Return the type of a table over several pages, which nothing shrinks."""
    if columns > _WIDEST:
        return r"\tiny\setlength{\tabcolsep}{1.2pt}"
    return r"\scriptsize\setlength{\tabcolsep}{2.5pt}" if columns > _WIDE else r"\small"


def _body(layout: Layout) -> Iterator[str]:
    group = ""
    for i, line in enumerate(layout.lines):
        if i == 0 or line.group != group:
            yield r"\midrule"
        if line.group != group:
            group = line.group
            yield rf"\multicolumn{{{len(layout.headings)}}}{{l}}{{\textit{{{escape(group)}}}}} \\"
        yield " & ".join(_marked([_cell(cell) for cell in line.cells], line.marks)) + r" \\"


def escape(text: str) -> str:
    """Return LaTeX that prints `text`; a letter that LaTeX's own fonts lack is printed as its code point."""
    opened = re.sub(r'(^|[\s(])"(?=\S)', "\\1\N{LEFT DOUBLE QUOTATION MARK}", " ".join(text.split()))
    return "".join(map(_character, opened))


def _character(character: str) -> str:
    if character in _SPECIAL:
        return _SPECIAL[character]
    if ord(character) <= _LAST_LATIN and unicodedata.category(character) != "Cc":
        return character
    return f"[U+{ord(character):04X}]"


def _column_groups(headings: tuple[Heading, ...], *, stacked: bool) -> Iterator[str]:
    if not any(heading.group for heading in headings):
        return
    texts, rules, first = [], [], 1
    for group, members in itertools.groupby(headings, key=lambda heading: heading.group):
        width = len(list(members))
        if group:
            text = escape(group)
            if stacked and width == 1:  # each word below the other, so that a group of one column makes it no wider
                text = r"\shortstack{" + r"\\".join(text.split()) + "}"
            texts.append(rf"\multicolumn{{{width}}}{{c}}{{{text}}}")
            rules.append(rf"\cmidrule(lr){{{first}-{first + width - 1}}}")
        else:
            texts += [""] * width
        first += width
    yield " & ".join(texts) + r" \\"
    yield " ".join(rules)


def _headings(layout: Layout, *, stacked: bool) -> Iterator[str]:
    yield " & ".join(map(_stack if stacked else _heading, layout.headings)) + r" \\"
    if any(heading.marks for heading in layout.headings):
        # Below the names, where a paper has its citations.
        marks = (f"{{[}}{','.join(map(str, heading.marks))}]" if heading.marks else "" for heading in layout.headings)
        yield " & ".join(rf"{{\scriptsize {mark}}}" if mark else "" for mark in marks) + r" \\"


def _stack(heading: Heading) -> str:
    """Set each word of a heading of numbers below the other, so that the heading is no wider than they are."""
    text = _heading(heading)
    if "$" in text or not heading.is_number:
        return text
    return r"\shortstack[r]{" + r"\\".join(text.split()) + "}"


def _heading(heading: Heading) -> str:
    match = _MEASURE.fullmatch(heading.label) if heading.is_symbol else None
    if match is None:
        return escape(heading.text)
    symbols = [rf"\mathcal{{{letter}}}" for letter in match[1].split("&")]
    if match[2] == "dot":
        symbols[-1] = rf"\dot{{{symbols[-1]}}}"  # as the MOSEv2 paper has it: of the F alone
    symbol = r" \& ".join(symbols)
    index = rf"_{{\mathrm{{{match[2]}}}}}" if match[2] and match[2] != "dot" else ""
    rest = f" {escape(match[3])}" if match[3] else ""
    return f"${symbol}{index}${rest}" + (f" {{[}}{escape(heading.unit)}]" if heading.unit else "")


def _cell(cell: Cell) -> str:
    if cell.heading:
        return _heading(cell.heading)
    text = escape(cell.text)
    return {0: text, 1: rf"\textbf{{{text}}}", 2: rf"\underline{{{text}}}"}[cell.rank] + _superscript(cell.marks)


def _marked(texts: list[str], marks: tuple[int, ...]) -> list[str]:
    if texts:
        texts[0] += _superscript(marks)
    return texts


def _superscript(marks: tuple[int, ...]) -> str:
    return rf"\textsuperscript{{{','.join(map(str, marks))}}}" if marks else ""


def _notes(table: Table, footnotes: tuple[str, ...], *, ranked: bool) -> Iterator[str]:
    if ranked:
        yield r"    \textbf{Best} and \underline{second} among comparable results.\par"
    yield from (f"    {escape(note)}\\par" for note in table.notes)
    for number, note in enumerate(footnotes, start=1):
        yield rf"    \textsuperscript{{{number}}}\,{escape(note)}\par"
