"""Figures of scores: over frames, over objects, against speed, against object size; and training curves."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import (
    Formatter,
    LogLocator,
    MaxNLocator,
    NullFormatter,
    PercentFormatter,
    StrMethodFormatter,
)

from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_masks, written_frames
from vos_bench.names import frame_order
from vos_bench.records import DatasetEntry, Run, masks_folder
from vos_bench.records.identity import hardware
from vos_bench.training.curves import CURVES, read_curves

from .measured import MEASURED
from .panels import DataRuns, by_data
from .paper import BENCHMARKS, DAVIS17, Benchmark
from .point_labels import PointLabel, label_points
from .published import select
from .style import GREY, Look, figure, legend_below, look_of, plain, require

SHOWN = 4
"""How many sequences the curves show unless told which: those that the first run scores worst."""

TITLE = 44
"""Letters in a line above one of two panels."""

SHORT = 8
"""Letters of a frame's name that need no care."""


def _scored(runs: Sequence[Run]) -> list[Run]:
    return [run for run in runs if any(sequence.scores for sequence in run.sequence_records.values())]


def sequence_score(run: Run, sequence: str) -> float:
    """Return the score of a sequence: the mean over its objects."""
    return float(np.mean([each.value(run.object_score) for each in run.sequence_records[sequence].scores]))


def chosen_sequences(runs: Sequence[Run], wanted: Sequence[str] | None, *, default: Sequence[str]) -> list[str]:
    """Return the sequences to show. Raises BadInputError for one that no run has scored."""
    known = {name for run in runs for name, sequence in run.sequence_records.items() if sequence.scores}
    unknown = [name for name in wanted or () if name not in known]
    if unknown:
        raise BadInputError(f"--sequences {unknown[0]}: no run has scores of it; known: {', '.join(sorted(known))}")
    return list(wanted or default)


def by_score(run: Run) -> list[str]:
    """Return the scored sequences of a run, the worst first."""
    scores = {name: sequence_score(run, name) for name, sequence in run.sequence_records.items() if sequence.scores}
    return sorted(scores, key=lambda name: (scores[name], name))


