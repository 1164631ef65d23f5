"""Real time: frames that come while a method is busy are dropped, by its own times; nothing here waits for a clock."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import vos_bench
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map
from vos_bench.records import RealTimeEntry, Run
from vos_bench.timing import FrameClock, WallStopwatch

T = 40.0
"""Milliseconds between two frames at 25 a second."""


def played(times: list[float], *, grace: int = 0, waiting: tuple[int, ...] = (), fps: float = 25) -> list[int]:
    """Play as many frames as there are times; return the numbers of those that are dropped.

    A frame's time is the one that stands in its place, so that those of dropped frames are never asked for.
    """
    clock = FrameClock(fps=fps, grace=grace)
    heard: list[str] = []
    for name in clock.taken([str(i) for i in range(len(times))], waiting={str(i) for i in waiting}, drop=heard.append):
        clock.answered(times[int(name)])
    assert heard == clock.dropped
    return [int(name) for name in clock.dropped]


@pytest.mark.parametrize(
    ("share", "dropped"),
    [
        (1.0, []),
        (1.5, []),
        (2.0, []),  # what is left is not more than one interval, and is forgiven
        (2.01, [1, 3, 5, 7]),
        (3.0, [1, 3, 5, 7]),
        (3.01, [1, 2, 4, 5, 7, 8]),
        (100.0, [1, 2, 3, 4, 5, 6, 7, 8]),
    ],
)
def test_a_method_loses_frames_from_twice_the_interval_on(share: float, dropped: list[int]) -> None:
    assert played([share * T] * 9) == dropped


def test_one_slow_frame_costs_the_frames_that_come_meanwhile() -> None:
    assert played([1, 1, 4.5 * T, 1, 1, 1, 1, 1]) == [3, 4, 5]


def test_grace_forgives_slow_frames_and_no_others() -> None:
    slow = 5 * T
    assert played([slow] * 3 + [1] * 6, grace=3) == []
    assert played([slow, 1, 1, slow, 1, 1, slow, 1, 1, slow, *[1] * 6], grace=3) == [10, 11, 12]
    assert played([slow, *[1] * 8], grace=0) == [1, 2, 3]


def test_a_frame_on_which_an_object_starts_waits_and_the_wait_counts() -> None:
    assert played([6 * T, *[1] * 9]) == [1, 2, 3, 4]
    assert played([6 * T, *[1] * 9], waiting=(2,)) == [1, 3, 4, 5]
    assert played([6 * T, *[1] * 9], waiting=(1, 2, 3, 4, 5)) == []


RECORDED: list[tuple[float, int, str, str]] = [
    (
        30,
        3,
        "23.5 9.8 63.1 4.5 46.1 27.3 3.6 42.5 2.3 34.1 4.3 5.7 "
        "33.2 105.2 7.9 15.2 59.2 177.1 51.6 30.3 224.4 2.9 117.3 20.5",
        "14 15 18 19 20 21 23",
    ),
    (
        25,
        0,
        "17.1 13.8 40.6 186.3 21.9 95.8 112.1 51.2 87.3 7.1 6.8 25.4 "
        "125.5 61.4 41.5 96.9 66.4 39.2 174.0 132.1 30.8 94.0 81.9 228.9",
        "4 5 6 9 13 14 16 19 20 21 23",
    ),
    (
        20,
        1,
        "117.7 30.6 352.9 11.3 48.7 127.4 14.8 60.4 3.6 99.3 130.2 76.6 "
        "187.5 33.9 107.0 81.2 78.1 54.8 164.9 260.5 57.8 98.2 5.6 108.8",
        "3 4 5 6 7 8 11 13 14 19 20",
    ),
    (
        30,
        0,
        "34.4 164.2 56.9 11.1 16.1 36.5 0.8 20.4 6.1 4.1 2.0 48.2 "
        "4.6 9.4 16.4 67.7 2.8 19.7 26.3 70.9 56.5 65.8 10.8 17.7",
        "2 3 4 16 20",
    ),
    (
        24,
        2,
        "66.7 323.4 474.6 24.5 29.1 39.6 39.9 99.5 133.4 45.7 0.6 81.4 "
        "69.1 125.3 459.0 175.9 108.7 144.2 169.1 8.3 344.7 227.1 311.3 239.8",
        "3 4 5 6 7 8 9 10 11 12 14 15 17 19 20 21 23",
    ),
]
"""Rate, grace, milliseconds of each frame, and the frames that vot-toolkit 0.9.0 dropped."""


@pytest.mark.parametrize(("fps", "grace", "times", "dropped"), RECORDED)
def test_the_same_frames_are_dropped_as_by_vot_toolkit(fps: float, grace: int, times: str, dropped: str) -> None:
    assert played([*map(float, times.split())], grace=grace, fps=fps) == [*map(int, dropped.split())]


@pytest.fixture
def run(tmp_path: Path, fake_vos: ModuleType) -> Callable[..., Run]:
    late = fake_vos.Spec(length=7, starts={1: 0, 2: 3}, outputs=(0, 2, 3, 4, 6), truth=False)
    specs = {"a": fake_vos.Spec(length=9), "b": late}
    data = fake_vos.FakeDataset(specs)

    def made(real_time: float | None = 25, out: str = "out", method: str = "Timed", **options: Any) -> Run:
        info, folder = fake_vos.info(method), tmp_path / out
        return vos_bench.run(info, data, real_time=real_time, device="cpu", out=folder, **options)

    return made


def slow(share: float) -> dict[str, list[float]]:
    return {"milliseconds": [share * T]}


def labels(run: Run, sequence: str) -> dict[int, np.ndarray]:
    return {int(path.stem): read_label_map(path) for path in sorted((run.folder / "masks" / sequence).glob("*.png"))}


def test_dropped_frames_keep_the_label_map_before_them(run: Callable[..., Run]) -> None:
    offline, online = run(None, "offline"), run(settings=slow(2.5), grace=0)
    assert online.sequence_records["a"].dropped_frames == ("00001", "00003", "00005", "00007")
    waiting, found = labels(offline, "a"), labels(online, "a")
    assert [*found] == [*range(9)]
    for frame in range(9):
        assert (found[frame] == waiting[frame - frame % 2]).all(), frame
    assert not (found[3] == waiting[3]).all()
    assert online.scores["J&F"] < offline.scores["J&F"]


def test_objects_that_start_are_seen_and_frames_that_nobody_asks_for_are_remembered(run: Callable[..., Run]) -> None:
    offline, online = run(None, "offline"), run(settings=slow(3), grace=0)
    assert online.sequence_records["b"].dropped_frames == ("00001", "00004", "00005", "00006")
    waiting, found = labels(offline, "b"), labels(online, "b")
    assert [*found] == [0, 2, 3, 4, 6]
    for frame, seen in {0: 0, 2: 2, 3: 3, 4: 3, 6: 3}.items():
        assert (found[frame] == waiting[seen]).all(), frame
    assert online.sequence_records["b"].objects == 2


def test_a_fast_method_has_the_label_maps_of_an_offline_run(run: Callable[..., Run]) -> None:
    offline, online = run(None, "offline"), run()
    for name in ("a", "b"):
        ours, theirs = labels(online, name), labels(offline, name)
        assert all((ours[frame] == theirs[frame]).all() for frame in theirs)
    assert online.scores == offline.scores
    assert {each.dropped_frames for each in online.sequence_records.values()} == {()}


def test_the_record_says_what_happened(run: Callable[..., Run]) -> None:
    online = run(settings=slow(2.5), grace=0)
    rules = online.record.protocol.real_time
    assert rules is not None
    assert (rules.fps, rules.grace) == (25, 0)
    assert " core" in rules.hardware
    a = online.sequence_records["a"]
    assert (a.frames, a.timings.frame) == (9, ("00000", "00002", "00004", "00006", "00008"))
    assert a.timings.stream_ms == (2.5 * T,) * 5
    assert not a.timings.read_ahead
    assert online.record.dataset.frames == 16
    [note] = [note for note in online.record.notes if note.startswith("in real time")]
    assert f"({rules}), 7 of 16 frames came while it was busy and were dropped" in note
    assert run(out="other").record.protocol.real_time == RealTimeEntry(fps=25, grace=3, hardware=rules.hardware)


def test_times_are_those_of_the_stopwatch_where_a_method_reports_none(
    run: Callable[..., Run], fake_vos: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = WallStopwatch(now=lambda: round(fake_vos.Ticking.now * 1e6))
    monkeypatch.setattr("vos_bench.running.play.stopwatch", lambda *_, **__: clock)
    online = run(method="Ticking", settings=slow(2.5), grace=0, sequences=["a"])
    assert online.sequence_records["a"].dropped_frames == ("00001", "00003", "00005", "00007")
    assert online.sequence_records["a"].timings.stream_ms == pytest.approx((2.5 * T,) * 5)


def test_probabilities_of_dropped_frames_are_those_before_them(run: Callable[..., Run]) -> None:
    online = run(settings=slow(2.5), grace=0, save_probabilities=True)
    files = [np.load(online.folder / "probabilities" / "a" / f"{frame:05d}.npz") for frame in (2, 3, 4)]
    assert (files[0]["probabilities"] == files[1]["probabilities"]).all()
    assert (files[1]["probabilities"] != files[2]["probabilities"]).any()
    assert run(settings=slow(2.5), grace=0, save_probabilities=True).record.counts.done == 2


def test_a_run_that_was_interrupted_goes_on(run: Callable[..., Run]) -> None:
    part = run(settings=slow(2.5), grace=0, sequences=["a"])
    whole = run(settings=slow(2.5), grace=0)
    assert whole.sequence_records["a"] == part.sequence_records["a"]
    assert whole.record.status == "complete"
    assert whole.sequence_records["b"].dropped_frames


def test_a_worker_process_drops_the_same_frames(run: Callable[..., Run]) -> None:
    here, there = run(settings=slow(2.5)), run(out="there", settings=slow(2.5), stall=300)
    for name in ("a", "b"):
        assert here.sequence_records[name].dropped_frames == there.sequence_records[name].dropped_frames


@pytest.mark.parametrize("other", [{"real_time": 30}, {"real_time": None}, {"grace": 1}])
def test_a_folder_takes_one_rate_and_grace(run: Callable[..., Run], other: dict[str, Any]) -> None:
    run()
    with pytest.raises(BadInputError, match=r"(?s)holds another run\..*real time: .*25 frames a second, grace 3, on "):
        run(**other)


def test_another_machine_neither_goes_on_nor_is_compared(
    run: Callable[..., Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    here = run()
    monkeypatch.setattr("vos_bench.running.setup.device_name", lambda _: "another processor")
    with pytest.raises(BadInputError, match=r"(?s)holds another run\..*on another processor"):
        run()
    there = run(out="there")
    found = vos_bench.compare(here, there)
    assert found.verdict == "cannot be compared"
    assert "this run has '25 frames a second, grace 3, on another processor" in str(found.error)
    assert vos_bench.compare(there, run(out="again")).verdict == "same"


def test_real_time_and_offline_are_not_compared(run: Callable[..., Run]) -> None:
    found = vos_bench.compare(run(None, "offline"), run())
    assert "baseline has real time 'frames that wait', this run has '25 frames a second" in str(found.error)


def test_a_sequence_method_that_answers_in_turn_gets_the_names_of_its_frames(
    run: Callable[..., Run], fake_vos: ModuleType
) -> None:
    fake_vos.InTurn.names.clear()
    online = run(method="InTurn", settings=slow(3.5), grace=0, sequences=["a"])
    assert fake_vos.InTurn.names == ["00000", "00003", "00006"]
    assert online.record.status == "complete"
    assert online.sequence_records["a"].dropped_frames == ("00001", "00002", "00004", "00005", "00007", "00008")


def test_a_method_that_looks_ahead_fails_with_one_message(run: Callable[..., Run]) -> None:
    found = run(method="Whole").sequence_records["a"]
    assert found.status == "failed"
    assert found.error.startswith("asked for another frame before it answered frame 00000; in real time expected one")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"real_time": 0}, r"--real-time 0: expected frames a second"),
        ({"real_time": -3}, r"--real-time -3: expected frames a second"),
        ({"real_time": float("nan")}, r"--real-time nan: expected frames a second"),
        ({"real_time": 1001}, r"--real-time 1001: expected .* at most 1000"),
        ({"grace": -1}, r"--grace -1: expected a number of slow frames, 0 or more"),
        ({"real_time": None, "grace": 2}, r"--grace 2 without --real-time has no effect"),
        ({"jobs": 2}, r"--real-time with several --jobs"),
        ({"shard": (1, 2)}, r"--real-time with several --jobs, a cluster or --shard"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_written(
    run: Callable[..., Run], tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        run(**options)
    assert not (tmp_path / "out").exists()


def test_the_command_shows_the_offline_score_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    online = ["run", "copy-first", "--dataset", "demo", "--sequences", "tiny", "--real-time", "30"]
    assert main(online) == 0
    assert "no offline run in runs/demo/copy-first/" in capsys.readouterr().out
    assert main(online[:-2]) == 0
    capsys.readouterr()
    assert main(online) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "% in real time, " in said
    assert "% offline (runs/demo/copy-first/" in said
    assert main(["report", "real-time", "runs"]) == 0
    assert "copy-first" in capsys.readouterr().out
