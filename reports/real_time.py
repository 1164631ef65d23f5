"""The report `real-time`: scores where frames come while the method works, beside those where they wait for it."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from vos_bench.records import Run
from vos_bench.records.identity import same_but_seed, without_real_time
from vos_bench.tables import SPREAD, Column, Table

ONLINE, OFFLINE = "in real time", "offline"
NOTE = (
    "offline: the run of the same system whose frames wait for it. dropped: share of the frames that came while it was "
    "busy; each keeps the label map before it. Times decide on these scores, so that only those of one machine compare."
)

NO_RUNS = "No run here was in real time: vos-bench run METHOD --dataset NAME --real-time 30, for instance."


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: a line for each system and rate, grouped by the hardware, seeds put together."""
    offline: dict[str, dict[int, float]] = {}
    groups: dict[str, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: run.record.ended):
        if run.headline not in run.record.scores:
            continue
        if run.record.protocol.real_time is None:
            offline.setdefault(same_but_seed(run.record), {})[run.record.seed] = run.record.scores[run.headline]
        else:
            groups.setdefault(same_but_seed(run.record), {})[run.record.seed] = run
    rows = [_row([*members.values()], offline) for members in groups.values()]
    rows.sort(key=lambda row: (row["group"], row["data"], row["method"], row["rate"], row["grace"]))
    scores = [*dict.fromkeys(row["score"] for row in rows)] or ["J&F"]
    columns = (
        Column("method"),
        Column("data"),
        Column("rate", digits=1, unit="FPS"),
        Column("grace"),
        *(Column(name, digits=1, scale=100.0) for name in (ONLINE, OFFLINE, "change", "dropped")),
        Column("p50", digits=1, unit="ms"),
    )
    notes = (NOTE,) if rows else (NO_RUNS, NOTE)
    return Table(f"{' or '.join(scores)} in real time", columns, rows, notes, group="group", footnotes="notes")


def _row(runs: Sequence[Run], offline: dict[str, dict[int, float]]) -> dict[str, Any]:
    record, score = runs[0].record, runs[0].headline
    rules = record.protocol.real_time
    assert rules is not None
    values = [run.record.scores[score] for run in runs]
    waiting = [*offline.get(same_but_seed(without_real_time(record)), {}).values()]
    online = float(np.mean(values))
    row: dict[str, Any] = {
        "group": rules.hardware,
        "method": record.method.title,
        "data": record.dataset.title,
        "rate": rules.fps,
        "grace": rules.grace,
        "score": score,
        ONLINE: online,
        "dropped": _share_dropped(runs),
        "p50": float(np.median(steps)) if (steps := [*_steps(runs)]) else None,
        "notes": (f"corrupted by {record.protocol.corruption}",) if record.protocol.corruption else (),
    }
    if waiting:
        row |= {OFFLINE: float(np.mean(waiting)), "change": online - float(np.mean(waiting))}
    for name, found in ((ONLINE, values), (OFFLINE, waiting)):
        if len(found) > 1:
            row[name + SPREAD] = float(np.std(found, ddof=1))
    return row


def _share_dropped(runs: Iterable[Run]) -> float | None:
    done = [each for run in runs for each in run.sequence_records.values() if each.status == "done"]
    frames = sum(each.frames for each in done)
    return sum(len(each.dropped_frames) for each in done) / frames if frames else None


def _steps(runs: Iterable[Run]) -> Iterable[float]:
    for run in runs:
        if run.record.timing and run.record.timing.step_ms:
            yield run.record.timing.step_ms.p50
