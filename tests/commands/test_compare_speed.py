"""FPS is judged from what `vos-bench bench` records, scores or none; where it cannot be, that is said and why."""

import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from vos_bench.cli import main
from vos_bench.environment import ProcessorUse
from vos_bench.timing import WallStopwatch

pytestmark = pytest.mark.usefixtures("own_home")

METHODS = """
import made_up_clock
import numpy as np

from vos_bench.api import Image, Method, Prediction, Prompt


class Quick(Method):
    milliseconds = 1

    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        self.shape = image.shape[:2]
        return self.step(image)

    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        made_up_clock.milliseconds += self.milliseconds
        return Prediction(np.ones(self.shape, np.uint16), None)


class Slow(Quick):
    milliseconds = 10
"""


@pytest.fixture(autouse=True)
def quiet_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what else the test machine does out of it."""
    monkeypatch.setattr(ProcessorUse, "share_of_others", 0.0)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a clock that only the methods move be the one that times them."""
    made_up = SimpleNamespace(milliseconds=0)
    monkeypatch.setitem(sys.modules, "made_up_clock", made_up)
    watch = WallStopwatch(now=lambda: made_up.milliseconds * 1_000_000)
    monkeypatch.setattr("vos_bench.running.play.stopwatch", lambda *_, **__: watch)


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Path]:
    """Time a method on a made-up video, a few frames being enough for an FPS unless it is `--quick`."""
    monkeypatch.setattr("vos_bench.timing.ENOUGH_FRAMES", 10)
    monkeypatch.setattr("vos_bench.timing.ENOUGH_SECONDS", 0.0)
    (tmp_path / "timed.py").write_text(METHODS)

    def call(name: str, kind: str = "Quick", *arguments: str) -> Path:
        data = () if "--dataset" in arguments else ("--size", "64x48", "--frames", "5")
        method = f"{tmp_path / 'timed.py'}:{kind}"
        assert main(["bench", method, *data, *arguments, "--device", "cpu", "--out", str(tmp_path / name)]) == 0
        return tmp_path / name

    return call


def test_without_scores_fps_alone_is_judged(
    bench: Callable[..., Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    quick, slow = bench("quick"), bench("slow", "Slow")
    capsys.readouterr()
    files = {name: tmp_path / name for name in ("rows.json", "page.md", "junit.xml")}
    written = [f"--{option}={file}" for option, file in zip(("json", "summary", "junit"), files.values(), strict=True)]
    assert main(["compare", str(quick), str(slow), *written]) == 1
    assert "Neither run has scores: FPS alone was judged." in capsys.readouterr().out
    found = json.loads(files["rows.json"].read_text())
    [row] = found["rows"]
    assert (row["score"], row["verdict"], found["change of J&F"]) == ("FPS", "worse", None)
    assert (row["baseline"], row["candidate"]) == (pytest.approx(1000), pytest.approx(100))
    assert "FPS" in files["page.md"].read_text()
    assert 'failures="1"' in files["junit.xml"].read_text()
    assert main(["compare", str(quick), str(slow), "--tolerance", "FPS=0.99"]) == 0
    assert main(["compare", str(slow), str(quick)]) == 0


@pytest.mark.parametrize("short", ["baseline", "this run"])
def test_without_scores_and_without_an_fps_nothing_is_comparable(
    bench: Callable[..., Path], capsys: pytest.CaptureFixture[str], short: str
) -> None:
    runs = bench("short", "Quick", "--quick"), bench("whole")
    assert main(["compare", *map(str, runs if short == "baseline" else runs[::-1])]) == 2
    said = " ".join(capsys.readouterr().err.split())
    who = "the baseline" if short == "baseline" else "this run"
    assert f"nor can FPS be judged: {who} has only indicative times (5 frames a repeat, fewer than 10)" in said


def test_other_sizes_and_numbers_of_objects_are_other_data(
    bench: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(bench("one")), str(bench("two", "Quick", "--objects", "2"))]) == 2
    assert "data fingerprint" in capsys.readouterr().err


def test_beside_scores_an_indicative_time_is_not_comparable_and_says_why(
    bench: Callable[..., Path], tmp_path: Path
) -> None:
    data = ("--dataset", "demo", "--sequences", "tiny")
    whole, short = bench("whole", "Quick", *data), bench("short", "Quick", *data, "--repeats", "1")
    rows = tmp_path / "rows.json"
    assert main(["compare", str(whole), str(short), "--json", str(rows)]) == 0
    [row] = [row for row in json.loads(rows.read_text())["rows"] if row["score"] == "FPS"]
    assert (row["verdict"], row["candidate"]) == ("not comparable", None)
    assert row["note"] == "this run has only indicative times (1 of 3 repeats)"
