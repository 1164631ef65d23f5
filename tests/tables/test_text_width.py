"""Tables as text on terminals of several widths, and in a pipe."""

import itertools
import json
import re
from dataclasses import replace

import pytest

from vos_bench.cli import main
from vos_bench.tables import Column, Table, percent, render

WIDTHS = (60, 80, 100, 140)
LONG = "a-method-of-a-rather-long-name"
TABLE = Table(
    "Scores",
    (
        Column("method"),
        *map(percent, ("J&F", "J", "J_recall", "J_decay", "F", "F_recall", "F_decay")),
        Column("ms/frame", drop=20),
        Column("summary", prose="wrapped"),
    ),
    [
        {
            "method": LONG,
            "J&F": 0.8,
            "J&F ±": 0.01,
            "J": 0.7,
            "J_recall": 0.9,
            "J_decay": 0.1,
            "F": 0.9,
            "F_recall": 0.9,
            "F_decay": 0.2,
            "ms/frame": "47.1",
            "summary": "Words that say at some length what it is and does.",
        }
    ],
    ("See https://example.org/a/very/long/address/that/must/not/be/broken/into/two/lines/by/a/narrow/terminal.html",),
)


def headings(text: str) -> list[str]:
    return next(line for line in text.splitlines() if line.startswith("  method")).split()


@pytest.mark.parametrize("width", WIDTHS)
def test_no_line_but_an_address_is_wider_than_the_terminal(width: int) -> None:
    lines = render(TABLE, "text", width=width).splitlines()
    assert [line for line in lines if len(line) > width and "https" not in line] == []


@pytest.mark.parametrize("width", [*WIDTHS, None])
def test_names_headlines_and_addresses_stay_whole(width: int | None) -> None:
    text = render(TABLE, "text", width=width)
    assert LONG in text
    assert "80.0 ± 1.0" in text
    assert TABLE.notes[0].split()[-1] in text.split()


@pytest.mark.parametrize("width", WIDTHS)
def test_what_is_left_out_is_said(width: int) -> None:
    text = render(TABLE, "text", width=width)
    said = " ".join(text.split()).partition("for lack of room: ")[2].partition(" (--wide")[0]
    left_out = set(said.split(", ")) - {""}
    assert left_out | set(headings(text)) == {column.name for column in TABLE.columns}
    assert not left_out & set(headings(text))


def test_decay_goes_before_recall_and_both_before_the_mean() -> None:
    shown = [set(headings(render(TABLE, "text", width=width))) for width in range(200, 50, -1)]
    gone = [sorted(before - after) for before, after in itertools.pairwise(shown) if before != after]
    assert list(itertools.chain(*gone))[:5] == ["F_decay", "J_decay", "F_recall", "J_recall", "ms/frame"]
    assert list(itertools.chain(*gone))[-1] == "summary"
    assert all({"method", "J&F"} <= names for names in shown)


def test_all_columns_are_there_where_there_is_room() -> None:
    text = render(TABLE, "text", width=200)
    assert "want of room" not in text
    assert text == render(TABLE, "text")


def test_a_cut_column_is_one_line_an_entry() -> None:
    table = Table("T", (Column("name"), Column("summary", prose="cut")), [{"name": "a", "summary": "word " * 40}] * 3)
    lines = render(table, "text", width=60).splitlines()
    assert sum(line.startswith("  a ") for line in lines) == 3
    assert all(line.endswith("…") for line in lines if line.startswith("  a "))


@pytest.mark.parametrize(
    "kind", ["methods", "datasets", "recipes", "ablations", "reports", "loggers", "weights", "protocols"]
)
@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_has_one_line_an_entry_and_fits(
    kind: str, width: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", str(width))
    assert main(["list", kind]) == 0
    text = capsys.readouterr().out
    assert main(["list", kind, "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["rows"]
    table = text.partition("─\n")[2].partition("\n\n")[0].splitlines()
    assert len(table) == len(rows)
    assert max(map(len, text.splitlines())) <= width or "want of room" in text, "nothing but names is left"


def test_a_pipe_gets_the_text_of_a_terminal_of_100_columns(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("COLUMNS", raising=False)
    assert main(["list", "reports"]) == 0
    in_a_pipe = capsys.readouterr().out
    monkeypatch.setenv("COLUMNS", "100")
    assert main(["list", "reports"]) == 0
    assert in_a_pipe == capsys.readouterr().out


def test_wide_prints_all_whatever_the_terminal(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    assert main(["list", "reports", "--wide"]) == 0
    assert "…" not in capsys.readouterr().out


def test_names_break_at_blanks_rather_than_leave_no_number() -> None:
    rows = [{"method": "a method of a name of several words, which fill a line", "origin": "published", "J&F": 0.8}]
    table = Table("Scores", (Column("method"), Column("origin", drop=5), percent("J&F"), percent("J")), rows)
    text = render(table, "text", width=40)
    assert max(map(len, text.splitlines())) <= 40
    assert "80.0" in text
    assert " ".join(re.findall(r"[a-z,]+", text.partition("─\n")[2].partition("Not shown")[0])) == rows[0]["method"]
    assert "Not shown for lack of room: origin, J (--wide" in " ".join(text.split())


def test_a_name_without_blanks_stays_whole_and_leaves_no_number() -> None:
    table = Table("Scores", (Column("method"), percent("J&F")), [{"method": LONG, "J&F": 0.8}])
    text = render(table, "text", width=32)
    assert LONG in text
    assert "80.0" not in text


def test_a_note_on_a_column_goes_with_the_column() -> None:
    about, other = "Speed is indicative.", "The scores are made up."
    table = Table("Scores", (Column("method"), Column("speed", drop=5)), [{"method": "mine", "speed": "~10"}])
    noted = replace(table, notes=(about, other), column_notes={about: "speed"})
    assert about in render(noted, "text", width=80)
    narrow = " ".join(render(noted, "text", width=8).split())
    assert "Not shown for lack of room: speed" in narrow
    assert about not in narrow
    assert other in narrow


def test_the_heading_of_a_group_fits() -> None:
    heading = "a group whose heading is wider than the terminal that shows it"
    table = Table("Scores", (Column("method"),), [{"method": "mine", "group": heading}], group="group")
    lines = render(table, "text", width=40).splitlines()
    assert max(map(len, lines)) <= 40
    assert f"{heading}:" in " ".join(" ".join(lines).split())
