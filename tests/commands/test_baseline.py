"""`vos-bench baseline` and `compare --update`: records that can be committed, and gates that the command line sets."""

import json
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

Call = Callable[..., int]


def test_a_baseline_is_the_records_alone_and_judges_the_run_as_the_same(call: Call, runs: tuple[Path, Path]) -> None:
    stay, _ = runs
    assert call("baseline", stay, "--out", "kept") == 0
    assert sorted(path.name for path in Path("kept").iterdir()) == ["run.json", "sequences"]
    assert call("compare", "kept", stay) == 0


def test_update_puts_the_run_in_the_place_of_the_baseline(call: Call, runs: tuple[Path, Path]) -> None:
    stay, slip = runs
    assert call("baseline", stay, "--out", "kept") == 0
    assert call("compare", "kept", slip) == 1
    assert call("compare", "kept", slip, "--update") == 0
    assert call("compare", "kept", slip) == 0
    assert Path("kept/run.json").read_bytes() == (slip / "run.json").read_bytes()


def test_a_folder_with_other_files_is_no_place_for_a_baseline(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    stay, slip = runs
    before = sorted(Path(slip).rglob("*"))
    assert call("baseline", stay, "--out", slip) == 2
    assert call("baseline", stay, "--out", stay) == 2
    assert "expected a new folder" in capsys.readouterr().err
    assert sorted(Path(slip).rglob("*")) == before


@pytest.mark.parametrize("name", ["sequences/notes.txt", "sequences/mine.json", "sequences/mine/a", "run.json"])
def test_files_of_others_are_not_replaced_by_a_baseline(
    call: Call, runs: tuple[Path, Path], name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("baseline", runs[0], "--out", "kept") == 0
    path = Path("kept", name)
    path.parent.mkdir(exist_ok=True)
    path.write_text('{"mine": 1}', encoding="utf-8")
    assert call("baseline", runs[0], "--out", "kept") == 2
    assert "expected a new folder, or one that holds records alone" in capsys.readouterr().err
    if path.suffix == ".txt":
        assert call("compare", "kept", runs[1], "--update") == 2
    assert path.read_text(encoding="utf-8") == '{"mine": 1}'


def test_an_unfinished_run_is_no_baseline(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    record = json.loads((runs[0] / "run.json").read_text("utf-8"))
    (runs[0] / "run.json").write_text(json.dumps({**record, "status": "started"}), encoding="utf-8")
    assert call("baseline", runs[0], "--out", "kept") == 2
    assert "is not finished" in capsys.readouterr().err
    assert not Path("kept").exists()


def test_a_sequence_that_fell_too_far_fails_its_own_test_case(call: Call, runs: tuple[Path, Path]) -> None:
    stay, slip = runs
    wide = ("--tolerance", "1.0")
    assert call("compare", stay, slip, *wide) == 0
    assert call("compare", stay, slip, *wide, "--sequence-tolerance", "0.05", "--junit", "judged.xml") == 1
    cases = Xml.parse("judged.xml").getroot().iter("testcase")
    failed = {case.get("name") for case in cases if case.find("failure") is not None}
    assert failed
    assert failed <= {path.stem for path in (stay / "sequences").iterdir()}


def test_another_torch_or_processor_is_said(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("baseline", runs[0], "--out", "kept") == 0
    record = json.loads(Path("kept/run.json").read_text("utf-8"))
    record["environment"]["cpu"] = "Another Processor"
    record["environment"]["packages"]["torch"] = "2.0.0"
    Path("kept/run.json").write_text(json.dumps(record), encoding="utf-8")
    capsys.readouterr()
    assert call("compare", "kept", runs[0]) == 0
    said = capsys.readouterr().out
    assert "torch (2.0.0, then" in said
    assert "processor (Another Processor, then" in said
