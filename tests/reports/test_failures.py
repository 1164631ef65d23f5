"""The reports `failures` and `by-attribute`, made of real runs."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench.analysis.runs import known_overlaps
from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.corrupting import corrupted
from vos_bench.errors import BadInputError
from vos_bench.records import Run, load_run
from vos_bench.records.data import RunData
from vos_bench.records.overlaps import MasksHash, masks_sha256
from vos_bench.reports import by_attribute, failures, review
from vos_bench.running.resume import remove_outputs
from vos_bench.scoring.overlaps import SequenceCounter
from vos_bench.scoring.record import score


@pytest.fixture
def options(on_disk: Any) -> ReportOptions:
    return ReportOptions(out=Path(), root=on_disk.root)


def bare(run: Run, folder: Path) -> Run:
    """Return a copy of a run for which nothing was counted yet."""
    return load_run(shutil.copytree(run.folder, folder, ignore=shutil.ignore_patterns("overlaps")))


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
    run = bare(on_disk.runs[0], tmp_path / "run")
    [row] = failures.make_table([run], ReportOptions(out=Path(), root=tmp_path)).rows
    assert row["missed"] == "no data"
    assert str(tmp_path) in row["notes"][0]
    shutil.rmtree(run.folder / "masks" / "one")
    table = failures.make_table([run], options)
    assert table.rows[0]["rank"] is None
    assert "1 sequence left out" in table.rows[0]["notes"][0]


def test_other_data_than_the_run_saw_are_refused(on_disk: Any, tmp_path: Path) -> None:
    other = shutil.copytree(on_disk.root, tmp_path / "video")
    [*_, last] = sorted((other / "Annotations" / "one").glob("*.png"))
    shutil.copy(last, last.with_name("00000.png"))
    run = bare(on_disk.runs[0], tmp_path / "run")
    [row] = failures.make_table([run], ReportOptions(out=Path(), root=other)).rows
    assert "is not the" in row["notes"][0]


def test_a_measure_of_vots_without_a_value_says_why(tmp_path: Path) -> None:
    for frame in range(3):
        labels = np.zeros((12, 16), np.uint8)
        labels[4, 2:9] = 1  # one row, which the VOT toolkit takes for nothing
        for folder in ("truth", "masks"):
            (tmp_path / folder / "flat").mkdir(parents=True, exist_ok=True)
            Image.fromarray(labels).save(tmp_path / folder / "flat" / f"{frame:05d}.png")
    run = score(
        tmp_path / "masks", truth=tmp_path / "truth", protocol="all-frames", failures=True, out=tmp_path / "run"
    )
    for row in failures.make_table([run], ReportOptions(out=Path())).rows:
        assert row["Q"] == pytest.approx(2 / 3)  # the frame on which the object is given counts as 0
        assert [row[name] for name in ("Rob", "NRE", "DRE", "ADQ")] == ["never present"] * 3 + ["too few"]


def tables_of(run: Run, root: Path | None) -> list[Any]:
    options = ReportOptions(out=Path(), root=root)
    return [report.make_table([run], options).rows for report in (failures, by_attribute, review)]


def test_what_was_counted_is_kept_and_needs_no_data_again(on_disk: Any, tmp_path: Path) -> None:
    run = bare(on_disk.runs[0], tmp_path / "run")
    fresh = review.make_table([run], ReportOptions(out=Path())).rows
    assert not (run.folder / "overlaps").exists()
    first = tables_of(run, on_disk.root)
    assert first[2] == fresh
    assert len([*(run.folder / "overlaps").iterdir()]) == 2
    assert tables_of(run, tmp_path) == first


def test_a_label_map_that_changed_is_counted_again(on_disk: Any, tmp_path: Path) -> None:
    run = bare(on_disk.runs[0], tmp_path / "run")
    before = tables_of(run, on_disk.root)[0]
    *_, last = sorted((run.folder / "masks" / "one").glob("*.png"))
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(last)
    after = tables_of(run, on_disk.root)[0]
    assert before[0]["missed"] == 0 < after[0]["missed"]
    [row, *_] = failures.make_table([bare(run, tmp_path / "again")], ReportOptions(out=Path(), root=on_disk.root)).rows
    assert row == after[0]


@pytest.mark.parametrize("change", ["text", "rules", "data", "column"])
def test_what_is_kept_of_something_else_is_counted_again(on_disk: Any, tmp_path: Path, change: str) -> None:
    run = bare(on_disk.runs[0], tmp_path / "run")
    first = tables_of(run, on_disk.root)
    path = run.folder / "overlaps" / "one.json"
    kept = json.loads(path.read_text(encoding="utf-8"))
    changes = {"rules": {"counting": "0"}, "data": {"data": "0"}, "column": {"places": kept["places"][:-1]}}
    path.write_text("{" if change == "text" else json.dumps({**kept, **changes[change]}), encoding="utf-8")
    assert known_overlaps(run, "one") is None
    assert tables_of(run, on_disk.root) == first


def review_from_label_maps(run: Run) -> list[Any]:
    rows = review.make_table([run], ReportOptions(out=Path())).rows
    assert any("vanishes" in row["reason"] for row in rows)
    return [(row["frame"], row["doubt"], row["reason"]) for row in rows]


def test_label_maps_are_counted_while_they_are_scored(on_disk: Any, tmp_path: Path) -> None:
    run = bare(on_disk.runs[0], tmp_path / "run")
    Image.fromarray(np.zeros((40, 60), np.uint8)).save(run.folder / "masks" / "one" / "00003.png")
    expected = tables_of(run, on_disk.root)
    command = ["score", str(run.folder / "masks"), "--dataset", "folder", "--root", str(on_disk.root)]
    out = tmp_path / "scored"
    assert main([*command, "--failures", "--out", str(out)]) == 0
    made, counted = (json.loads((each / "overlaps" / "one.json").read_text("utf-8")) for each in (out, run.folder))
    assert made == counted
    found = tables_of(load_run(out), tmp_path)
    measures = [{name: row[name] for name in ("missed", "flicker", "boundary IoU", "Q")} for row in found[0]]
    assert measures == [{name: row[name] for name in measures[0]} for row in expected[0]]
    looks = [[(row["frame"], row["doubt"], row["reason"]) for row in rows] for rows in (found[2], expected[2])]
    assert looks[0] == looks[1] == review_from_label_maps(bare(run, tmp_path / "uncounted"))
    assert main([*command, "--out", str(out)]) == 0
    assert not [*(out / "overlaps").iterdir()]
    [row] = failures.make_table([load_run(out)], ReportOptions(out=Path(), root=tmp_path)).rows
    assert row["missed"] == "no data"


def test_label_maps_have_one_hash_whoever_reads_them(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    for number, name in enumerate(("a-1", "a", "b", "c", "inside/d")):
        (tmp_path / f"{name}.png").write_bytes(b"x" * number)
    expected = masks_sha256(tmp_path)
    for read in ((), ("a", "b"), ("b", "a", "c"), ("a-1", "a", "b", "c")):
        half_read = MasksHash(tmp_path)
        for name in read:
            assert half_read.read(f"{tmp_path}/{name}.png") == (tmp_path / f"{name}.png").read_bytes()
        assert half_read.sha256() == half_read.sha256() == expected
    (tmp_path / "b.png").write_bytes(b"other")
    assert MasksHash(tmp_path).sha256() != expected
    assert half_read.sha256() == expected, "what was read, whatever lies there now"


def test_what_was_counted_goes_with_the_label_maps(on_disk: Any, tmp_path: Path) -> None:
    run = on_disk.runs[0]
    [*failures.make_table([run], ReportOptions(out=Path(), root=on_disk.root)).rows]
    folder = shutil.copytree(run.folder, tmp_path / "run")
    assert (folder / "overlaps" / "one.json").is_file()
    remove_outputs(folder, "one")
    assert [path.stem for path in (folder / "overlaps").iterdir()] == ["<b>two"]


def test_frames_named_by_nanoseconds_are_counted(on_disk: Any, tmp_path: Path) -> None:
    truth = on_disk.root / "Annotations" / "one"
    for i, path in enumerate(sorted(truth.glob("*.png"))):
        (tmp_path / "truth/one").mkdir(parents=True, exist_ok=True)
        shutil.copy(path, tmp_path / f"truth/one/{1403636579763555584 + 33333333 * i}.png")
    command = ["score", str(tmp_path / "truth"), "--truth", str(tmp_path / "truth"), "--failures"]
    assert main([*command, "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out/overlaps/one.json").read_text("utf-8"))["places"][:2] == [0, 1]


def test_objects_look_alike_as_in_frames_that_are_not_corrupted(on_disk: Any) -> None:
    clean = RunData(on_disk.root).open(on_disk.runs[0])
    noisy = corrupted(clean, "noise:5").sequence("one")
    found = [SequenceCounter(each, None).record(likeness=True).likeness for each in (clean.sequence("one"), noisy)]
    assert found[0] == found[1]
    assert all(isinstance(value, float) for value in found[0].values())


def test_a_truth_that_is_not_scored_and_damaged_fails_no_scoring(on_disk: Any, tmp_path: Path) -> None:
    truth = shutil.copytree(on_disk.root / "Annotations", tmp_path / "truth")
    masks = shutil.copytree(truth, tmp_path / "masks")
    *_, last = sorted((truth / "one").glob("*.png"))  # which the protocol davis leaves out
    last.write_bytes(last.read_bytes()[:40])
    out = tmp_path / "out"
    assert main(["score", str(masks), "--truth", str(truth), "--failures", "--out", str(out)]) == 0
    assert [path.stem for path in (out / "overlaps").iterdir()] == ["<b>two"]


def test_the_command_prints_both_tables(on_disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    for report, words in (("failures", "Slip"), ("by-attribute", "large (10 % and more)")):
        assert main(["report", report, str(on_disk.folder), "--root", str(on_disk.root)]) == 0
        assert words in capsys.readouterr().out


def test_several_tables_are_printed_by_one_command(on_disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    command = ["report", "failures,by-attribute", str(on_disk.folder), "--root", str(on_disk.root)]
    assert main(command) == 0
    said = capsys.readouterr().out
    assert said.startswith("Failures\n")
    assert "\n\nScores by attributes of the objects\n" in said
    for more, words in (
        (("--out", "a.txt"), "several tables are printed, expected one to write"),
        (("--format", "csv"), "found --format csv, which holds one table; expected one report"),
    ):
        assert main([*command, *more]) == 2
        assert words in capsys.readouterr().err
    assert main(["report", "failures,html", str(on_disk.folder), "--out", "page"]) == 2
    assert "html is a page; expected one report, or tables alone" in capsys.readouterr().err


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


def test_a_run_counts_while_it_scores_where_it_is_asked_to(on_disk: Any, tmp_path: Path) -> None:
    run = bare(on_disk.runs[0], tmp_path / "run")
    expected = tables_of(run, on_disk.root)
    method = Path(__file__).resolve().parents[1] / "fakes" / "one_file.py"
    command = ["run", f"{method}:{run.record.method.title}", "--dataset", "folder", "--root", str(on_disk.root)]
    assert main([*command, "--failures", "--out", str(tmp_path / "counted")]) == 0
    assert tables_of(load_run(tmp_path / "counted"), tmp_path) == expected
