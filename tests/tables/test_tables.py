import csv
import io

import pytest

from vos_bench.tables import FORMATS, Column, Format, Table, lay_out, percent, render

TABLE = Table(
    "Runs",
    (Column("method"), percent("J&F"), Column("latency", digits=2, unit="ms")),
    [
        {"method": "a|b", "J&F": 0.81234, "J&F ±": 0.0041, "latency": None},
        {"method": "[red]lwl", "J&F": 0.5, "latency": 3.256},
    ],
    ("A note.",),
)


def test_markdown_prints_percent_spread_and_missing_values_and_escapes_bars() -> None:
    assert render(TABLE, "markdown") == (
        "**Runs**\n\n"
        "| method | J&F | latency [ms] |\n"
        "| --- | ---: | ---: |\n"
        "| a\\|b | 81.2 ± 0.4 | – |\n"
        "| [red]lwl | 50.0 | 3.26 |\n"
        "\nA note.\n"
    )


def test_text_takes_names_literally() -> None:
    text = render(TABLE, "text")
    assert text.splitlines()[0] == "Runs"
    assert "[red]lwl" in text
    assert "81.2 ± 0.4" in text
    assert text.endswith("A note.\n")


def test_csv_keeps_every_digit_and_the_spread() -> None:
    rows = list(csv.DictReader(io.StringIO(render(TABLE, "csv"))))
    assert rows[0] == {"method": "a|b", "J&F": "0.81234", "J&F ±": "0.0041", "latency": ""}


@pytest.mark.parametrize("format", FORMATS)
def test_a_text_in_a_column_of_numbers_says_why_there_is_none(format: Format) -> None:
    rows = [{"method": "a", "J&F": "not saved", "rank": "x"}, {"method": "b", "J&F": 0.5, "rank": "x"}]
    table = Table("Runs", (Column("method"), percent("J&F")), [*rows, {**rows[1], "J&F": 0.4}], rank="rank")
    text = render(table, format)
    assert "not saved" in text
    assert "**50.0**" in text or format != "markdown"


@pytest.mark.parametrize("format", FORMATS)
def test_an_empty_table_still_has_its_headings(format: Format) -> None:
    empty = Table("Runs", TABLE.columns, [])
    assert "method" in render(empty, format)


DECAYS = (Column("method"), percent("J_decay"))


def decays(*values: float) -> list[str]:
    """The marked cells of a table of comparable decays."""
    rows = [{"method": str(i), "J_decay": value, "rank": "all"} for i, value in enumerate(values)]
    return [
        cell.text for line in lay_out(Table("", DECAYS, rows, rank="rank")).lines for cell in line.cells if cell.rank
    ]


def test_a_decay_is_ranked_unless_one_is_below_zero() -> None:
    assert decays(0.05, 0.01, 0.2) == ["5.0", "1.0"]
    assert decays(0.05, 0.0, 0.2) == ["5.0", "0.0"], "zero is the best that there is"
    assert decays(0.05, -0.01, 0.2) == [], "a score that grows is no better than one that stays"
    assert decays(0.05, -0.0001, 0.2) == ["5.0", "0.0"], "what is printed as zero is zero"


@pytest.mark.parametrize("format", ["text", "markdown", "latex", "html"])
def test_what_rounds_to_zero_has_no_sign(format: Format) -> None:
    table = Table("Runs", (Column("method"), Column("change", digits=2)), [{"method": "a", "change": -0.0004}])
    assert "0.00" in render(table, format)
    assert "-0.00" not in render(table, format)


def test_a_row_without_a_rival_is_not_marked() -> None:
    assert decays(0.05) == []


NOTED = Table(
    "Runs",
    (Column("method"), percent("J&F")),
    [{"method": "one", "J&F": 0.5, "notes": ("about the row",), "doubts": {"J&F": ("about the value",)}}],
    ("about the table",),
    footnotes="notes",
    doubts="doubts",
)


@pytest.mark.parametrize("format", FORMATS)
def test_notes_can_be_left_out_with_their_numbers(format: Format) -> None:
    whole, bare = render(NOTED, format), render(NOTED.without_notes(), format)
    assert "about the row" in whole
    for gone in ("about", "[1]", "textsuperscript", "<sup>"):
        assert gone not in bare
    assert "one" in bare
