"""Score by axis: a panel for each axis of an ablation, its values from left to right, every seed and their mean."""

import math
from collections.abc import Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from vos_bench.api import ReportOptions
from vos_bench.records import Run

from .style import COLOURS, GREY, figure, plain, require
from .variants import Setup, VariantRow, variant_rows

COLUMNS = 3
SCORES = ("J", "J&F")


def draw_figure(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw mean J and J&F of each variant with the sample standard deviation over its seeds, and each seed as a dot."""
    panels: dict[Setup, list[VariantRow]] = {}
    for row in variant_rows(runs):
        panels.setdefault(row.setup, []).append(row)
    require([run for rows in panels.values() for row in rows for run in row.runs], "ablation-figure", "an ablation")
    columns = min(COLUMNS, len(panels))
    lines = math.ceil(len(panels) / columns)
    with figure(options.out, 0.8 + 2.6 * columns, 0.5 + 2.6 * lines) as drawn:
        axes = drawn.subplots(lines, columns, squeeze=False).flat
        for (setup, rows), axis in zip(panels.items(), axes, strict=False):
            _panel(axis, setup, rows)
        for axis in [*axes]:
            axis.set_visible(False)
        shown = drawn.axes[0]
        drawn.legend(*shown.get_legend_handles_labels(), loc="outside lower center", ncols=len(SCORES) + 1)
    return [options.out]


def _panel(axis: Axes, setup: Setup, rows: Sequence[VariantRow]) -> None:
    for i, score in enumerate(SCORES):
        places = [place + 0.16 * (i - 0.5) for place in range(len(rows))]
        points = [
            (place, run.record.scores[score]) for place, row in zip(places, rows, strict=True) for run in row.runs
        ]
        x, y = zip(*points, strict=True)
        axis.scatter(x, y, s=8, color=GREY, linewidths=0, label="one seed" if i else None)
        axis.errorbar(
            places,
            [row.scores[score] for row in rows],
            yerr=[row.spread.get(score, 0.0) for row in rows],
            color=COLOURS[i],
            marker="os"[i],
            linestyle="-" if i else "--",
            linewidth=0.9,
            markersize=4,
            capsize=2,
            label=score,
        )
    axis.set_xticks(range(len(rows)), [plain(row.label) for row in rows], rotation=20, ha="right", fontsize=7)
    axis.set_xlim(-0.5, len(rows) - 0.5)
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axis.set_title(plain(f"{setup.axis} ({setup.method}, {setup.dataset})"), loc="left", fontsize=8)
