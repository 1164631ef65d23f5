import csv
import io

import pytest

from vos_bench.tables import FORMATS, Column, Format, Table, percent, render

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
