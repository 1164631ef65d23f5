"""One stopwatch for all methods, and what may be said of its times."""

from typing import Literal

from vos_bench.config import FrozenModel

Phase = Literal["init", "step"]


class FrameTimings(FrozenModel):
    """Milliseconds of each frame, as columns of equal length.

    Attributes:
        frame: The frame's name.
        objects: How many objects had been given up to and with this frame.
        phase: `init` for the frame that starts the sequence, `step` for the others.
        decode_ms: Reading the frame and its prompt; with the frame read ahead, this ran beside the method.
        stream_ms: From the decoded image in host memory to the label map in host memory.
        model_ms: The same bracket on the GPU's own clock; None on the CPU and where `stream_ms` was taken.
        write_ms: Mapping ids and writing the label map.
    """

    frame: tuple[str, ...] = ()
    objects: tuple[int, ...] = ()
    phase: tuple[Phase, ...] = ()
    decode_ms: tuple[float | None, ...] = ()
    stream_ms: tuple[float | None, ...] = ()
    model_ms: tuple[float | None, ...] = ()
    write_ms: tuple[float | None, ...] = ()


class Latency(FrozenModel):
    """Percentiles of the milliseconds per frame, over the frames after the first of each sequence."""

    p50: float
    p90: float
    p99: float


class TimingSummary(FrozenModel):
    """What the times of a run come to.

    Attributes:
        definition: What was inside the bracket.
        indicative: Whether the run was too short or too disturbed to publish the figures; `reasons` says why.
        reasons: Why the figures are indicative, or why there is no FPS at all.
        frames: How many frames were timed, first frames included.
        seconds: Their time together.
        fps: Frames after the first of each sequence / their time together. None when other work shared the machine.
        fps_with_init: All frames / all time.
        init_ms: Median of the first frames.
        step_ms: Latency of the frames after the first.
        model_fps: Like `fps`, by the GPU's clock.
    """

    definition: str
    indicative: bool = True
    reasons: tuple[str, ...] = ()
    frames: int = 0
    seconds: float = 0.0
    fps: float | None = None
    fps_with_init: float | None = None
    init_ms: float | None = None
    step_ms: Latency | None = None
    model_fps: float | None = None
    repeats: int = 1
