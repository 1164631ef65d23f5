"""How all figures look: colours for colour-blind readers, and lines and marks that differ in grey print as well."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple

import matplotlib as mpl
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, replacing
from vos_bench.records import Run

from .run_names import distinct_names as distinct_names

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442")
"""Okabe and Ito's colours (Color Universal Design, 2008), yellow last: it is faint on white."""

GREY = "#767676"
_LINES: tuple[Any, ...] = ("-", "--", "-.", ":", (0, (6, 1, 1, 1, 1, 1)))
_WIDTHS = (1.4, 1.5, 1.5, 2.0, 1.5)
"""Of the lines: dots are faint where they are thin."""
_MARKS = ("o", "s", "^", "D", "v", "P", "X")
FORMATS = (".svg", ".png", ".pdf")

_LEGEND_ROOM = 0.94
"""Which share of a figure's width its legend may take."""
_LINE_LENGTHS = (90, 60, 40, 25, 12)
"""Letters a line, tried in turn for a legend that is too wide."""

_SETTINGS: Any = {
    "font.size": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
    "text.parse_math": False,  # a `$` in a name is a `$`
    "svg.hashsalt": "vos-bench",  # equal data give equal files
}


class Look(NamedTuple):
    """How one run is drawn in every panel of a figure."""

    label: str
    colour: str
    line: Any
    width: float
    mark: str

    @property
    def for_lines(self) -> Mapping[str, Any]:
        """Arguments of `Axes.plot`."""
        return {"label": self.label, "color": self.colour, "linestyle": self.line, "linewidth": self.width}

    @property
    def for_points(self) -> Mapping[str, Any]:
        """Arguments of `Axes.scatter`."""
        return {"label": self.label, "color": self.colour, "marker": self.mark}

    @property
    def for_hollow_points(self) -> Mapping[str, Any]:
        """Arguments of `Axes.scatter` for marks of which the outline alone is drawn."""
        return {"label": self.label, "edgecolors": self.colour, "facecolors": "white", "marker": self.mark}


def looks(runs: Sequence[Run]) -> list[Look]:
    """Return a look for each run, labelled with its `distinct_names`."""
    return [look_of(name, i) for i, name in enumerate(distinct_names(runs))]


def look_of(name: str, i: int) -> Look:
    """Return the look of the `i`-th thing of a figure."""
    k = i % len(_LINES)
    return Look(plain(name), COLOURS[i % len(COLOURS)], _LINES[k], _WIDTHS[k], _MARKS[i % len(_MARKS)])


def plain(text: str) -> str:
    """Return a label that matplotlib shows: it leaves out of legends what begins with a `_`."""
    return f" {text}" if text.startswith("_") else text


@contextmanager
def figure(path: Path, width: float, height: float) -> Iterator[Figure]:
    """Yield an empty figure of so many inches, and write it to `path` when the block ends well.

    Raises:
        BadInputError: The file's name does not end in one of `FORMATS`, or it cannot be written.
    """
    kind = path.suffix.lower()
    if kind not in FORMATS:
        raise BadInputError(
            f"--out {path}: found {kind or 'no ending'!r}, expected a name that ends in {', '.join(FORMATS)}"
        )
    with mpl.rc_context(_SETTINGS):
        drawn = Figure(figsize=(width, height))
        yield drawn
        date: dict[str, Any] = {".svg": {"Date": None}, ".pdf": {"CreationDate": None}}.get(kind, {})
        remove_stale_parts(path)
        with replacing(path) as part:
            drawn.savefig(part, format=kind[1:], metadata=date)


def legend_below(drawn: Figure, columns: int = 3, *, size: float = 9) -> None:
    """Put one legend below all panels, as wide as the figure at most; the figure grows by its height.

    Args:
        drawn: The figure, with all its lines and points.
        columns: In how many columns the legend is set at most.
        size: Of its letters, in points.
    """
    entries: dict[str, Any] = {}
    for axes in drawn.axes:
        for handle, name in zip(*axes.get_legend_handles_labels(), strict=True):
            entries.setdefault(name, handle)
    if not entries:
        return
    canvas = FigureCanvasAgg(drawn)
    room = _LEGEND_ROOM * drawn.bbox.width
    for letters, count in itertools.product((None, *_LINE_LENGTHS), range(min(columns, len(entries)), 0, -1)):
        names = [plain("\n".join(wrap(name, letters))) if letters else name for name in entries]
        legend = drawn.legend(entries.values(), names, loc="outside lower center", ncols=count, fontsize=size)
        box = legend.get_window_extent(canvas.get_renderer())  # type: ignore[no-untyped-call]
        if box.width <= room:
            break
        legend.remove()
    width, height = drawn.get_size_inches()
    drawn.set_size_inches(width, height + box.height / drawn.dpi)


def require(runs: Sequence[Run], report: str, what: str) -> None:
    """Raise BadInputError where there is nothing to draw."""
    if not runs:
        raise BadInputError(
            f"report {report}: found no run with {what}; name folders that `vos-bench run` or `score` wrote"
        )
