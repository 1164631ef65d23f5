"""The report `reliability`: how often pixels are the object, against their saved probability."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from vos_bench.api import ReportOptions
from vos_bench.metrics.calibration import BINS
from vos_bench.records import Run
from vos_bench.records.data import RunData

from .confidence import ObjectCalibration, calibrations, pooled
from .run_names import chosen
from .style import Look, figure, legend_below, looks, require

MOST_LINES = 30
"""Of a run with more objects, no line is drawn for each."""


def draw_figure(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw how often pixels are the object against their probability: a line a run, and thin ones for its objects."""
    names, data = chosen(runs, options), RunData(options.root)
    found = [calibrations(run, names[run.folder], data, options) for run in runs]
    shown = [(run, each) for run, each in zip(runs, found, strict=True) if pooled(each).pixels.sum()]
    require([run for run, _ in shown], "reliability", "saved probabilities (--save-probabilities) and a truth")
    with figure(options.out, 4.5, 5.2) as drawn:
        above, below = drawn.subplots(2, 1, sharex=True, height_ratios=(3, 1))
        above.plot((0, 1), (0, 1), color="black", linewidth=0.7, linestyle=":", label="calibrated")
        for look, (_, each) in zip(looks([run for run, _ in shown]), shown, strict=True):
            _draw_run(above, below, look, each)
        above.set(ylabel="share of the pixels that are the object", ylim=(-0.02, 1.02))
        below.set(xlabel="probability of the object", ylabel="pixels", yscale="log", xlim=(-0.02, 1.02))
        below.yaxis.set_major_formatter(PercentFormatter(1))
        legend_below(drawn, 1)
    return [options.out]


def _draw_run(above: Axes, below: Axes, look: Look, found: Sequence[ObjectCalibration]) -> None:
    bins = pooled(found)
    there = bins.pixels > 0
    label = f"{look.label}: ECE {100 * bins.expected_error:.1f} %"
    above.plot(
        bins.probability[there], bins.share[there], marker=look.mark, markersize=3, **{**look.for_lines, "label": label}
    )
    objects = [each.counts.reliability() for each in found if not each.reason]
    for each in objects if 1 < len(objects) <= MOST_LINES else ():
        inside = each.pixels > 0
        above.plot(each.probability[inside], each.share[inside], color=look.colour, linewidth=0.5, alpha=0.3)
    shares = bins.pixels / bins.pixels.sum()
    below.plot((np.arange(BINS) + 0.5) / BINS, shares, drawstyle="steps-mid", **look.for_lines)
