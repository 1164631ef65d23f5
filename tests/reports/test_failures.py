"""The reports `failures` and `by-attribute`, made of real runs."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.records import load_run
from vos_bench.reports import by_attribute, failures


@pytest.fixture
def options(on_disk: Any) -> ReportOptions:
    return ReportOptions(out=Path(), root=on_disk.root)


def rows_of(table: Any, group: str) -> dict[tuple[str, str], Any]:
    return {(row["method"], row["object"]): row for row in table.rows if row["group"] == group}


def test_a_run_that_slips_fails_more_than_one_that_stays(on_disk: Any, options: ReportOptions) -> None:
    table = failures.make_table(on_disk.runs, options)
    [data] = {run.record.dataset.title for run in on_disk.runs}
    runs = rows_of(table, data)
    slip, stay = (runs[name, "all"] for name in ("Slip", "Stay"))
    assert slip["missed"] == stay["missed"] == 0
    assert stay["flicker"] == 0 < slip["flicker"]
    assert slip["Q"] < stay["Q"]
    assert slip["boundary IoU"] < stay["boundary IoU"]
    assert slip["false reports"] == stay["false reports"] == "no absence"
    assert slip["rank"] == stay["rank"]
    objects = rows_of(table, f"{data}: one")
    assert {object_id for _, object_id in objects} == {"1", "2"}
    mean = sum(objects["Slip", k]["boundary IoU"] for k in ("1", "2")) / 2
    assert mean == pytest.approx(slip["boundary IoU"])  # both sequences are alike


def test_chosen_sequences_alone_are_looked_at(on_disk: Any) -> None:
    table = failures.make_table(on_disk.runs, ReportOptions(out=Path(), root=on_disk.root, sequences=("one",)))
    assert {row["group"].partition(": ")[2] for row in table.rows} == {"", "one"}


def test_data_that_are_not_there_and_label_maps_that_are_gone_say_so(
    on_disk: Any, options: ReportOptions, tmp_path: Path
) -> None:
    [row] = failures.make_table(on_disk.runs[:1], ReportOptions(out=Path(), root=tmp_path)).rows
    assert row["missed"] == "no data"
    assert str(tmp_path) in row["notes"][0]
    copy = shutil.copytree(on_disk.runs[0].folder, tmp_path / "run")
    shutil.rmtree(copy / "masks" / "one")
    table = failures.make_table([load_run(copy)], options)
    assert table.rows[0]["rank"] is None
    assert "1 sequence left out" in table.rows[0]["notes"][0]


def test_other_data_than_the_run_saw_are_refused(on_disk: Any, tmp_path: Path) -> None:
    other = shutil.copytree(on_disk.root, tmp_path / "video")
    [*_, last] = sorted((other / "Annotations" / "one").glob("*.png"))
    shutil.copy(last, last.with_name("00000.png"))
    [row] = failures.make_table(on_disk.runs[:1], ReportOptions(out=Path(), root=other)).rows
    assert "is not the" in row["notes"][0]


def test_the_command_prints_both_tables(on_disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for report, words in (("failures", "Slip"), ("by-attribute", "large (10 % and more)")):
        assert main(["report", report, str(on_disk.folder), "--root", str(on_disk.root)]) == 0
        assert words in capsys.readouterr().out


def test_objects_are_grouped_by_their_attributes(on_disk: Any, options: ReportOptions) -> None:
    table = by_attribute.make_table(on_disk.runs, options)
    sizes = [row for row in table.rows if row["attribute"] == "size" and row["method"] == "Stay"]
    assert [(row["which"], row["number"], row["sequences"]) for row in sizes] == [
        ("medium (1 to 10 %)", 2, 2),
        ("large (10 % and more)", 2, 2),
    ]
    [run] = [run for run in on_disk.runs if run.record.method.title == "Stay"]
    total = sum(row["J&F"] * row["number"] for row in sizes) / sum(row["number"] for row in sizes)
    assert total == pytest.approx(run.scores["J&F"])
    assert {row["95% interval"] for row in sizes} == {"none: 2 sequences"}


def test_scores_by_attribute_hang_on_no_order_of_runs(on_disk: Any, options: ReportOptions) -> None:
    whole, other = on_disk.runs[:2]
    part = replace(other, sequence_records={"one": other.sequence_records["one"]})
    found = [by_attribute.make_table(runs, options).rows for runs in ((whole, part), (part, whole))]
    title = whole.record.method.title
    first, second = ([row for row in rows if row["method"] == title] for rows in found)
    assert [row["sequences"] for row in first if row["attribute"] == "size"] == [2, 2]
    assert first == second


@pytest.mark.parametrize("report", [failures, by_attribute])
def test_a_sequence_that_no_run_has_is_refused(on_disk: Any, report: Any) -> None:
    with pytest.raises(BadInputError, match=r"--sequences onne: no run has finished it; .*one"):
        report.make_table(on_disk.runs, ReportOptions(out=Path(), root=on_disk.root, sequences=("onne",)))
