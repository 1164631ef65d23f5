"""The stopwatch, and what is said of its times."""

from collections.abc import Iterator
from itertools import count

import pytest

from vos_bench.timing import (
    ENOUGH_FRAMES,
    EventStopwatch,
    FrameTimings,
    Phase,
    WallStopwatch,
    stopwatch,
    summarise,
)


def timings(
    *stream_ms: float, read_ahead: bool = False, shared: bool = False, device: str = "x", **more
) -> FrameTimings:
    phases: list[Phase] = ["step"] * len(stream_ms)
    phases[:1] = ["init"]
    names = tuple(f"{i:05d}" for i in range(len(stream_ms)))
    absent = (None,) * len(stream_ms)
    columns = {"stream_ms": stream_ms, "model_ms": absent, "phase": tuple(phases)} | more
    return FrameTimings(
        frame=names,
        objects=(1,) * len(stream_ms),
        decode_ms=absent,
        write_ms=absent,
        read_ahead=read_ahead,
        shared=shared,
        device=device,
        **columns,
    )


FIRST_AND_STEP: tuple[Phase, ...] = ("init", "step")


THREE_REPEATS = tuple(number for number in (1, 2, 3) for _ in range(ENOUGH_FRAMES))


class FakeClock:
    """Goes on by one millisecond at every look."""

    def __init__(self) -> None:
        self.ticks: Iterator[int] = count(0, 1_000_000)

    def __call__(self) -> int:
        return next(self.ticks)


def test_wall_time_is_taken_between_start_and_stop():
    watch = WallStopwatch(now=FakeClock())
    for _ in range(3):
        watch.start()
        watch.stop()
    assert watch.milliseconds() == [1.0, 1.0, 1.0]


def test_times_are_forgotten_once_read():
    watch = WallStopwatch(now=FakeClock())
    watch.start()
    watch.stop()
    watch.milliseconds()
    assert watch.milliseconds() == []


def test_the_device_is_idle_at_both_ends_of_a_wall_time():
    log: list[str] = []
    clock = FakeClock()

    def now() -> int:
        log.append("now")
        return clock()

    watch = WallStopwatch(lambda: log.append("synchronize"), now=now)
    watch.start()
    log.append("work")
    watch.stop()
    assert log == ["synchronize", "now", "work", "synchronize", "now"]


class FakeEvent:
    made = 0

    def __init__(self) -> None:
        FakeEvent.made += 1
        self.recorded = False
        self.number = FakeEvent.made

    def record(self, stream: str) -> None:
        assert stream == "of the device"
        self.recorded = True

    def elapsed_time(self, later: "FakeEvent") -> float:
        assert self.recorded
        assert later.recorded
        return float(later.number)


def test_gpu_time_is_of_the_devices_own_queue_and_waits_once_when_it_is_read():
    waits: list[int] = []
    watch = EventStopwatch(FakeEvent, lambda: waits.append(1), stream=lambda: "of the device")
    for _ in range(4):
        watch.start()
        watch.stop()
    assert waits == []
    assert len(watch.milliseconds()) == 4
    assert waits == [1]
    assert watch.milliseconds() == []


def test_the_cpu_has_wall_time_and_needs_no_torch():
    assert isinstance(stopwatch("cpu"), WallStopwatch)
    assert isinstance(stopwatch("cpu", clock="model"), WallStopwatch)


