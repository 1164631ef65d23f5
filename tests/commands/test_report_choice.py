"""What a report is about, and what it calls its runs: `--name`, `--label`, `--methods` and `--sequences`."""

import csv
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench.records import load_run

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]


def rows(call: Call, *arguments: object) -> list[dict[str, str]]:
    assert call("report", "runs", *arguments, "--format", "csv", "--out", "t.csv") == 0
    return list(csv.DictReader(Path("t.csv").read_text(encoding="utf-8").splitlines()))


def test_a_run_is_shown_and_recorded_under_the_name_that_it_is_given(
    call: Call, video: Path, method_file: Path, capsys: Capture
) -> None:
    data = ("--dataset", "folder", "--root", video)
    assert call("run", f"{method_file}:Stay", *data, "--name", "Ours (v2)", "--out", "out") == 0
    assert "Ours (v2)" in capsys.readouterr().out
    method = load_run("out").record.method
    assert (method.name, method.label, method.title) == ("Stay", "Ours (v2)", "Ours (v2)")
    assert call("report", "runs", "out") == 0
    said = capsys.readouterr().out
    assert "Ours (v2) is Stay." in said


def test_another_name_is_another_run(call: Call, video: Path, method_file: Path, capsys: Capture) -> None:
    command = ("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video)
    assert call(*command, "--name", "before", "--out", "out") == 0
    assert call(*command, "--name", "after", "--out", "out") == 2
    assert "Different (there and here):\n  name: before and after\n" in capsys.readouterr().err
    assert call(*command, "--name", "before") == call(*command, "--name", "after") == call(*command) == 0
    assert len(list(Path("runs/folder/Stay").iterdir())) == 3


def test_a_method_by_its_own_name_is_the_run_without_one(call: Call, video: Path) -> None:
    command = ("run", "copy-first", "--dataset", "folder", "--root", video, "--out", "out")
    assert call(*command) == call(*command, "--name", "copy-first") == 0


def test_timings_and_scored_label_maps_take_a_name_too(call: Call, video: Path) -> None:
    data = ("--dataset", "folder", "--root", video)
    assert call("bench", "copy-first", *data, "--quick", "--repeats", "1", "--name", "still", "--out", "timed") == 0
    assert call("score", video / "Annotations", *data, "--name", "the truth", "--out", "scored") == 0
    assert [load_run(each).record.method.title for each in ("timed", "scored")] == ["still", "the truth"]


@pytest.mark.parametrize("name", ["", " x", "a,b", "x" * 81, "a\nb"])
@pytest.mark.parametrize("command", ["run", "bench", "score"])
def test_a_name_that_no_table_can_show_is_refused(
    call: Call, video: Path, capsys: Capture, command: str, name: str
) -> None:
    what = video / "Annotations" if command == "score" else "copy-first"
    assert call(command, what, "--dataset", "folder", "--root", video, "--name", name, "--out", "out") == 2
    said = capsys.readouterr().err
    assert "--name" in said
    assert "expected one line of at most 80 characters without a comma" in said
    assert not Path("out").exists()


def test_a_reduced_method_cannot_be_named_like_the_original(call: Call, video: Path, capsys: Capture) -> None:
    assert call("run", "lwl-lite", "--dataset", "folder", "--root", video, "--name", "LWL") == 2
    assert "--name LWL: is the name of another method, and this is a run of lwl-lite" in capsys.readouterr().err


def test_a_report_calls_runs_as_labels_say_and_shows_the_methods_that_are_asked_for(
    call: Call, runs: tuple[Path, Path]
) -> None:
    stay, slip = runs
    found = rows(call, *runs, "--label", f"{stay}=Ours = new", "--label", f"{slip}=Theirs")
    assert {row["method"] for row in found} == {"Ours = new", "Theirs"}
    assert [row["method"] for row in rows(call, *runs, "--label", f"{slip}=Theirs", "--methods", "Theirs")] == [
        "Theirs"
    ]
    assert [row["method"] for row in rows(call, *runs, "--methods", "Stay")] == ["Stay"]


def test_a_table_over_chosen_sequences_says_so(call: Call, runs: tuple[Path, Path], capsys: Capture) -> None:
    before = {row["method"]: row for row in rows(call, *runs)}
    after = {row["method"]: row for row in rows(call, *runs, "--sequences", "two")}
    for name, run in zip(("Stay", "Slip"), runs, strict=True):
        objects = load_run(run).sequence_records["two"].scores
        assert float(after[name]["J"]) == sum(each.J for each in objects) / len(objects)
        assert (before[name]["sequences"], after[name]["sequences"]) == ("2", "1")
    assert call("report", "runs", *runs, "--sequences", "two") == 0
    assert "Averaged over the sequences two alone." in capsys.readouterr().out


def test_runs_over_different_sequences_stand_side_by_side_over_the_shared_ones(
    call: Call, video: Path, runs: tuple[Path, Path], capsys: Capture
) -> None:
    assert call("run", "copy-first", "--dataset", "folder", "--root", video, "--sequences", "two", "--out", "few") == 0
    found = rows(call, *runs, "few")
    marked = {row["method"]: row for row in found if "†" in row["method"]}
    assert {*marked} == {"Stay †", "Slip †", "copy-first †"}
    assert {row["sequences"] for row in marked.values()} == {"1"}
    assert float(marked["Slip †"]["J"]) == float(rows(call, runs[1], "--sequences", "two")[0]["J"])
    assert call("report", "runs", *runs, "few") == 0
    assert "† averaged over 1 sequence that all 3 runs on folder all have: two." in capsys.readouterr().out


def test_label_maps_of_a_run_that_lacks_the_sequences_are_left_out_and_named(
    call: Call, video: Path, runs: tuple[Path, Path]
) -> None:
    assert call("run", "copy-first", "--dataset", "folder", "--root", video, "--sequences", "two", "--out", "few") == 0
    assert call("report", "runs", *runs, "few", "--sequences", "one", "--format", "json", "--out", "t.json") == 0
    table = json.loads(Path("t.json").read_text(encoding="utf-8"))
    assert {row["method"] for row in table["rows"]} == {"Stay", "Slip"}
    assert "Left out, without scores of these: few." in table["notes"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ("--methods", "Stray"),
            "--methods Stray: found no run of it, expected a method of these runs; did you mean Stay?",
        ),
        (("--methods", ","), "--methods ,: found no name, expected A,B"),
        (("--methods", "Stay,Stay"), "named twice: Stay"),
        (("--sequences", "three"), "--sequences three: found no run with scores of three"),
        (("--label", "Stay"), "--label Stay: expected DIR=TEXT, as in runs/demo/mine=Ours"),
        (("--label", "Stay="), "--label Stay=: expected DIR=TEXT"),
        (("--label", "Stay=A", "--label", "Stay=B"), "--label: named twice: Stay"),
        (("--label", "gone=A"), "--label gone=A: found no run of this report there"),
        (("--label", ".=A"), "--label A: would name two different runs on folder all, Stay and Slip"),
        (("--label", "Stay=lwl"), "--label lwl: is the name of another method"),
    ],
)
def test_a_wrong_choice_is_one_message(
    call: Call, runs: tuple[Path, Path], capsys: Capture, arguments: tuple[str, ...], message: str
) -> None:
    capsys.readouterr()
    assert call("report", "runs", *runs, *arguments) == 2
    captured = capsys.readouterr()
    assert message in captured.err
    assert captured.err.count("\n") == 1
    assert captured.out == ""
