"""How a method bears corrupted frames: its score over the severity, as a table and as a figure."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from vos_bench.api import ReportOptions
from vos_bench.records import Run
from vos_bench.records.identity import same_but_seed, without_corruption
from vos_bench.tables import SPREAD, Column, Table, percent

from .style import figure, legend_below, look_of, plain, require

CLEAN = "clean"
SEVERITIES = ("1", "2", "3", "4", "5")
CHANGING = "changing"
COLUMNS = 3
"""Panels beside each other in the figure."""

NOTES = (
    "1 to 5: severity of the corruption. mean: over the five severities. kept: the mean as a share of the clean score. "
    "changing: the severity changes over each sequence, as the name says.",
)

NO_CURVES = "No run here was corrupted: vos-bench run METHOD --dataset NAME --corrupt noise:3, for instance."


@dataclass(frozen=True)
class RobustnessCurve:
    """One method on one dataset under one corruption.

    Attributes:
        method: As tables name it.
        data: Dataset and split.
        corruption: Its name; with the severities, where these change.
        score: Which score it is.
        values: `clean`, a severity or `changing`, to the scores of the seeds.
        settings: What tells methods of one name apart.
    """

    method: str
    data: str
    corruption: str
    score: str
    settings: str
    values: dict[str, list[float]] = field(default_factory=dict)

    def mean(self, where: str) -> float | None:
        """Return the mean over the seeds, a fraction; None where there is no run."""
        return float(np.mean(self.values[where])) if where in self.values else None

    def spread(self, where: str) -> float | None:
        """Return the sample standard deviation over the seeds; None where there are fewer than two."""
        found = self.values.get(where, [])
        return float(np.std(found, ddof=1)) if len(found) > 1 else None

    @property
    def mean_of_severities(self) -> float | None:
        """The mean over all five severities; None where one is missing."""
        means = [mean for severity in SEVERITIES if (mean := self.mean(severity)) is not None]
        return float(np.mean(means)) if len(means) == len(SEVERITIES) else None


def robustness_curves(runs: Iterable[Run]) -> list[RobustnessCurve]:
    """Put runs that differ in corruption and seed alone together, a curve for each corruption; others are left out.

    The same run made twice counts once, by its later record.
    """
    scored = [run for run in sorted(runs, key=lambda run: run.record.ended) if run.headline in run.record.scores]
    scored = [run for run in scored if run.record.kind == "run"]
    clean: dict[str, dict[int, float]] = {}
    corrupted: dict[tuple[str, str], dict[tuple[str, int], Run]] = {}
    for run in scored:
        key, corruption = same_but_seed(without_corruption(run.record)), run.record.protocol.corruption
        if not corruption:
            clean.setdefault(key, {})[run.record.seed] = run.record.scores[run.headline]
            continue
        name, _, severity = corruption.partition(":")
        name, where = (name, severity) if severity in SEVERITIES else (f"{name} {severity}", CHANGING)
        corrupted.setdefault((key, name), {})[where, run.record.seed] = run
    curves = []
    for (key, name), members in corrupted.items():
        curve = _curve(name, key, next(iter(members.values())))
        if key in clean:
            curve.values[CLEAN] = [*clean[key].values()]
        for (where, _), run in members.items():
            curve.values.setdefault(where, []).append(run.record.scores[run.headline])
        curves.append(curve)
    return sorted(curves, key=lambda curve: (curve.data, curve.corruption, curve.method, curve.settings))


def _curve(corruption: str, settings: str, run: Run) -> RobustnessCurve:
    record = run.record
    return RobustnessCurve(record.method.title, record.dataset.title, corruption, run.headline, settings)


def make_table(runs: Sequence[Run]) -> Table:
    """Return the table: a line for each method and corruption, a column for each severity."""
    curves = robustness_curves(runs)
    scores = [*dict.fromkeys(curve.score for curve in curves)] or ["J&F"]
    shown = [where for where in (CLEAN, *SEVERITIES) if any(where in curve.values for curve in curves)] or [CLEAN]
    columns = (
        Column("method"),
        Column("corruption"),
        *(_score_column(where, scores[0]) for where in shown),
        *([_score_column(CHANGING, scores[0])] if any(CHANGING in curve.values for curve in curves) else []),
        _score_column("mean", scores[0]),
        Column("kept", digits=1, scale=100.0, unit="%"),
    )
    notes = NOTES if curves else (NO_CURVES, *NOTES)
    return Table(
        f"Robustness: {' or '.join(scores)} of corrupted frames", columns, [*map(_row, curves)], notes, group="group"
    )


def _score_column(name: str, score: str) -> Column:
    like = percent(score)
    return Column(name, digits=like.digits, scale=like.scale)


def _row(curve: RobustnessCurve) -> dict[str, Any]:
    row: dict[str, Any] = {"group": curve.data, "method": curve.method, "corruption": curve.corruption}
    for where in curve.values:
        row[where], row[where + SPREAD] = curve.mean(where), curve.spread(where)
    mean, clean = curve.mean_of_severities, curve.mean(CLEAN)
    return {**row, "mean": mean, "kept": mean / clean if mean is not None and clean else None}


def draw_figure(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw score over severity, a panel for each dataset and corruption, a line for each method."""
    curves = [curve for curve in robustness_curves(runs) if any(where in curve.values for where in SEVERITIES)]
    require([run for run in runs if curves], "robustness-figure", "a corruption of one severity (run --corrupt)")
    panels: dict[tuple[str, str], list[RobustnessCurve]] = {}
    for curve in curves:
        panels.setdefault((curve.data, curve.corruption), []).append(curve)
    names = [*dict.fromkeys((curve.method, curve.settings) for curve in curves)]
    across = min(COLUMNS, len(panels))
    down = math.ceil(len(panels) / across)
    with figure(options.out, 0.8 + 2.6 * across, 0.7 + 2.4 * down) as drawn:
        axes = [*drawn.subplots(down, across, squeeze=False, sharey=True).flat]
        for axis, ((data, corruption), members) in zip(axes, panels.items(), strict=False):
            _panel(axis, members, names)
            axis.set_title(plain(f"{corruption} ({data})"), loc="left", fontsize=8)
        for axis in axes[len(panels) :]:
            axis.set_visible(False)
        for axis in axes[::across]:
            axis.set_ylabel(" or ".join(dict.fromkeys(curve.score for curve in curves)))
        legend_below(drawn)
    return [options.out]


def _panel(axis: Axes, curves: Iterable[RobustnessCurve], names: Sequence[tuple[str, str]]) -> None:
    for curve in curves:
        i = names.index((curve.method, curve.settings))
        look = look_of(_label(names, i), i)
        places = [(CLEAN, *SEVERITIES).index(where) for where in (CLEAN, *SEVERITIES) if where in curve.values]
        means = [np.mean(curve.values[(CLEAN, *SEVERITIES)[place]]) for place in places]
        axis.plot(places, means, marker=look.mark, markersize=4, **look.for_lines)
    axis.set_xticks(range(6), (CLEAN, *SEVERITIES))
    axis.set_xlabel("severity")
    axis.set_ylim(bottom=0)
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))


def _label(names: Sequence[tuple[str, str]], i: int) -> str:
    """Return a method's name, with a number where several settings of it are drawn."""
    method = names[i][0]
    alike = [each for each in names if each[0] == method]
    return method if len(alike) == 1 else f"{method} ({alike.index(names[i]) + 1})"
