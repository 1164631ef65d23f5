"""Two methods in turns on the same frames."""

from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.benching.turns import Turns, take_turns
from vos_bench.errors import BadInputError
from vos_bench.progress import Progress
from vos_bench.running.run import RunSettings
from vos_bench.timing import WallStopwatch


class Listener(Progress):
    def __init__(self) -> None:
        self.passes: list[str] = []

    def pass_started(self, name: str, what: str, frames: int) -> None:  # noqa: ARG002
        self.passes.append(what)


def make(fake_vos: ModuleType, tmp_path: Path, *milliseconds: int) -> RunSettings:
    data, method = fake_vos.FakeDataset({"a": fake_vos.Spec(length=3)}), fake_vos.info("Ticking")
    times = (f"milliseconds={[*milliseconds]}",)
    return RunSettings(method=method, overrides=times, dataset=data, device="cpu", out=tmp_path / "out")


def test_both_warm_up_and_then_take_turns(fake_vos: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    clock = WallStopwatch(now=lambda: round(fake_vos.Ticking.now * 1e6))
    monkeypatch.setattr("vos_bench.running.play.stopwatch", lambda *_, **__: clock)
    listener = Listener()
    ours, reference = make(fake_vos, tmp_path, 10), make(fake_vos, tmp_path, 50, 20)
    turns = take_turns(ours, reference, count=2, progress=listener)
    assert listener.passes == [
        "warm-up",
        "warm-up",
        "turn 1 of 2: this method",
        "turn 1 of 2: the reference",
        "turn 2 of 2: this method",
        "turn 2 of 2: the reference",
    ]
    assert turns.frames == 3
    assert turns.ours == pytest.approx((0.03, 0.03))
    assert turns.reference == pytest.approx((0.09, 0.09))
    assert turns.ratios == pytest.approx((3, 3))
    assert not list(tmp_path.iterdir())


def test_the_ratio_is_told_with_its_spread():
    text = str(Turns(ours=(1.0, 2.0, 1.0), reference=(2.0, 3.0, 4.0), frames=10))
    assert "takes 2.00 times as long (1.50 to 4.00 in 3 turns): 300.0 ms a frame, and 100.0 ms here" in text


def test_one_turn_has_no_spread_and_is_refused(fake_vos: ModuleType, tmp_path: Path):
    settings = make(fake_vos, tmp_path, 10)
    with pytest.raises(BadInputError, match="--turns 1: expected at least 2"):
        take_turns(settings, settings, count=1, progress=Listener())
