"""One stopwatch for all methods, and what may be said of its times.

Two scenarios that are never mixed in one run: `stream` is wall time from the decoded image in host memory to the label
map in host memory, with the device synchronised before the start and after the stop; `model` is the GPU's own clock
round the same call, read once at the end of a sequence so that nothing waits in between.
"""

import time
from collections.abc import Callable, Collection, Iterable, Iterator
from functools import partial
from typing import Any, Literal, NamedTuple, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from vos_bench.names import counted
from vos_bench.recorded import Recorded

Phase = Literal["init", "step"]
Clock = Literal["stream", "model"]
Bracket = Literal["call", "sequence", "reported"]

ENOUGH_FRAMES = 1024
ENOUGH_SECONDS = 60.0
ENOUGH_REPEATS = 3

DEFAULT_GRACE = 3
"""How many slow frames are forgiven in real time, as in all real-time experiments of VOT from 2017 on."""

DEFINITIONS: dict[Clock, str] = {
    "stream": (
        "wall time of one call (initialize or step), from the decoded RGB image in host memory to the label map of the"
        " same size in host memory, device synchronised before and after; resizing, copies, merging of objects and"
        " memory updates inside, decoding, mapping of ids and PNG writing outside; FPS = frames / time, whatever the"
        " number of objects; percentiles are measured values (nearest rank)"
    ),
    "model": (
        "GPU time between two events round one call (initialize or step), read at the end of a sequence; idle gaps"
        " between kernels inside, decoding, mapping of ids and PNG writing outside; FPS = frames / time, whatever the"
        " number of objects; percentiles are measured values (nearest rank)"
    ),
}

REPORTED = (
    "times are those that the system, in a process of its own, reports for each frame; what crosses between the"
    " processes is outside"
)
WHOLE = "the method takes whole sequences, so that first and later frames cannot be told apart"


class FrameTimings(Recorded, frozen=True, kw_only=True):
    """Milliseconds of each frame, as columns of equal length.

    Attributes:
        frame: The frame's name.
        objects: How many objects had been given up to and with this frame.
        phase: `init` for the frame that starts the sequence, `step` for the others.
        decode_ms: Reading the frame and its prompt; with frames read ahead, this ran beside the method.
        stream_ms: From the decoded image in host memory to the label map in host memory; None where the GPU's own
            clock was asked for.
        model_ms: The same call on the GPU's own clock; None where `stream_ms` was taken.
        write_ms: Checking the answer, mapping ids and writing the label map.
        repeat: Which repeat of the whole set the frame belongs to, from 1; empty where there was but one.
        bracket: `call` where each call of the method was timed; `sequence` for a method that takes the whole
            sequence, where the time of a frame is that until its answer without that of reading; `reported` where
            the method gave its own times.
        read_ahead: Whether a thread decoded the next frame beside the method.
        shared: Whether other sequences ran on the machine at the same time.
        device: The processor's or GPU's name.
    """

    frame: tuple[str, ...] = ()
    objects: tuple[int, ...] = ()
    phase: tuple[Phase, ...] = ()
    decode_ms: tuple[float | None, ...] = ()
    stream_ms: tuple[float | None, ...] = ()
    model_ms: tuple[float | None, ...] = ()
    write_ms: tuple[float | None, ...] = ()
    repeat: tuple[int, ...] = ()
    bracket: Bracket = "call"
    read_ahead: bool = False
    shared: bool = False
    device: str = ""


class Latency(Recorded, frozen=True, kw_only=True):
    """Percentiles of the milliseconds per frame, over the frames after the first of each sequence."""

    p50: float
    p90: float
    p99: float


class TimingSummary(Recorded, frozen=True, kw_only=True):
    """What the times of a run come to.

    Attributes:
        definition: What was inside the bracket.
        clock: Whose time this is: `stream` or `model`.
        indicative: Whether the run was too short or too disturbed to publish its figures; `reasons` says why. Then
            there are latencies and no FPS.
        reasons: Why the figures are indicative.
        repeats: How often the whole set was run.
        frames: How many frames were timed, first frames included, all repeats together.
        seconds: Their time together.
        fps: Frames after the first of each sequence / their time together, the median of the repeats; None for a run
            that is indicative.
        fps_with_init: All frames / all time, likewise.
        fps_repeats: The FPS of each repeat, to see how far they lie apart.
        init_ms: Median of the first frames.
        step_ms: Latency of the frames after the first.
    """

    definition: str
    clock: Clock = "stream"
    indicative: bool = True
    reasons: tuple[str, ...] = ()
    repeats: int = 1
    frames: int = 0
    seconds: float = 0.0
    fps: float | None = None
    fps_with_init: float | None = None
    fps_repeats: tuple[float, ...] = ()
    init_ms: float | None = None
    step_ms: Latency | None = None


class Stopwatch(Protocol):
    """Times one bracket after the other."""

    def start(self) -> None:
        """Begin a bracket."""

    def stop(self) -> None:
        """End it."""

    def milliseconds(self) -> list[float]:
        """Return the length of every bracket so far, in order, and forget them."""


