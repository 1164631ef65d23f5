"""A record that is gone takes its row with it and nothing else; a damaged one is named, and the rest is reported."""

import csv
import io
import shutil
from pathlib import Path
from typing import Any

import pytest

from vos_bench import registry
from vos_bench.cli import main

TABLES = [name for name in registry.names("reports") if registry.report(name).kind == "table"]
PAIRS = {"delta"}
"""Tables that are about two runs, and refuse fewer."""
FIGURES = ("curves", "distribution", "pareto", "size", "strips")
DAMAGE = {
    "run.json": "{",
    "sequences/one.json": '{"name": "one", "status": "wonderful"}',
}


@pytest.fixture
def copy(on_disk: Any, tmp_path: Path) -> Path:
    """The runs Slip and Stay, to damage as one likes; and a third so that two are left."""
    runs = tmp_path / "runs"
    shutil.copytree(on_disk.folder, runs)
    shutil.copytree(on_disk.folder / "Slip", runs / "Third")
    text = (runs / "Third" / "run.json").read_text()
    (runs / "Third" / "run.json").write_text(text.replace('"name": "Slip"', '"name": "Third"'))
    return runs


def rows(table: str, runs: Path, out: Path) -> list[dict[str, str]]:
    """The rows of a table on the command line."""
    assert main(["report", table, str(runs), "--format", "csv", "--out", str(out)]) == 0
    return list(csv.DictReader(io.StringIO(out.read_text(encoding="utf-8"))))


@pytest.mark.parametrize("table", [name for name in TABLES if name not in PAIRS])
def test_a_removed_record_takes_its_rows_and_nothing_else(table: str, copy: Path, tmp_path: Path) -> None:
    before = rows(table, copy, tmp_path / "before.csv")
    shutil.rmtree(copy / "Stay")
    after = rows(table, copy, tmp_path / "after.csv")
    assert after == [row for row in before if "Stay" not in (row.get("method"), row.get("group", "").split(" ")[0])]
    if table in {"runs", "attributes", "progress", "speed"}:
        assert len(after) < len(before)


def test_a_removed_record_takes_its_row_and_its_page_and_nothing_else(copy: Path, on_disk: Any, tmp_path: Path) -> None:
    command = ["report", "html", str(copy), "--root", str(on_disk.root), "--out", str(tmp_path / "site")]
    assert main(command) == 0
    lines = (tmp_path / "site" / "index.html").read_text().splitlines()
    pages = {path.name for path in (tmp_path / "site").glob("*.html")}
    assert any(">Third</a>" in line for line in lines)
    shutil.rmtree(copy / "Third")  # the last one, so that the others keep their numbers
    assert main(command) == 0
    left = (tmp_path / "site" / "index.html").read_text().splitlines()
    assert not any("Third" in line for line in left)
    assert {line for line in lines if "</a>" in line and "Third" not in line} == {x for x in left if "</a>" in x}
    assert pages - {path.name for path in (tmp_path / "site").glob("*.html")} == {"run-003.html"}


@pytest.mark.parametrize("file", sorted(DAMAGE))
@pytest.mark.parametrize("table", TABLES)
def test_a_table_names_a_damaged_file_once_and_reports_the_rest(
    table: str, file: str, copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "Stay" / file).write_text(DAMAGE[file])
    found = rows(table, copy, tmp_path / "table.csv")
    told = capsys.readouterr().err
    assert told.count(str(copy / "Stay" / file)) == 1
    assert len(told.splitlines()) == 1
    assert "Traceback" not in told
    assert not any(row.get("method") == "Stay" for row in found)
    if table in {"runs", "attributes", "speed"}:
        assert {"Slip", "Third"} <= {row["method"] for row in found}


@pytest.mark.parametrize("figure", FIGURES)
def test_a_figure_names_a_damaged_file_once_and_draws_the_rest(
    figure: str, copy: Path, on_disk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "Stay" / "run.json").write_text("{")
    command = ["report", figure, str(copy), "--root", str(on_disk.root), "--out", str(tmp_path / "figure.svg")]
    assert main(command) == 0
    assert capsys.readouterr().err.count(str(copy / "Stay" / "run.json")) == 1
    assert (tmp_path / "figure.svg").stat().st_size > 1000


def test_the_page_names_a_damaged_file_once_and_shows_the_rest(
    copy: Path, on_disk: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (copy / "Stay" / "run.json").write_text("{")
    command = ["report", "html", str(copy), "--root", str(on_disk.root), "--out", str(tmp_path / "site")]
    assert main(command) == 0
    assert capsys.readouterr().err.count(str(copy / "Stay" / "run.json")) == 1
    text = (tmp_path / "site" / "index.html").read_text()
    assert ">Slip</a>" in text
    assert ">Third</a>" in text
    assert ">Stay</a>" not in text


def test_where_every_record_is_damaged_the_command_fails_with_the_names(
    copy: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for path in copy.glob("*/run.json"):
        path.write_text("{")
    assert main(["report", "davis17", str(copy)]) == 2
    told = capsys.readouterr().err
    assert all(str(path) in told for path in copy.glob("*/run.json"))
