import json
from collections.abc import Callable
from pathlib import Path

import pytest

Call = Callable[..., int]


def test_scoring_a_runs_label_maps_gives_the_runs_scores(call: Call, video: Path, runs: tuple[Path, Path]) -> None:
    assert call("score", runs[0] / "masks", "--dataset", "folder", "--root", video, "--out", "by-dataset") == 0
    truth = video / "Annotations"
    assert call("score", runs[0] / "masks", "--truth", truth, "--protocol", "all-frames", "--out", "by-truth") == 0
    ran, by_dataset, by_truth = (
        json.loads((folder / "run.json").read_text())["scores"]
        for folder in (runs[0], Path("by-dataset"), Path("by-truth"))
    )
    assert ran == by_dataset == by_truth


def test_scoring_again_replaces_the_old_scores(call: Call, video: Path, runs: tuple[Path, Path]) -> None:
    for run in runs:
        assert call("score", run / "masks", "--dataset", "folder", "--root", video, "--out", "scored") == 0
    assert (
        json.loads(Path("scored/run.json").read_text())["scores"]
        == json.loads((runs[1] / "run.json").read_text())["scores"]
    )


def test_scoring_does_not_write_over_a_run(call: Call, video: Path, runs: tuple[Path, Path]) -> None:
    before = (runs[0] / "run.json").read_bytes()
    assert call("score", runs[0] / "masks", "--dataset", "folder", "--root", video, "--out", runs[0]) == 2
    assert (runs[0] / "run.json").read_bytes() == before


def test_label_maps_that_lack_a_sequence_are_refused_and_old_scores_stay(
    call: Call, video: Path, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("score", runs[0] / "masks", "--dataset", "folder", "--root", video, "--out", "scored") == 0
    before = Path("scored/run.json").read_bytes()
    (runs[0] / "masks" / "two").rename("elsewhere")
    assert call("score", runs[0] / "masks", "--dataset", "folder", "--root", video, "--out", "scored") == 2
    assert "masks/two" in capsys.readouterr().err
    assert Path("scored/run.json").read_bytes() == before


def test_comparison_exits_1_for_a_worse_run_0_for_an_equal_or_better_one(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stay, slip = runs
    assert call("compare", stay, slip, "--json", "verdicts.json") == 1
    assert "worse" in capsys.readouterr().out
    assert json.loads(Path("verdicts.json").read_text())["worse"] is True
    assert call("compare", stay, stay) == 0
    assert call("compare", slip, stay) == 0
    everything = [f"{name}=1" for name in ("J&F", "J", "F", "J_recall", "F_recall", "J_decay", "F_decay")]
    assert call("compare", stay, slip, "--tolerance", *everything) == 0


def test_comparison_exits_2_when_the_data_differ(
    call: Call, runs: tuple[Path, Path], video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (video / "Annotations" / "one" / "00004.png").unlink()
    assert call("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, "--out", "other") == 0
    assert call("compare", runs[0], "other") == 2
    assert "fingerprint" in capsys.readouterr().err


def test_a_damaged_record_is_named_and_the_others_are_reported(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (runs[1] / "run.json").write_text("{")
    capsys.readouterr()
    assert call("report", "runs", ".", "--format", "markdown") == 0
    captured = capsys.readouterr()
    assert "| folder |" in captured.out
    assert "Stay" in captured.out
    assert "Slip" not in captured.out
    assert "Slip/run.json" in captured.err


def test_a_report_can_be_written_to_a_file(call: Call, runs: tuple[Path, Path]) -> None:
    assert call("report", "runs", *runs, "--format", "csv", "--out", "table.csv") == 0
    assert Path("table.csv").read_text().startswith("dataset,")


def test_a_report_of_nothing_but_damaged_records_is_refused(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    (runs[0] / "run.json").write_text("{")
    capsys.readouterr()
    assert call("report", "runs", runs[0]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("vos-bench: Stay/run.json: is damaged")
    assert captured.out == ""


def test_a_scoring_that_lost_its_record_is_made_again(call: Call, video: Path, runs: tuple[Path, Path]) -> None:
    arguments = ("score", runs[0] / "masks", "--dataset", "folder", "--root", video, "--out", "scored")
    assert call(*arguments) == 0
    Path("scored/run.json").unlink()
    assert call(*arguments) == 0


def test_scoring_does_not_remove_the_records_of_a_run_without_its_run_json(
    call: Call, video: Path, runs: tuple[Path, Path]
) -> None:
    (runs[0] / "run.json").unlink()
    assert call("score", runs[1] / "masks", "--dataset", "folder", "--root", video, "--out", runs[0]) == 2
    assert len(list((runs[0] / "sequences").iterdir())) == 2