class WallStopwatch:
    """Monotonic wall time with the device idle at both ends of a bracket."""

    def __init__(
        self, synchronize: Callable[[], None] | None = None, *, now: Callable[[], int] = time.perf_counter_ns
    ) -> None:
        """Take the device's `synchronize`, None for the CPU, and the clock in nanoseconds."""
        self._synchronize = synchronize
        self._now = now
        self._began = 0
        self._lengths: list[float] = []

    def start(self) -> None:
        """Wait for the device, then begin a bracket."""
        if self._synchronize:
            self._synchronize()
        self._began = self._now()

    def stop(self) -> None:
        """Wait for the device, then end the bracket."""
        if self._synchronize:
            self._synchronize()
        self._lengths.append((self._now() - self._began) / 1e6)

    def milliseconds(self) -> list[float]:
        """Return the length of every bracket so far, in order, and forget them."""
        lengths, self._lengths = self._lengths, []
        return lengths


class EventStopwatch:
    """The GPU's own clock: an event at each end of a bracket, and one wait when the times are read."""

    def __init__(
        self, make_event: Callable[[], Any], synchronize: Callable[[], None], *, stream: Callable[[], Any]
    ) -> None:
        """Take the device's part in it.

        Args:
            make_event: Makes timing events (`record`, `elapsed_time`).
            synchronize: Waits for the device.
            stream: Returns the queue that the device works off now: an event that is not told takes the current
                device's, which may be another one.
        """
        self._make_event, self._synchronize, self._stream = make_event, synchronize, stream
        self._events: list[tuple[Any, Any]] = []

    def start(self) -> None:
        """Put an event into the device's queue."""
        self._events.append((self._make_event(), self._make_event()))
        self._events[-1][0].record(self._stream())

    def stop(self) -> None:
        """Put the second event into the device's queue."""
        self._events[-1][1].record(self._stream())

    def milliseconds(self) -> list[float]:
        """Wait for the device once, then return the length of every bracket so far and forget them."""
        self._synchronize()
        events, self._events = self._events, []
        return [float(start.elapsed_time(stop)) for start, stop in events]


def stopwatch(device: str, *, clock: Clock = "stream") -> Stopwatch:
    """Return the stopwatch for a torch device name; torch is imported only for a GPU.

    On the CPU both clocks are wall time.
    """
    if not device.startswith("cuda"):
        return WallStopwatch()
    import torch

    def synchronize() -> None:
        # Where nothing of this process runs on a GPU, asking would take memory there.
        if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
            torch.cuda.synchronize(device)

    if clock == "stream":
        return WallStopwatch(synchronize)
    make_event = partial(torch.cuda.Event, enable_timing=True)
    return EventStopwatch(make_event, synchronize, stream=partial(torch.cuda.current_stream, device))


def summarise(timings: Iterable[FrameTimings], *, disturbances: Iterable[str] = ()) -> TimingSummary | None:
    """Sum up the times of a run's sequences that ended well, all repeats; None when no frame was timed.

    `disturbances` are what else is known to have disturbed the run.
    """
    timings = list(timings)
    columns = _Columns.of(timings)
    if not columns.milliseconds.size:
        return None
    repeats = [columns.of_repeat(number) for number in np.unique(columns.repeat)]
    sharing = tuple(_sharing(timings))
    reasons = (*sharing, *_disturbances(timings), *disturbances, *_shortcomings(repeats))
    brackets = {each.bracket for each in timings}
    whole = "sequence" in brackets
    remark = REPORTED if "reported" in brackets else WHOLE if whole else ""
    rates = () if reasons else repeats  # figures that are only indicative have no FPS
    init, step = (columns.init, columns.steps) if not (sharing or whole) else (_NONE, _NONE)
    return TimingSummary(
        definition=f"{DEFINITIONS[columns.clock]}; {remark}" if remark and not sharing else DEFINITIONS[columns.clock],
        clock=columns.clock,
        indicative=bool(reasons),
        reasons=reasons,
        repeats=len(repeats),
        frames=columns.milliseconds.size,
        seconds=columns.seconds,
        fps=None if whole else _median(each.steps for each in rates),
        fps_with_init=_median(each.milliseconds for each in rates),
        fps_repeats=() if whole else tuple(rate for each in rates if (rate := _rate(each.steps)) is not None),
        init_ms=float(np.median(init)) if init.size else None,
        step_ms=_latency(step),
    )


_NONE: NDArray[np.float64] = np.array([])


