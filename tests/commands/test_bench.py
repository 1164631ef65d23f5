"""`vos-bench bench` as a user calls it."""

import json
import shlex
import sys
from importlib import resources
from pathlib import Path

import pytest

from vos_bench.cli import main
from vos_bench.records import load_run

pytestmark = pytest.mark.usefixtures("own_home")


def test_each_size_and_number_of_objects_is_a_case(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, figures = tmp_path / "out", tmp_path / "figures.json"
    command = ["bench", "copy-first", "--quick", "--repeats", "1", "--frames", "4", "--device", "cpu"]
    assert main([*command, "--size", "64x48,96x64", "--objects", "1,3", "--out", str(out), "--json", str(figures)]) == 0
    names = [f"made-up-{size}-{objects}-stream" for size in ("64x48", "96x64") for objects in (1, 3)]
    assert sorted(path.name for path in out.iterdir()) == sorted(names)
    printed = capsys.readouterr().out
    assert "p50 [ms]" in printed
    assert "indicative: 4 frames a repeat, fewer than 1024" in printed
    runs = json.loads(figures.read_text())["runs"]
    assert [Path(run["out"]).name for run in runs] == names
    assert all(run["timing"]["fps"] is None and run["timing"]["step_ms"]["p50"] > 0 for run in runs)


def test_without_a_folder_everything_lies_below_bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    command = ["bench", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--quick", "--repeats", "1"]
    assert main([*command, "--device", "cpu"]) == 0
    assert [path.name for path in tmp_path.iterdir()] == ["bench"]
    (run,) = (tmp_path / "bench" / "demo" / "copy-first").iterdir()
    assert [*load_run(run).sequence_records] == ["tiny"]
    assert [path.name for path in (run / "masks").iterdir()] == ["tiny"]


@pytest.mark.parametrize("init", ["mask", "box"])
def test_objects_start_from_what_is_asked_for(tmp_path: Path, init: str):
    command = [
        "bench",
        "copy-first",
        "--quick",
        "--repeats",
        "1",
        "--frames",
        "2",
        "--size",
        "64x48",
        "--device",
        "cpu",
    ]
    assert main([*command, "--init", init, "--out", str(tmp_path / init)]) == 0
    assert json.loads((tmp_path / init / "run.json").read_text())["protocol"]["init"] == init


def test_a_timing_is_reported_like_any_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    command = ["bench", "copy-first", "--quick", "--frames", "3", "--size", "64x48", "--device", "cpu"]
    assert main([*command, "--out", str(tmp_path / "one")]) == 0
    capsys.readouterr()
    for table in ("latency", "speed"):
        assert main(["report", table, str(tmp_path)]) == 0
        assert "copy-first" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--size", "64"], "--size 64: expected WIDTHxHEIGHT, several with commas between"),
        (["--size", "8x8"], "--size 8x8: expected WIDTHxHEIGHT of 32 to 16384 pixels"),
        (["--objects", "two"], "--objects two: 'two' is not what is needed, expected whole numbers"),
        (["--root", "x"], "--root or --split without --dataset"),
        (["--dataset", "demo", "--size", "64x48"], "--size 64x48 with --dataset demo: expected one of the two"),
        (["--repeats", "0"], "--repeats 0: expected 1 or more"),
    ],
)
def test_bad_input_gives_one_message(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], message: str
):
    assert main(["bench", "copy-first", "--device", "cpu", "--out", str(tmp_path / "out"), *arguments]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out" / "run.json").exists()


def test_another_program_is_timed_in_turns(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    client = resources.files("vos_bench.methods.external") / "drivers" / "vos_bench_client.py"
    command = [
        "bench",
        "copy-first",
        "--quick",
        "--repeats",
        "1",
        "--frames",
        "3",
        "--size",
        "64x48",
        "--device",
        "cpu",
    ]
    figures = tmp_path / "figures.json"
    reference = [
        "--reference-command",
        shlex.join((sys.executable, str(client))),
        "--turns",
        "2",
        "--json",
        str(figures),
    ]
    assert main([*command, "--out", str(tmp_path / "out"), *reference]) == 0
    assert "made-up-64x48-1: the reference takes" in capsys.readouterr().out
    turns = json.loads(figures.read_text())["turns"]["made-up-64x48-1"]
    assert turns["frames"] == 3
    assert len(turns["ratios"]) == len(turns["ours"]) == 2