def curves(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw J and F over the frames of single sequences, a line for each run: the mean over the objects.

    Each dataset shows the sequences that its first run scores worst, or those of the chosen ones that it has.
    """
    runs = _scored(runs)
    require(runs, "curves", "scores")
    groups = by_data(runs)
    wanted = chosen_sequences(runs, options.sequences, default=())
    rows = [(group, name) for group in groups for name in _shown(group.runs, wanted)]
    with figure(options.out, 7, 0.4 + 1.7 * len(rows)) as drawn:
        axes = drawn.subplots(len(rows), 2, sharey=True, squeeze=False)
        for row, (group, name) in zip(axes, rows, strict=True):
            means = [_means(run, name) if name in run.sequence_records else {} for run in group.runs]
            frames = sorted({frame for each in means for values in each.values() for frame in values}, key=frame_order)
            title = f"{group.title}, {name}" if len(groups) > 1 else name
            for axis, measure in zip(row, ("J", "F"), strict=True):
                _curve_panel(axis, [each.get(measure, {}) for each in means], group.looks, frames)
                axis.set_title(plain("\n".join(wrap(f"{title}: {measure}", TITLE))), loc="left", fontsize=9)
        for axis in axes[-1]:
            axis.set_xlabel("frame")
        legend_below(drawn)
    return [options.out]


def _shown(runs: Sequence[Run], wanted: Sequence[str]) -> list[str]:
    """Return the sequences of one dataset that curves show."""
    if not wanted:
        return by_score(runs[0])[:SHOWN]
    return [name for name in wanted if any(run.has_scores(name) for run in runs)]


def _means(run: Run, sequence: str) -> dict[str, dict[str, float]]:
    """Return for J and F the mean over the objects of each scored frame."""
    means: dict[str, dict[str, float]] = {}
    for measure in ("J", "F"):
        found: dict[str, list[float]] = {}
        for each in run.sequence_records[sequence].scores:
            for frame, value in each.per_frame.by_frame(measure).items():
                found.setdefault(frame, []).append(value)
        means[measure] = {frame: float(np.mean(values)) for frame, values in found.items()}
    return means


def _curve_panel(
    axis: Axes, lines: Iterable[Mapping[str, float]], styles: Iterable[Look], frames: Sequence[str]
) -> None:
    for values, look in zip(lines, styles, strict=True):
        axis.plot([values.get(frame, np.nan) for frame in frames], **look.for_lines)
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    _name_frames(axis, frames)


def _name_frames(axis: Axes, frames: Sequence[str]) -> None:
    """Name as many frames as fit side by side; a long name is broken, and stays below its own panel."""
    longest = max(map(len, frames), default=0)
    count = int(np.clip(TITLE // (longest + 4), 2, 5))
    places = np.unique(np.linspace(0, len(frames) - 1, count).astype(int)).tolist() if frames else []
    labels = axis.set_xticks(places, ["\n".join(wrap(plain(frames[i]), TITLE // 2 - 4)) for i in places])
    if longest > SHORT and len(places) > 1:
        labels[0].label1.set_horizontalalignment("left")
        labels[-1].label1.set_horizontalalignment("right")


def distribution(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw which share of the objects reaches at least a given score: a panel for each dataset, a line for each run."""
    runs = _scored(runs)
    require(runs, "distribution", "scores")
    groups = by_data(runs)
    with figure(options.out, 5, 3.2 * len(groups)) as drawn:
        axes = drawn.subplots(len(groups), squeeze=False)[:, 0]
        for axis, group in zip(axes, groups, strict=True):
            for run, look in zip(group.runs, group.looks, strict=True):
                _distribution_line(axis, run, look)
            score = " or ".join(dict.fromkeys(run.object_score for run in group.runs))
            axis.set(xlabel=f"{score} of an object, at least", ylabel="share of the objects")
            axis.set(xlim=(0, 1), ylim=(0, 1.02))
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_formatter(PercentFormatter(1))
            _name_data(axis, group, groups)
        legend_below(drawn)
    return [options.out]


def _distribution_line(axis: Axes, run: Run, look: Look) -> None:
    scores = np.sort([each.value(run.object_score) for s in run.sequence_records.values() for each in s.scores])
    # From the left: all objects reach zero, and behind the best score none is left.
    thresholds = np.concatenate(([0.0], scores))
    shares = np.concatenate(([1.0], 1 - np.arange(scores.size) / scores.size))
    axis.plot([*thresholds, thresholds[-1]], [*shares, 0.0], drawstyle="steps-pre", **look.for_lines)


def _name_data(axis: Axes, group: DataRuns, groups: Sequence[DataRuns]) -> None:
    """Say above a panel whose data it shows, where there are several."""
    if len(groups) > 1:
        axis.set_title(plain(group.title), loc="left", fontsize=9)


def _log_axis(axis: Axes, formatter: Formatter) -> None:
    """Make the axis of all that is drawn logarithmic, and name some values on it however few powers of ten it has."""
    axis.set_xscale("log")
    low, high = axis.get_xlim()
    if high < 10 * low:
        axis.xaxis.set_major_locator(MaxNLocator(5))
    elif high < 100 * low:
        axis.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(NullFormatter())


class _Point(NamedTuple):
    """A run with a speed, or a published row with one."""

    label: str
    fps: float
    score: float


class _Speed(NamedTuple):
    """Frames per second, and whether they are but an indication."""

    fps: float
    indicative: bool


def _speed(run: Run) -> _Speed | None:
    """Return a run's FPS or, where it has none, what its median latency comes to; None without times."""
    timing = run.record.timing
    if timing and timing.fps:
        return _Speed(timing.fps, timing.indicative)
    if timing and timing.step_ms and timing.step_ms.p50 > 0:
        return _Speed(1000 / timing.step_ms.p50, indicative=True)
    return None


def pareto(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw score against FPS, a panel for each dataset: measured runs, and published points in grey.

    Marks are hollow where a time is indicative: then 1000 / median milliseconds per frame stands for the FPS. Runs
    without times are named below.
    """
    groups = by_data(runs)
    known = [(group, _benchmark(group.runs[0].record.dataset)) for group in groups]
    panels = [each for each in known if any(map(_speed, each[0].runs))]
    panels = panels or [each for each in known if each[1]] or [(DataRuns("", (), ()), DAVIS17)]
    with figure(options.out, 6, 4 * len(panels)) as drawn:
        axes = drawn.subplots(len(panels), squeeze=False)[:, 0]
        held = [_pareto_panel(axis, *panel) for axis, panel in zip(axes, panels, strict=True)]
        _name_untimed(axes[-1], groups)
        legend_below(drawn, 1, size=7)
        for axis, each in zip(axes, held, strict=True):
            label_points(axis, each.labels, each.points, each.lines)
    return [options.out]


def _benchmark(data: DatasetEntry) -> Benchmark | None:
    return next((each for each in BENCHMARKS if (each.dataset, each.split) == (data.name, data.split)), None)


class _ParetoPanel(NamedTuple):
    """What a panel holds: the names of points, all points, and the lines between them."""

    labels: list[PointLabel]
    points: list[tuple[float, float]]
    lines: list[list[tuple[float, float]]]


def _pareto_panel(axis: Axes, panel: DataRuns, benchmark: Benchmark | None) -> _ParetoPanel:
    score = benchmark.scores[0] if benchmark else panel.runs[0].headline
    published = _published_points(axis, benchmark, score) if benchmark else _ParetoPanel([], [], [])
    measured = _measured_points(axis, panel, score)
    axis.margins(0.1)
    _log_axis(axis, StrMethodFormatter("{x:g}"))
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    axis.set_ylabel(plain(f"{benchmark.published if benchmark else panel.title} {score}"))
    axis.set_xlabel("FPS (published: as their authors measured)" if published.points else "FPS")
    # The first names get the nearest places: those of the runs.
    return _ParetoPanel(
        measured.labels + published.labels, measured.points + published.points, measured.lines + published.lines
    )


def _name_untimed(axis: Axes, groups: Sequence[DataRuns]) -> None:
    """Say in the legend which runs have no point."""
    pairs = [pair for group in groups for pair in zip(group.runs, group.looks, strict=True)]
    names = dict.fromkeys(look.label.strip() for run, look in pairs if not _speed(run))
    if names:
        axis.plot([], [], " ", label=f"without an FPS: {', '.join(names)}")


def _published_points(axis: Axes, benchmark: Benchmark, score: str) -> _ParetoPanel:
    rows = select(benchmark.published, split=benchmark.published_split, settings=benchmark.settings)
    found = [_Point(row.method, row.fps, row.scores[score]) for row in rows if row.fps and score in row.scores]
    points = [*dict.fromkeys(found)]
    if points:
        speeds, scores = [point.fps for point in points], [point.score for point in points]
        axis.scatter(speeds, scores, marker="o", s=14, color=GREY, linewidths=0, label="published")
    labels = [PointLabel(each.label, each.fps, each.score) for each in _front(points)]
    return _ParetoPanel(labels, [(point.fps, point.score) for point in points], [])


def _front(points: Iterable[_Point]) -> list[_Point]:
    """Return the points that no other one beats in both, from the slowest to the fastest."""
    front: list[_Point] = []
    for point in sorted(points, key=lambda p: (-p.fps, -p.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front[::-1]


def _measured_points(axis: Axes, panel: DataRuns, score: str) -> _ParetoPanel:
    machines: dict[str, list[_Point]] = {}
    labels, points = [], []
    for run, look in zip(panel.runs, panel.looks, strict=True):
        speed = _speed(run)
        if speed is None or score not in run.scores:
            continue
        machine = hardware(run.record)
        if not speed.indicative:
            machines.setdefault(machine, []).append(_Point(look.label, speed.fps, run.scores[score]))
        start = ", from boxes" if run.record.protocol.init == "box" else ""
        label = f"{look.label}: {MEASURED} on {machine}{start}{', indicative' if speed.indicative else ''}"
        style = look.for_hollow_points if speed.indicative else look.for_points
        axis.scatter([speed.fps], [run.scores[score]], **{**style, "label": label}, zorder=3)
        labels.append(PointLabel(look.label, speed.fps, run.scores[score], "black"))
        points.append((speed.fps, run.scores[score]))
    lines = [_front_line(axis, _front(found)) for found in machines.values()]
    return _ParetoPanel(labels, points, lines)


def _front_line(axis: Axes, front: Sequence[_Point]) -> list[tuple[float, float]]:
    """Draw the steps through the points that nothing beats, and return the corners."""
    corners = [(front[0].fps, front[0].score)]
    for point in front[1:]:
        corners += [(corners[-1][0], point.score), (point.fps, point.score)]
    axis.plot(*zip(*corners, strict=True), color="black", linewidth=0.8, zorder=2)
    return corners


def size(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw J of each object against its size in the label map of the frame on which it starts.

    A panel for each dataset.
    """
    sizes = {id(run): found for run in _scored(runs) if (found := _sizes(run))}
    groups = by_data([run for run in runs if id(run) in sizes])
    require([run for group in groups for run in group.runs], "size", "scores and label maps")
    with figure(options.out, 5.5, 3.5 * len(groups)) as drawn:
        axes = drawn.subplots(len(groups), squeeze=False)[:, 0]
        for axis, group in zip(axes, groups, strict=True):
            for run, look in zip(group.runs, group.looks, strict=True):
                areas, scores = zip(*sizes[id(run)], strict=True)
                axis.scatter(areas, scores, s=18, alpha=0.75, **look.for_points)
            _log_axis(axis, PercentFormatter(1))
            axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
            axis.set(xlabel="share of the frame that the object covers where it starts", ylabel="J", ylim=(-0.02, 1.02))
            _name_data(axis, group, groups)
        legend_below(drawn, 4)
    return [options.out]


def _sizes(run: Run) -> list[tuple[float, float]]:
    """Return share of the frame and J of each object whose first label map is there."""
    found = []
    for name, sequence in run.sequence_records.items():
        missing = {each.object: each.J for each in sequence.scores}
        folder = masks_folder(run.folder, name)
        for frame in written_frames(folder):
            if not missing:
                break
            labels = read_masks(folder, frame)
            here = [k for k in missing if (labels == k).any()]
            found += [(float((labels == k).mean()), missing.pop(k)) for k in here]
    return found


def training(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw the curves of trainings, a panel for each value: thin as logged, thick as the running median."""
    del runs
    folders = sorted({file.parent for path in options.paths for file in path.rglob(CURVES)})
    logs = {name: read_curves(folder / CURVES) for name, folder in zip(_short_names(folders), folders, strict=True)}
    values = sorted({name for lines in logs.values() for line in lines for name in line} - {"step", "time"})
    if not values:
        raise BadInputError(
            f"report training: found no {CURVES} with values below {', '.join(map(str, options.paths))}"
        )
    with figure(options.out, 6, 0.8 + 2 * len(values)) as drawn:
        axes = drawn.subplots(len(values), sharex=True, squeeze=False)[:, 0]
        for axis, name in zip(axes, values, strict=True):
            for i, (label, lines) in enumerate(logs.items()):
                _training_line(axis, [(line["step"], line[name]) for line in lines if name in line], label, i)
            axis.set_ylabel(plain(name))
        axes[-1].set_xlabel("step")
        legend_below(drawn)
    return [options.out]


def _short_names(folders: Sequence[Path]) -> list[str]:
    """Return of each folder's path those parts that tell it apart from the others."""
    if len(folders) < 2:
        return [folder.name for folder in folders]
    parts = [folder.resolve().parts for folder in folders]
    start = next(i for i, found in enumerate(zip_longest(*parts)) if len(set(found)) > 1)
    end = next(i for i, found in enumerate(zip_longest(*(each[::-1] for each in parts))) if len(set(found)) > 1)
    names = ["/".join(each[start : len(each) - end]) for each in parts]
    # Where one folder lies in another, its own name must do for the part that they share.
    return names if all(names) else ["/".join(each[start - 1 :]) for each in parts]


def _training_line(axis: Axes, points: Sequence[tuple[float, float]], name: str, i: int) -> None:
    if not points:
        return
    drawn = look_of(name, i)
    steps, values = np.array(points).T
    half = max(1, len(values) // 50)
    smooth = [float(np.nanmedian(values[max(0, k - half) : k + half + 1])) for k in range(len(values))]
    axis.plot(steps, values, color=drawn.colour, alpha=0.3, linewidth=0.7)
    axis.plot(steps, smooth, **drawn.for_lines)
