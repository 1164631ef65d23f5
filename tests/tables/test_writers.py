"""Every writer against a recorded table that has all a table can have."""

import math
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from vos_bench.cli import main
from vos_bench.commands.output import say, warn
from vos_bench.errors import BadInputError
from vos_bench.tables import FORMATS, SPREAD, Column, Format, Table, percent, render

GOLDEN = Path(__file__).parent / "golden"
SUFFIXES: dict[Format, str] = {
    "text": "txt",
    "markdown": "md",
    "latex": "tex",
    "csv": "csv",
    "json": "json",
    "html": "html",
}

HOSTILE = "[x]* <script>alert(1)</script> & 50 % of_{x} | \\input{x} ~^#$ *a* [b](c) 中 é"

TABLE = Table(
    "Scores of 2 datasets & <more>",
    (
        Column("method"),
        percent("A J&F", label="J&F", group="Data A"),
        percent("A J_decay", label="J_decay", group="Data A"),
        percent("B G", label="G", group="Data_B"),
        Column("latency", digits=2, unit="ms"),
    ),
    [
        {
            "group": "Published",
            "method": "first",
            "A J&F": 0.81249,
            "A J_decay": 0.1,
            "rank": "p",
            "notes": ("Source.",),
        },
        {"group": "Measured", "method": HOSTILE, "A J&F": 0.9, "B G": 0.5, "rank": "m", "notes": ("Odd: <b>.",)},
        {
            "group": "Published",
            "method": "second",
            "A J&F": 0.8123,
            "A J_decay": 0.2,
            "rank": "p",
            "notes": ("Source.", "DOUBT about 100 %."),
        },
        {"group": "Published", "method": "third", "A J&F": 0.7, "rank": "p"},
        {"group": "Measured", "method": "fifth", "A J&F": 0.99, "rank": None, "notes": ("NOT RANKED",)},
        {
            "group": "Measured",
            "method": "seeds",
            "A J&F": 0.8,
            "A J&F ±": 0.0123,
            "B G": 0.6,
            "latency": 3.256,
            "rank": "m",
        },
    ],
    ("A note for all.",),
    group="group",
    rank="rank",
    footnotes="notes",
)


@pytest.mark.parametrize("format", FORMATS)
def test_each_format_is_as_recorded(format: Format) -> None:
    assert render(TABLE, format) == (GOLDEN / f"table.{SUFFIXES[format]}").read_text(encoding="utf-8")


@pytest.mark.parametrize("format", FORMATS)
def test_a_note_keeps_each_of_its_words(format: Format) -> None:
    noted = replace(TABLE, notes=("LEGEND of what was seen.",))
    assert "LEGEND of what was seen." in render(noted, format) or format == "csv"


def test_equal_prints_share_the_first_place_and_the_next_number_is_second() -> None:
    text = render(TABLE, "markdown")
    assert text.count("**81.2**") == 2
    assert "<u>70.0</u>" in text


def test_lower_is_better_where_the_column_says_so() -> None:
    text = render(TABLE, "markdown")
    assert "**10.0**" in text
    assert "<u>20.0</u>" in text


def test_rows_of_different_rank_groups_and_rows_without_one_do_not_compete() -> None:
    text = render(TABLE, "markdown")
    assert "**90.0**" in text, "the unranked 99.0 must not take the measured rows' first place"
    assert "| 99.0 |" in text


def test_without_rank_groups_nothing_is_marked() -> None:
    assert "**81.2**" not in render(replace(TABLE, rank=""), "markdown")


@pytest.mark.parametrize("format", ["html", "markdown"])
def test_no_name_becomes_markup(format: Format) -> None:
    text = render(TABLE, format)
    assert "<script" not in text
    assert "&lt;script" in text


def test_a_table_of_several_pages_is_a_longtable_in_latex() -> None:
    text = render(many_rows(), "latex")
    assert text.startswith("% needs \\usepackage{booktabs,longtable}")
    assert "\\begin{longtable}{lrrrr}" in text
    assert "\\begin{table}" not in text


def test_csv_keeps_the_groups_name_where_a_column_is_called_group() -> None:
    rows = [{"sequence": "bear", "group": "seen"}]
    text = render(Table("T", (Column("group"),), rows, group="sequence"), "csv")
    assert text == "sequence,group\nbear,seen\n"


