"""The table of timings, a line each, as `vos-bench bench` prints it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from vos_bench.records.identity import hardware
from vos_bench.records.run import Run
from vos_bench.tables import SPREAD, Column, Table

COLUMNS = (
    Column("method"),
    Column("data"),
    Column("objects", drop=3),
    Column("clock", drop=9),
    Column("repeats", drop=9),
    Column("FPS", digits=2, higher_is_better=True, drop=1),
    Column("p50", digits=1, unit="ms"),
    Column("p90", digits=1, unit="ms"),
    Column("p99", digits=1, unit="ms"),
    Column("init", digits=0, unit="ms"),
    Column("memory", digits=0, unit="MiB"),
    Column("GPU memory", digits=0, unit="MiB"),
    Column("GPU reserved", digits=0, unit="MiB"),
)
EMPTY, ALIKE = 35, 11
"""How soon a narrow terminal goes without a column that is empty, and without one of `SETTINGS` with a single value."""
SETTINGS = ("clock", "repeats")
ENERGY = (Column("energy", digits=2, unit="J/frame"), Column("GPU energy", digits=2, unit="J/frame"))
"""Shown where some run has a figure, or lacks one for want of a permission."""

NO_COUNTER = "no counter"
"""What a record says of a processor or GPU that does not count its energy."""

ENERGY_NOTE = (
    "energy: what the processors and their memory used during all repeats, a frame; GPU energy: likewise. Both are "
    "indicative always: decoding, writing, idling and other processes are included."
)
NOTES = (
    "FPS: median of the repeats ± their standard deviation; p50, p90 and p99: of the frames after the first; init: "
    "median of the first frames; GPU memory: what torch had allocated at most; GPU reserved: what it held at most.",
)


def latency_table(runs: Sequence[Run]) -> Table:
    """Return the table: a group for each machine and precision, runs without times left out."""
    rows = [_row(run) for run in runs if run.record.timing is not None]
    rows.sort(key=lambda row: (row["group"], _by_number(row["data"]), row["method"]))
    energy = tuple(column for column in ENERGY if any(row[column.name] not in (None, NO_COUNTER) for row in rows))
    notes = (*NOTES, ENERGY_NOTE) if energy else NOTES
    columns = tuple(replace(column, drop=_dropped(column, rows)) for column in (*COLUMNS, *energy))
    return Table("Latency", columns, rows, notes, group="group", footnotes="notes")


def _dropped(column: Column, rows: Sequence[Mapping[str, Any]]) -> int | None:
    """Return how soon a narrow terminal goes without a column: sooner where it says nothing."""
    values = {row.get(column.name) for row in rows}
    if values == {None}:
        return EMPTY
    return ALIKE if column.name in SETTINGS and len(values) == 1 else column.drop


def highest(values: Iterable[float | None]) -> float | None:
    """Return the highest of the values that are there, None where none is."""
    return max((value for value in values if value is not None), default=None)


def _by_number(name: str) -> list[tuple[str, int]]:
    """Return a key that puts made-up videos of 416 pixels before those of 1280."""
    return [(text, int(number or 0)) for text, number in re.findall(r"(\D*)(\d*)", name)]


def _row(run: Run) -> dict[str, Any]:
    record, timing = run.record, run.record.timing
    assert timing is not None
    step = timing.step_ms
    sequences = list(run.sequence_records.values())
    objects = sorted({sequence.objects for sequence in sequences})
    rates = timing.fps_repeats
    energy = record.bench.energy if record.bench else None
    return {
        "group": hardware(record),
        "method": record.method.title,
        "data": record.dataset.name,
        "objects": " to ".join(map(str, dict.fromkeys((objects[0], objects[-1])))) if objects else None,
        "clock": timing.clock,
        "repeats": timing.repeats,
        "FPS": timing.fps,
        f"FPS{SPREAD}": float(np.std(rates, ddof=1)) if len(rates) > 1 else None,
        **({"p50": step.p50, "p90": step.p90, "p99": step.p99} if step else {}),
        "init": timing.init_ms,
        "memory": highest(sequence.peak_mib for sequence in sequences),
        "GPU memory": highest(sequence.peak_gpu_mib for sequence in sequences),
        "GPU reserved": highest(sequence.peak_gpu_reserved_mib for sequence in sequences),
        "energy": energy.per_frame("processor") if energy else None,
        "GPU energy": energy.per_frame("GPU") if energy else None,
        "notes": (*record.protocol.conditions, *(f"indicative: {reason}" for reason in timing.reasons)),
    }
