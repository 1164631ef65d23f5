"""Figures of scores: over frames, over objects, against speed, against object size; and training curves."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import Formatter, NullFormatter, PercentFormatter, StrMethodFormatter

from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_folders import read_masks, written_frames
from vos_bench.names import frame_order
from vos_bench.records import Run, masks_folder
from vos_bench.records.identity import hardware
from vos_bench.training.curves import CURVES, read_curves

from .measured import MEASURED
from .published import SETTINGS, Published, select
from .style import GREY, Look, figure, look_of, looks, plain, require

SHOWN = 4
"""How many sequences the curves show unless told which: those that the first run scores worst."""

PUBLISHED = {
    "davis16": ("DAVIS 2016", "J&F"),
    "davis17": ("DAVIS 2017", "J&F"),
    "ytvos18": ("YouTube-VOS 2018", "G"),
    "ytvos19": ("YouTube-VOS 2019", "G"),
}
"""Dataset to its name in the published data and to the score by which it is ranked."""


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
    """Draw J and F over the frames of single sequences, a line for each run: the mean over the objects."""
    runs = _scored(runs)
    require(runs, "curves", "scores")
    names = chosen_sequences(runs, options.sequences, default=by_score(runs[0])[:SHOWN])
    with figure(options.out, 7, 1 + 1.7 * len(names)) as drawn:
        axes = drawn.subplots(len(names), 2, sharey=True, squeeze=False)
        for row, name in zip(axes, names, strict=True):
            shown = [run for run in runs if name in run.sequence_records]
            frames = sorted({frame for run in shown for frame in _means(run, name, "J")}, key=frame_order)
            for axis, measure in zip(row, ("J", "F"), strict=True):
                _curve_panel(
                    axis,
                    [_means(run, name, measure) if name in run.sequence_records else {} for run in runs],
                    looks(runs),
                    frames,
                )
                axis.set_title(plain(f"{name}: {measure}"), loc="left", fontsize=9)
        for axis in axes[-1]:
            axis.set_xlabel("frame")
        drawn.legend(*axes[0][0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return [options.out]


def _means(run: Run, sequence: str, measure: str) -> dict[str, float]:
    """Return the mean over the objects of each scored frame."""
    found: dict[str, list[float]] = {}
    for each in run.sequence_records[sequence].scores:
        for frame, value in each.per_frame.by_frame(measure).items():
            found.setdefault(frame, []).append(value)
    return {frame: float(np.mean(values)) for frame, values in found.items()}


def _curve_panel(
    axis: Axes, lines: Iterable[Mapping[str, float]], styles: Iterable[Look], frames: Sequence[str]
) -> None:
    for values, look in zip(lines, styles, strict=True):
        axis.plot([values.get(frame, np.nan) for frame in frames], **look.for_lines)
    axis.set_ylim(-0.02, 1.02)
    axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
    ticks = np.unique(np.linspace(0, len(frames) - 1, 5).astype(int)).tolist()
    axis.set_xticks(ticks, [frames[i] for i in ticks])


def distribution(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw, for each run, which share of the objects reaches at least a given score."""
    runs = _scored(runs)
    require(runs, "distribution", "scores")
    score = " or ".join(dict.fromkeys(run.object_score for run in runs))
    with figure(options.out, 5, 3.6) as drawn:
        axis = drawn.subplots()
        for run, look in zip(runs, looks(runs), strict=True):
            scores = np.sort([each.value(run.object_score) for s in run.sequence_records.values() for each in s.scores])
            # From the left: all objects reach zero, and behind the best score none is left.
            thresholds = np.concatenate(([0.0], scores))
            shares = np.concatenate(([1.0], 1 - np.arange(scores.size) / scores.size))
            axis.plot([*thresholds, thresholds[-1]], [*shares, 0.0], drawstyle="steps-pre", **look.for_lines)
        axis.set(xlabel=f"{score} of an object, at least", ylabel="share of the objects", xlim=(0, 1), ylim=(0, 1.02))
        for side in (axis.xaxis, axis.yaxis):
            side.set_major_formatter(PercentFormatter(1))
        axis.legend(loc="lower left")
    return [options.out]


def _log_axis(axis: Axes, formatter: Formatter) -> None:
    axis.set_xscale("log")
    axis.xaxis.set_major_formatter(formatter)
    axis.xaxis.set_minor_formatter(NullFormatter())


class _Point(NamedTuple):
    """A run with a speed, or a published row with one."""

    label: str
    fps: float
    score: float