class _Columns(NamedTuple):
    """The timed frames of all sequences, as arrays of equal length."""

    clock: Clock
    milliseconds: NDArray[np.float64]
    first: NDArray[np.bool_]
    repeat: NDArray[np.int64]

    @classmethod
    def of(cls, timings: list[FrameTimings]) -> Self:
        clock: Clock = "model" if any(value is not None for each in timings for value in each.model_ms) else "stream"
        rows = [
            (value, phase == "init", repeat)
            for each in timings
            for value, phase, repeat in zip(
                each.stream_ms if clock == "stream" else each.model_ms,
                each.phase,
                each.repeat or (1,) * len(each.frame),
                strict=True,
            )
            if value is not None
        ]
        values, first, repeat = zip(*rows, strict=True) if rows else ((), (), ())
        return cls(clock, np.array(values, np.float64), np.array(first, np.bool_), np.array(repeat, np.int64))

    @property
    def seconds(self) -> float:
        return float(self.milliseconds.sum()) / 1e3

    @property
    def init(self) -> NDArray[np.float64]:
        return self.milliseconds[self.first]

    @property
    def steps(self) -> NDArray[np.float64]:
        return self.milliseconds[~self.first]

    def of_repeat(self, number: int) -> "_Columns":
        chosen = self.repeat == number
        return self._replace(
            milliseconds=self.milliseconds[chosen], first=self.first[chosen], repeat=self.repeat[chosen]
        )


def _sharing(timings: list[FrameTimings]) -> Iterable[str]:
    if any(each.shared for each in timings):
        yield "sequences ran side by side"
    devices = sorted({each.device for each in timings if each.device})
    if len(devices) > 1:
        yield f"sequences ran on different hardware ({', '.join(devices)})"


def _disturbances(timings: list[FrameTimings]) -> Iterable[str]:
    if any(each.read_ahead for each in timings):
        yield "a thread read frames ahead beside the method"
    if any(each.bracket == "reported" for each in timings):
        yield "the system timed itself"


def _shortcomings(repeats: list[_Columns]) -> Iterable[str]:
    frames = min(each.milliseconds.size for each in repeats)
    seconds = min(each.seconds for each in repeats)
    if frames < ENOUGH_FRAMES:
        yield f"{counted(frames, 'frame')} a repeat, fewer than {ENOUGH_FRAMES}"
    if seconds < ENOUGH_SECONDS:
        yield f"{seconds:.1f} s a repeat, shorter than {ENOUGH_SECONDS:.0f} s"
    if len(repeats) < ENOUGH_REPEATS:
        yield f"{len(repeats)} of {ENOUGH_REPEATS} repeats"


def _median(repeats: Iterable[NDArray[np.float64]]) -> float | None:
    rates = [rate for lengths in repeats if (rate := _rate(lengths)) is not None]
    return float(np.median(rates)) if rates else None


def _rate(lengths: NDArray[np.float64]) -> float | None:
    total = float(lengths.sum())
    return lengths.size * 1e3 / total if total > 0 else None


def _latency(step: NDArray[np.float64]) -> Latency | None:
    if not step.size:
        return None
    p50, p90, p99 = (float(value) for value in np.percentile(step, (50, 90, 99), method="inverted_cdf"))
    return Latency(p50=p50, p90=p90, p99=p99)


class FrameClock:
    """Says which frames of one sequence a method is given, from how long it took for those before.

    The rules are those of the real-time experiment of VOT (vot-toolkit 0.9.0, `vot.tracker.RealtimeTrackerRuntime`),
    and one more for objects that start later, which that experiment does not have.

    A method that takes longer than the time between two frames falls behind. As long as it is behind by more than that
    time, the frames that arrive are dropped; the remaining delay is forgiven. So a method loses a frame only where
    it takes more than twice as long as the frames last.

    The first slow frames are forgiven altogether (`grace`), that on which the sequence starts among them. A frame on
    which an object starts is never dropped: it waits for the method, which is then as late with it.

    Attributes:
        dropped: The names of the frames that were dropped so far.
    """

    def __init__(self, *, fps: float, grace: int) -> None:
        """Take the rate of the frames, and how many slow ones are forgiven."""
        self._interval_ms, self._grace = 1000 / fps, grace
        self._behind_ms = self._waited_ms = 0.0
        self.dropped: list[str] = []

    def taken(self, names: Iterable[str], *, waiting: Collection[str], drop: Callable[[str], None]) -> Iterator[str]:
        """Yield the frames that the method is given; decide on each only when the next one is asked for.

        Args:
            names: All frames, in order.
            waiting: Those that wait for the method and are not dropped.
            drop: Hears of each frame that is dropped.
        """
        for name in names:
            if self._is_taken(waits=name in waiting):
                yield name
            else:
                self.dropped.append(name)
                drop(name)

    def _is_taken(self, *, waits: bool) -> bool:
        is_late = self._behind_ms > self._interval_ms
        if is_late and not waits:
            self._behind_ms -= self._interval_ms
            return False
        self._waited_ms = self._behind_ms if is_late else 0.0
        return True

    def answered(self, milliseconds: float) -> None:
        """Hear how long the method took for the frame that it was given last."""
        late_ms = self._waited_ms + milliseconds - self._interval_ms
        if late_ms > 0 and self._grace > 0:
            self._grace, late_ms = self._grace - 1, 0.0
        self._behind_ms = max(0.0, late_ms)