def turnable() -> Table:
    return replace(TABLE, across="method")


def many_rows() -> Table:
    return replace(TABLE, rows=[*TABLE.rows] * 20)


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="needs pdflatex (Debian: texlive-latex-recommended)")
@pytest.mark.parametrize("table", [TABLE, many_rows(), turnable()], ids=["short", "long", "turned"])
def test_latex_compiles(tmp_path: Path, table: Table) -> None:
    body = render(table, "latex")
    (tmp_path / "page.tex").write_text(
        "\\documentclass{article}\n\\usepackage{booktabs,graphicx,longtable}\n\\begin{document}\n"
        + body
        + "\\end{document}\n",
        encoding="utf-8",
    )
    command = ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "-no-shell-escape", "page.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=900, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
    assert (tmp_path / "page.pdf").stat().st_size > 1000
    assert "too large" not in (tmp_path / "page.log").read_text(errors="replace"), "a float longer than a page"


@pytest.mark.parametrize("format", [format for format in FORMATS if format not in {"csv", "json"}])
def test_each_format_sets_methods_as_columns_as_recorded(format: Format) -> None:
    made = render(turnable(), format, orientation="columns")
    assert made == (GOLDEN / f"turned.{SUFFIXES[format]}").read_text(encoding="utf-8")


def test_only_formats_with_headings_over_columns_turn_a_table_by_themselves() -> None:
    turned = {format for format in FORMATS if render(turnable(), format) != render(TABLE, format)}
    assert turned == {"latex", "html"}
    for format in FORMATS:
        assert render(turnable(), format, orientation="rows") == render(TABLE, format)


def test_too_many_methods_for_a_page_stay_rows_unless_asked_for() -> None:
    many = replace(many_rows(), across="method")
    assert "\\begin{longtable}{lrrrr}" in render(many, "latex")
    assert "\\begin{tabular}{lccc" in render(many, "latex", orientation="columns")


def test_what_cannot_be_turned_is_refused() -> None:
    with pytest.raises(BadInputError, match="rows of many kinds"):
        render(TABLE, "latex", orientation="columns")
    for format in ("csv", "json"):
        with pytest.raises(BadInputError, match=f"{format} is data"):
            render(turnable(), format, orientation="columns")


@pytest.mark.parametrize("missing", [None, math.nan])
def test_a_value_that_is_none_or_nan_is_as_good_as_absent(missing: float | None) -> None:
    names = [name for column in TABLE.columns for name in (column.name, column.name + SPREAD)]
    rows = [{**dict.fromkeys(names, missing), **row} for row in TABLE.rows]
    assert render(replace(TABLE, rows=rows), "markdown") == render(TABLE, "markdown")


@pytest.mark.parametrize("format", FORMATS)
@pytest.mark.parametrize("name", ["\x1b[31mred", "\ue0000", "\ue000x", "=1+1", "a\rb", "\u202eb"])
def test_no_name_steers_what_shows_it(format: Format, name: str) -> None:
    text = render(Table(name, (Column("method"),), [{"method": name, "group": "g"}], group="group"), format)
    assert not {"\x1b", "\r", "\u202e"} & {*text}
    if format == "csv":
        assert "'=1+1" in text or name != "=1+1"


def test_a_terminal_shows_messages_without_obeying_them(capsys: pytest.CaptureFixture[str]) -> None:
    say("a\x1b[31mb")
    warn("a\x1b[31mb")
    assert main(["list", "a\x1b[31mb"]) == 2
    captured = capsys.readouterr()
    assert "\x1b" not in captured.out + captured.err
    assert captured.err.count("\\x1b") >= 2


def test_latex_has_no_notes_that_name_a_command_and_opens_quotes() -> None:
    notes = ("each object: vos-bench report attributes", 'its "own" words, ("theirs" too)')
    table = Table("T", (Column("method"),), [{"method": "a", "notes": notes}], footnotes="notes")
    text = render(table, "latex")
    assert "vos-bench" not in text
    assert "its ``own'' words, (``theirs'' too)" in text
    assert "[1] each object: vos-bench report attributes" in render(table, "markdown")