def pareto(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw score against FPS, a panel for each dataset: measured runs, and published points in grey.

    Runs without an FPS, as all are that do not keep the timing protocol, are named below.
    """
    panels: dict[str, list[Run]] = {}
    for run in runs:
        if run.record.timing and run.record.timing.fps:
            panels.setdefault(run.record.dataset.name, []).append(run)
    known = [run.record.dataset.name for run in runs if run.record.dataset.name in PUBLISHED]
    panels = panels or {name: [] for name in known or ["davis17"]}
    with figure(options.out, 6, 4.5 * len(panels)) as drawn:
        axes = drawn.subplots(len(panels), squeeze=False)[:, 0]
        for axis, (dataset, members) in zip(axes, panels.items(), strict=True):
            name, score = PUBLISHED.get(dataset, (dataset, members[0].headline if members else "J&F"))
            published = select(name, settings=[setting for setting in SETTINGS if setting != "box-init"])
            _published_points(axis, published, score)
            _measured_points(axis, members, score)
            _log_axis(axis, StrMethodFormatter("{x:g}"))
            axis.margins(0.1)
            axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
            axis.set_ylabel(f"{plain(name)} {score}")
            axis.set_xlabel("FPS (published: as their authors measured)" if published else "FPS")
            if dataset == next(reversed(panels)):
                _name_untimed(axis, runs)
            axis.legend(loc="upper left", bbox_to_anchor=(0, -0.14), fontsize=7)
    return [options.out]


def _name_untimed(axis: Axes, runs: Sequence[Run]) -> None:
    """Say in the legend which runs have no point."""
    pairs = zip(runs, looks(runs), strict=True)
    names = [look.label.strip() for run, look in pairs if not (run.record.timing and run.record.timing.fps)]
    if names:
        axis.plot([], [], " ", label="\n".join(wrap(f"without an FPS: {', '.join(names)}", 90)))


def _published_points(axis: Axes, rows: Iterable[Published], score: str) -> None:
    points = list(
        dict.fromkeys(_Point(row.method, row.fps, row.scores[score]) for row in rows if row.fps and score in row.scores)
    )
    if not points:
        return
    axis.scatter(
        [p.fps for p in points],
        [p.score for p in points],
        marker="o",
        facecolors="none",
        edgecolors=GREY,
        label="published",
    )
    for i, point in enumerate(_front(points)):
        # In turns above to the right and below to the left, for they lie close to each other.
        axis.annotate(
            plain(point.label),
            (point.fps, point.score),
            xytext=(-3, -10) if i % 2 else (3, 4),
            ha="right" if i % 2 else "left",
            textcoords="offset points",
            fontsize=7,
            color=GREY,
        )


def _front(points: Iterable[_Point]) -> list[_Point]:
    """Return the points that no other one beats in both, from the slowest to the fastest."""
    front: list[_Point] = []
    for point in sorted(points, key=lambda p: (-p.fps, -p.score)):
        if not front or point.score > front[-1].score:
            front.append(point)
    return front[::-1]


def _measured_points(axis: Axes, runs: Sequence[Run], score: str) -> None:
    machines: dict[str, list[_Point]] = {}
    for run, style in zip(runs, looks(runs), strict=True):
        timing = run.record.timing
        if score in run.record.scores and timing and timing.fps:
            machine = hardware(run.record)
            point = _Point(style.label, timing.fps, run.record.scores[score])
            machines.setdefault(machine, []).append(point)
            start = ", from boxes" if run.record.protocol.init == "box" else ""
            label = f"{style.label}: {MEASURED} on {machine}{start}{', indicative' if timing.indicative else ''}"
            axis.scatter([point.fps], [point.score], **{**style.for_points, "label": label}, zorder=3)
    for points in machines.values():
        front = _front(points)
        axis.step([p.fps for p in front], [p.score for p in front], where="pre", color="black", linewidth=0.8, zorder=2)


def size(runs: Sequence[Run], options: ReportOptions) -> list[Path]:
    """Draw J of each object against its size in the label map of the frame on which it starts."""
    runs = _scored(runs)
    points = [(_sizes(run), look) for run, look in zip(runs, looks(runs), strict=True)]
    require([run for run, (found, _) in zip(runs, points, strict=True) if found], "size", "scores and label maps")
    with figure(options.out, 5.5, 3.8) as drawn:
        axis = drawn.subplots()
        for found, look in points:
            if found:
                areas, scores = zip(*found, strict=True)
                axis.scatter(areas, scores, s=18, alpha=0.75, **look.for_points)
        _log_axis(axis, PercentFormatter(1))
        axis.yaxis.set_major_formatter(PercentFormatter(1, symbol=""))
        axis.set(xlabel="share of the frame that the object covers where it starts", ylabel="J", ylim=(-0.02, 1.02))
        drawn.legend(loc="outside lower center", ncols=4)
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
        axes[0].legend(loc="best")
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
