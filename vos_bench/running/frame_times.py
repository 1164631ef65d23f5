"""From the rows of a sequence to its times."""

from typing import NamedTuple

import numpy as np

from vos_bench.running.exchange import Question
from vos_bench.timing import Bracket, Clock, FrameTimings, Phase


class Row(NamedTuple):
    """A frame that is done: its question, how long the method had waited for frames by then, and the writing."""

    question: Question
    waited_ms: float
    write_ms: float
    reported_ms: float | None


def frame_timings(rows: list[Row], lengths: list[float], *, clock: Clock, whole: bool) -> FrameTimings:
    """Return the times of a sequence's frames as columns.

    Args:
        rows: The frames, in order.
        lengths: What the stopwatch measured for each, in milliseconds.
        clock: Whose time that is.
        whole: Whether the method takes the whole sequence, so that reading falls into the bracket and is taken out.
    """
    reported = [row.reported_ms for row in rows if row.reported_ms is not None]
    bracket: Bracket = "reported" if len(reported) == len(rows) else "sequence" if whole else "call"
    if bracket == "reported":
        lengths = reported
    elif whole:
        waits = np.diff([0.0, *(row.waited_ms for row in rows)]).tolist()
        lengths = [length - wait for length, wait in zip(lengths, waits, strict=True)]
    absent = (None,) * len(rows)
    phases: list[Phase] = ["step"] * len(rows)
    phases[:1] = ["init"]
    return FrameTimings(
        frame=tuple(row.question.frame for row in rows),
        objects=tuple(row.question.objects for row in rows),
        phase=tuple(phases),
        decode_ms=tuple(row.question.decode_ms for row in rows),
        stream_ms=tuple(lengths) if clock == "stream" else absent,
        model_ms=tuple(lengths) if clock == "model" else absent,
        write_ms=tuple(row.write_ms for row in rows),
        bracket=bracket,
    )
