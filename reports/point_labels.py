"""Names beside the points of a plot, placed so that none lies over another one, a point or a line."""

from collections.abc import Sequence
from typing import NamedTuple

import textalloc
from matplotlib.axes import Axes
from matplotlib.text import Text

from .style import GREY, plain

CANDIDATES = 2000
"""How many places are tried for each name."""


class PointLabel(NamedTuple):
    """A name, the point that it is about, in data coordinates, and its colour."""

    name: str
    x: float
    y: float
    colour: str = GREY


def label_points(
    axes: Axes,
    labels: Sequence[PointLabel],
    points: Sequence[tuple[float, float]] = (),
    lines: Sequence[Sequence[tuple[float, float]]] = (),
) -> list[Text]:
    """Write the names beside their points, the first ones nearest; a thin line leads to a name that lies far off.

    Call it last: the layout of the figure and the limits of its axes must not change afterwards.

    Args:
        axes: Where the points are.
        labels: The names.
        points: All points, which names keep clear of.
        lines: All lines, by their corners, likewise.
    """
    if not labels:
        return []
    axes.autoscale(False)  # a thin line must not widen the axes, whose limits decided where it goes
    _, _, texts, _ = textalloc.allocate(
        axes,
        [each.x for each in labels],
        [each.y for each in labels],
        [plain(each.name) for each in labels],
        x_scatter=[x for x, _ in points],
        y_scatter=[y for _, y in points],
        x_lines=[[x for x, _ in line] for line in lines] or None,
        y_lines=[[y for _, y in line] for line in lines] or None,
        textsize=7,
        textcolor=[each.colour for each in labels],
        linecolor=GREY,
        linewidth=0.5,
        margin=0.012,
        min_distance=0.02,
        max_distance=1.0,
        avoid_label_lines_overlap=True,
        nbr_candidates=CANDIDATES,
        in_layout=False,
        zorder=2.5,
        # Where all points lie in one spot, some line must pass below a name: it stays readable.
        bbox={"facecolor": "white", "edgecolor": "none", "alpha": 0.8, "pad": 0.5},
    )
    return [text for text in texts if isinstance(text, Text)]