@pytest.fixture
def any_length(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a handful of frames count as a whole run."""
    for name, value in (("ENOUGH_FRAMES", 1), ("ENOUGH_SECONDS", 0.0), ("ENOUGH_REPEATS", 1)):
        monkeypatch.setattr(f"vos_bench.timing.{name}", value)


@pytest.mark.usefixtures("any_length")
def test_fps_is_frames_over_time_and_no_mean_of_fps():
    summary = summarise([timings(1000.0, 10.0, 10.0), timings(500.0, 40.0)])
    assert summary is not None
    assert summary.fps == pytest.approx(3 / 0.060)
    assert summary.fps_with_init == pytest.approx(5 / 1.560)
    assert summary.frames == 5
    assert summary.seconds == pytest.approx(1.560)


@pytest.mark.usefixtures("any_length")
def test_fps_is_the_median_of_the_repeats_and_each_is_kept():
    summary = summarise([timings(9.0, 10.0, 9.0, 20.0, 9.0, 40.0, phase=FIRST_AND_STEP * 3, repeat=(1, 1, 2, 2, 3, 3))])
    assert summary is not None
    assert summary.repeats == 3
    assert summary.fps_repeats == pytest.approx((100.0, 50.0, 25.0))
    assert summary.fps == pytest.approx(50.0)


def test_the_shortest_repeat_decides_whether_a_run_was_long_enough():
    frames = (*([1] * ENOUGH_FRAMES), *([2] * ENOUGH_FRAMES), 3)
    summary = summarise([timings(*([60.0] * len(frames)), repeat=frames)])
    assert summary is not None
    assert summary.reasons == ("1 frame a repeat, fewer than 1024", "0.1 s a repeat, shorter than 60 s")
    assert summary.fps is None
    assert summary.step_ms is not None


def test_the_first_frame_is_reported_apart():
    summary = summarise([timings(1000.0, 10.0), timings(500.0, 10.0), timings(700.0, 10.0)])
    assert summary is not None
    assert summary.init_ms == 700.0
    assert summary.step_ms is not None
    assert summary.step_ms.p99 == 10.0


def test_percentiles_are_measured_values():
    summary = summarise([timings(0.0, *(float(i) for i in range(1, 101)))])
    assert summary is not None
    assert summary.step_ms is not None
    assert (summary.step_ms.p50, summary.step_ms.p90, summary.step_ms.p99) == (50.0, 90.0, 99.0)


def test_a_short_run_is_indicative_and_says_why():
    summary = summarise([timings(10.0, 10.0)])
    assert summary is not None
    assert summary.indicative
    assert summary.reasons == (
        "2 frames a repeat, fewer than 1024",
        "0.0 s a repeat, shorter than 60 s",
        "1 of 3 repeats",
    )


def test_what_else_disturbed_a_run_makes_it_indicative():
    summary = summarise([timings(*([60.0] * ENOUGH_FRAMES * 3), repeat=THREE_REPEATS)], disturbances=["a storm"])
    assert summary is not None
    assert summary.reasons == ("a storm",)
    assert summary.fps is None


def test_a_run_that_keeps_the_protocol_is_not_indicative():
    summary = summarise([timings(*([60.0] * ENOUGH_FRAMES * 3), repeat=THREE_REPEATS)])
    assert summary is not None
    assert not summary.indicative
    assert summary.fps == pytest.approx(1000 / 60)
    assert summary.reasons == ()


def test_frames_read_ahead_make_a_run_indicative():
    summary = summarise([timings(*([60.0] * ENOUGH_FRAMES * 3), repeat=THREE_REPEATS, read_ahead=True)])
    assert summary is not None
    assert summary.indicative
    assert summary.reasons == ("a thread read frames ahead beside the method",)


def test_sequences_side_by_side_give_no_fps():
    summary = summarise([timings(10.0, 10.0, shared=True)])
    assert summary is not None
    assert (summary.fps, summary.fps_with_init, summary.init_ms, summary.step_ms) == (None, None, None, None)
    assert "side by side" in summary.reasons[0]


def test_sequences_of_different_hardware_give_no_fps():
    summary = summarise([timings(10.0, 10.0, device="a"), timings(10.0, 10.0, device="b")])
    assert summary is not None
    assert summary.fps is None
    assert "different hardware (a, b)" in summary.reasons[0]


@pytest.mark.usefixtures("any_length")
def test_a_method_of_whole_sequences_has_only_the_rate_over_all_frames():
    summary = summarise([timings(100.0, 0.0, bracket="sequence")])
    assert summary is not None
    assert summary.fps is None
    assert summary.step_ms is None
    assert summary.fps_with_init == pytest.approx(20.0)


@pytest.mark.usefixtures("any_length")
def test_gpu_times_are_used_where_they_were_taken():
    absent = (None, None)
    summary = summarise([timings(0.0, 0.0, stream_ms=absent, model_ms=(30.0, 20.0))])
    assert summary is not None
    assert summary.clock == "model"
    assert "GPU time between two events" in summary.definition
    assert summary.fps == pytest.approx(50.0)


def test_one_frame_has_a_first_frame_and_no_fps():
    summary = summarise([timings(10.0)])
    assert summary is not None
    assert (summary.init_ms, summary.fps, summary.step_ms) == (10.0, None, None)


def test_nothing_timed_gives_no_summary():
    assert summarise([]) is None
    assert summarise([FrameTimings()]) is None
