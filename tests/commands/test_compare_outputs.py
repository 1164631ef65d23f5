"""What `vos-bench compare` writes and reads besides one baseline and one run."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from xml.etree import ElementTree as Xml

import pytest

Call = Callable[..., int]


def test_junit_and_summary_are_written_also_where_the_run_is_worse(call: Call, runs: tuple[Path, Path]) -> None:
    assert call("compare", *runs, "--junit", "ci/junit.xml", "--summary", "ci/summary.md") == 1
    suite = Xml.parse("ci/junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert int(suite.attrib["failures"]) > 0
    text = Path("ci/summary.md").read_text()
    assert text.startswith("## ")
    assert ": failed, " in text
    assert "Sequences that moved" in text
    assert "data:image" not in text


def test_junit_and_summary_say_that_there_is_no_comparison(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    files = ("--junit", "ci/junit.xml", "--summary", "ci/summary.md")
    assert call("compare", *runs, *files) == 1
    record = runs[0] / "run.json"
    record.write_text(record.read_text().replace('"fingerprint": "', '"fingerprint": "0'))
    assert call("compare", *runs, *files) == 2
    message = capsys.readouterr().err.removeprefix("vos-bench: ").strip()
    suite = Xml.parse("ci/junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert {name: suite.attrib[name] for name in ("tests", "errors", "failures")} == {
        "tests": "1",
        "errors": "1",
        "failures": "0",
    }
    (error,) = suite.findall("testcase/error")
    assert (error.attrib["type"], error.attrib["message"]) == ("NotComparableError", message)
    assert Path("ci/summary.md").read_text().startswith("## Comparison: not made\n\nNot comparable: ")


def test_thumbnails_show_truth_baseline_and_run_and_name_the_licence(
    call: Call, runs: tuple[Path, Path], video: Path
) -> None:
    assert call("compare", *runs, "--summary", "summary.md", "--thumbnails", "--root", video) == 1
    text = Path("summary.md").read_text()
    titles = re.findall(r"!\[(\w+) \d+: (\w+)\]\(data:image/png;base64,[\w+/=]+\)", text)
    assert sorted(titles) == [(name, what) for name in ("one", "two") for what in ("baseline", "run", "truth")]
    assert "licence: your own data" in text


def test_thumbnails_do_without_the_label_maps_of_a_committed_baseline(
    call: Call, runs: tuple[Path, Path], video: Path
) -> None:
    for path in (runs[0] / "masks").rglob("*.png"):
        path.unlink()
    assert call("compare", *runs, "--summary", "summary.md", "--thumbnails", "--root", video) == 1
    assert re.findall(r"!\[one \d+: (\w+)\]", Path("summary.md").read_text()) == ["truth", "run"]


@pytest.mark.parametrize("file", ["run.json", "sequences/one.json"])
@pytest.mark.parametrize("option", ["--json", "--junit", "--summary"])
def test_the_record_of_a_run_is_not_written_over(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str], option: str, file: str
) -> None:
    before = (runs[0] / file).read_bytes()
    assert call("compare", *runs, option, runs[0] / file) == 2
    assert f"Stay/{file}: is the record of a run, which is not written over" in capsys.readouterr().err
    assert (runs[0] / file).read_bytes() == before


def test_two_methods_are_told_apart(call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    stay, slip = runs
    capsys.readouterr()
    assert call("compare", stay, stay) == 0
    assert "Baseline: " not in capsys.readouterr().out
    call("compare", stay, slip)
    said = capsys.readouterr().out
    assert re.search(r"^Baseline: Stay, vos-bench (commit|version) \S+, 20\S+Z\.$", said, flags=re.MULTILINE)
    assert re.search(r"^Run: Slip, vos-bench (commit|version) \S+, 20\S+Z\.$", said, flags=re.MULTILINE)


def test_thumbnails_need_a_summary(call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert call("compare", *runs, "--thumbnails") == 2
    assert "--summary" in capsys.readouterr().err


def test_a_rise_fails_where_nothing_may_change(call: Call, runs: tuple[Path, Path]) -> None:
    stay, slip = runs
    assert call("compare", slip, stay) == 0
    assert call("compare", slip, stay, "--fail-on", "changed", "--json", "verdicts.json") == 1
    verdicts = json.loads(Path("verdicts.json").read_text())
    assert (verdicts["worse"], verdicts["failed"]) == (False, True)
    assert call("compare", stay, stay, "--fail-on", "changed") == 0


def test_chosen_sequences_are_judged_alone(
    call: Call, runs: tuple[Path, Path], video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    part = ("--dataset", "folder", "--root", video, "--sequences", "one", "--out", "part")
    assert call("run", f"{method_file}:Stay", *part) == 0
    assert call("compare", runs[0], "part") == 1  # sequence two is missing
    assert call("compare", runs[0], "part", "--sequences", "one") == 0
    assert call("compare", runs[0], "part", "--sequences", "one,two") == 1
    assert call("compare", runs[0], "part", "--sequences", "three") == 2
    assert "known: one, two" in capsys.readouterr().err


def test_the_spread_over_seeds_is_read_from_a_folder_or_from_several(
    call: Call, runs: tuple[Path, Path], video: Path, method_file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    seeds = ("--seeds", "0,1,2", "--out", "seeds")
    assert call("run", f"{method_file}:Stay", "--dataset", "folder", "--root", video, *seeds) == 0
    stay, slip = runs
    assert call("compare", "seeds", stay, "--tolerance", "spread") == 0
    assert call("compare", "seeds/seed-0", "seeds/seed-1", slip, "--tolerance", "spread=2") == 1
    assert "2 sample standard deviations of 2 runs" in capsys.readouterr().out
    assert call("compare", "seeds/seed-0", "seeds/seed-1", slip) == 2
    assert "--tolerance spread" in capsys.readouterr().err
    assert call("compare", "seeds/seed-0", slip, "--tolerance", "spread") == 2


def test_a_history_is_shown_and_fails_nothing(
    call: Call, runs: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert call("compare", *runs, "--history") == 2  # two methods
    record = json.loads((runs[1] / "run.json").read_text())
    record["method"]["name"] = json.loads((runs[0] / "run.json").read_text())["method"]["name"]
    (runs[1] / "run.json").write_text(json.dumps(record))
    assert call("compare", *runs, "--history", "--json", "history.json") == 0
    assert "too few" in capsys.readouterr().out
    assert len(json.loads(Path("history.json").read_text())["rows"]) == 2
    assert call("compare", ".", "--history") == 0


def test_one_record_alone_cannot_be_compared(call: Call, runs: tuple[Path, Path]) -> None:
    assert call("compare", runs[0]) == 2
