"""The report `speed`: how fast a method runs, how long it takes to start and what memory it needs."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vos_bench.records import Run, RunRecord
from vos_bench.records.identity import hardware
from vos_bench.records.latency_table import highest
from vos_bench.tables import Column, Table

from .published import load

ALL = "all"
COLUMNS = (
    Column("method"),
    Column("dataset"),
    Column("objects", drop=3),
    Column("frames", drop=9),
    Column("FPS", digits=2, higher_is_better=True, drop=1),
    Column("FPS with init", digits=2, higher_is_better=True),
    Column("init", digits=0, unit="ms"),
    Column("p50", digits=1, unit="ms"),
    Column("p90", digits=1, unit="ms"),
    Column("p99", digits=1, unit="ms"),
    Column("memory", digits=0, unit="MiB"),
    Column("GPU memory", digits=0, unit="MiB"),
)
NOTES = (
    "FPS: frames after the first of each sequence / their time, a frame counting once whatever its number of objects; "
    "init: median of the first frames; p50, p90 and p99: of the frames after the first. Lines by number of objects are "
    "figured from the times of single frames.",
    "A run that is a mere indication, as its notes say, has latencies and no FPS (`vos-bench bench` measures one). "
    "Runs are ranked only on the same hardware, data and settings.",
)
AUTHORS = "Published, by their authors' definitions, on the hardware that a note names; never ranked"


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: a group for each machine and precision, a line for each run and number of objects."""
    rows = [row for run in runs for row in _run_rows(run)]
    rows.sort(key=lambda row: row["group"])
    rows += _published_rows()
    return Table("Speed", COLUMNS, rows, NOTES, group="group", rank="rank", footnotes="notes")


def _run_rows(run: Run) -> Iterable[dict[str, Any]]:
    timing = run.record.timing
    if timing is None or not timing.frames:
        return
    step = timing.step_ms
    base = {
        "group": hardware(run.record),
        "method": run.record.method.title,
        "dataset": run.record.dataset.name,
        "notes": (
            timing.definition,
            *run.record.protocol.conditions,
            *(f"indicative: {reason}" for reason in timing.reasons),
        ),
    }
    yield {
        **base,
        "objects": ALL,
        "frames": timing.frames,
        "FPS": timing.fps,
        "FPS with init": timing.fps_with_init,
        "init": timing.init_ms,
        **({"p50": step.p50, "p90": step.p90, "p99": step.p99} if step else {}),
        "memory": highest(sequence.peak_mib for sequence in run.sequence_records.values()),
        "GPU memory": highest(sequence.peak_gpu_mib for sequence in run.sequence_records.values()),
        "rank": None if timing.indicative else _conditions(run.record),
    }
    yield from ({**base, **row} for row in _by_objects(run))


def _conditions(record: RunRecord) -> str:
    data, protocol = record.dataset, record.protocol
    return repr((hardware(record), data.fingerprint, data.sequences, protocol.frames_seen, protocol.conditions))


def _by_objects(run: Run) -> Iterable[dict[str, Any]]:
    """Yield a line for each number of objects, where calls were timed one by one and nothing else shared the machine.

    An FPS is given only where the whole run has one.
    """
    timing = run.record.timing
    if timing is None or timing.step_ms is None:
        return
    steps: dict[int, list[float]] = {}
    starts: dict[int, list[float]] = {}
    for sequence in run.sequence_records.values():
        times = sequence.timings
        for objects, phase, stream, model in zip(
            times.objects, times.phase, times.stream_ms, times.model_ms, strict=True
        ):
            value = model if timing.clock == "model" else stream
            if value is not None:
                (starts if phase == "init" else steps).setdefault(objects, []).append(value)
    for objects in sorted(steps):
        p50, p90, p99 = np.percentile(steps[objects], (50, 90, 99), method="inverted_cdf")
        yield {
            "objects": str(objects),
            "frames": len(steps[objects]) + len(starts.get(objects, [])),
            "FPS": 1000 * len(steps[objects]) / sum(steps[objects]) if timing.fps is not None else None,
            "init": float(np.median(starts[objects])) if objects in starts else None,
            **{"p50": p50, "p90": p90, "p99": p99},
        }


def _published_rows() -> Iterable[dict[str, Any]]:
    seen: set[object] = set()
    for row in load():
        key = (row.method, row.fps, row.hardware)
        if row.fps is not None and key not in seen:
            seen.add(key)
            notes = (row.notes[0], f"hardware: {row.hardware or 'not stated'}")
            yield {"group": AUTHORS, "method": row.method, "FPS": row.fps, "notes": notes}
