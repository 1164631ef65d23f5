"""The headline chart: the score of each method with its interval, for each group of comparable runs."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from vos_bench.comparing.significance import score_interval
from vos_bench.names import counted
from vos_bench.records import RunRecord
from vos_bench.records.identity import rules
from vos_bench.records.seeds import seed_key

from .scenes import RunPage

LEAST_SPAN = 0.1
"""What an axis covers at least, as a fraction: ten points."""

STEPS = (0.02, 0.05, 0.1, 0.2)
"""Between two marks of an axis; the smallest that makes no more than `MOST_MARKS`."""
MOST_MARKS = 6


@dataclass(frozen=True)
class HeadlineRow:
    """One method: a point, its interval, and the points of its seeds.

    Attributes:
        name: The method's.
        file: The page of its first run.
        value: The score, or its mean over the seeds.
        low: Lower end of the interval, or `value` where there is none.
        high: Upper end.
        seeds: The score of each seed, empty for a single run.
        is_whole: Whether all sequences have scores.
    """

    name: str
    file: str
    value: float
    low: float
    high: float
    seeds: tuple[float, ...]
    is_whole: bool

    @property
    def text(self) -> str:
        """The score and its interval in percent."""
        value = f"{100 * self.value:.1f}"
        return value if self.low == self.high else f"{value} ({100 * self.low:.1f} to {100 * self.high:.1f})"


@dataclass(frozen=True)
class HeadlineGroup:
    """The methods of one group of the leaderboard, best first, on an axis of their own.

    Attributes:
        title: The data and the rules.
        score: Which score is shown.
        rows: The methods.
        lowest: Where the axis begins.
        highest: Where it ends.
    """

    title: str
    score: str
    rows: tuple[HeadlineRow, ...]
    lowest: float
    highest: float

    @property
    def marks(self) -> list[float]:
        """The scores that the axis names."""
        step = next((each for each in STEPS if (self.highest - self.lowest) / each <= MOST_MARKS), STEPS[-1])
        first, last = math.ceil(self.lowest / step - 1e-9), math.floor(self.highest / step + 1e-9)
        return [round(i * step, 4) for i in range(first, last + 1)]

    def left(self, value: float) -> float:
        """Return how far a score lies from the left end of the axis, in percent."""
        return round(100 * (value - self.lowest) / (self.highest - self.lowest), 2)


def headline_groups(entries: Iterable[RunPage]) -> list[HeadlineGroup]:
    """Return a chart for each group of comparable runs, by dataset, those of the most sequences first."""
    members: dict[str, list[RunPage]] = {}
    for entry in entries:
        if not math.isnan(_score(entry)):
            members.setdefault(rules(entry.run.record), []).append(entry)
    groups = sorted(members.values(), key=lambda each: _order(each[0].run.record))
    abouts = [_about(each[0].run.record) for each in groups]
    return [
        _group(each, about + (f", data {each[0].run.record.dataset.fingerprint[:8]}" * (abouts.count(about) > 1)))
        for each, about in zip(groups, abouts, strict=True)
    ]


def _score(entry: RunPage) -> float:
    return entry.run.scores.get(entry.run.headline, math.nan)


def _order(record: RunRecord) -> tuple[str, str, bool, int, str]:
    data = record.dataset
    return data.name, data.split, bool(record.protocol.conditions), -len(data.sequences), rules(record)


def _about(record: RunRecord) -> str:
    protocol = record.protocol
    start = (
        f"from {protocol.init}{'es' if protocol.init == 'box' else 's'}{protocol.start_note}" if protocol.init else ""
    )
    parts = (
        record.dataset.title,
        counted(len(record.dataset.sequences), "sequence"),
        start,
        f"{protocol.frames_seen} frames" if protocol.frames_seen else "",
        *protocol.conditions,
        f"protocol {protocol.name}",
    )
    return ", ".join(filter(None, parts))


def _group(entries: Sequence[RunPage], title: str) -> HeadlineGroup:
    seeds: dict[str, dict[int, RunPage]] = {}
    for entry in sorted(entries, key=lambda entry: entry.run.record.ended):
        # The same run made twice counts once, by its later record.
        seeds.setdefault(seed_key(entry.run), {})[entry.run.record.seed] = entry
    rows = sorted(
        (_row([each[seed] for seed in sorted(each)]) for each in seeds.values()), key=lambda row: (-row.value, row.name)
    )
    lowest, highest = _axis([x for row in rows for x in (row.low, row.high, *row.seeds)])
    return HeadlineGroup(title, entries[0].run.headline, tuple(rows), lowest, highest)


def _row(entries: Sequence[RunPage]) -> HeadlineRow:
    runs, values = [entry.run for entry in entries], [*map(_score, entries)]
    value = float(np.mean(values))
    low, high = score_interval(runs, runs[0].headline) or (value, value)
    first = runs[0].record
    return HeadlineRow(
        name=first.method.title if len(runs) > 1 else entries[0].name,
        file=entries[0].file,
        value=value,
        low=min(low, value),
        high=max(high, value),
        seeds=tuple(sorted(values)) if len(values) > 1 else (),
        is_whole=all(run.record.counts.scored == run.record.counts.selected for run in runs),
    )


def _axis(values: Iterable[float]) -> tuple[float, float]:
    """Return where an axis begins and ends: whole multiples of five points round all values."""
    found = [*values]
    low, high = (math.floor(min(found) * 20) / 20, math.ceil(max(found) * 20) / 20)
    while high - low < LEAST_SPAN:
        low, high = max(low - 0.05, 0.0), min(high + 0.05, 1.0)
    return round(low, 2), round(high, 2)
