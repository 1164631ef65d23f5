"""What a reader must be able to see of a figure: legends and names in full, and nothing over anything else."""

import itertools
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import pytest
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.transforms import Bbox

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.records import Run
from vos_bench.reports.figures import pareto
from vos_bench.reports.point_labels import PointLabel, label_points
from vos_bench.reports.style import COLOURS, legend_below

MakeRun = Callable[..., Run]
Draw = Callable[..., Figure]

LONG = "a-method-whose-name-nobody-can-say-in-one-breath, trained on everything that there is"


@pytest.fixture
def draw(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Draw:
    """Draw a report and return the figure as it was saved."""
    saved: list[Figure] = []

    def savefig(figure: Figure, *arguments: Any, **options: Any) -> None:
        Figure_savefig(figure, *arguments, **options)
        figure.set_canvas(FigureCanvasAgg(figure))
        saved.append(figure)

    Figure_savefig = Figure.savefig
    monkeypatch.setattr(Figure, "savefig", savefig)

    def made(name: str, runs: Sequence[Run], **options: Any) -> Figure:
        report = registry.resolve(registry.report(name).factory)
        report(runs, ReportOptions(out=tmp_path / "figure.png", **options))
        return saved[-1]

    return made


def on(run: Run, dataset: str, **changes: Any) -> Run:
    """The run as if it had been made on another dataset."""
    data = run.record.dataset.replace(**{"name": dataset, "fingerprint": dataset, **changes})
    return replace(run, record=run.record.replace(dataset=data))


def boxes(drawn: Figure) -> tuple[Bbox, list[Bbox]]:
    """The box of the legend, and those of all panels with their labels."""
    with mpl.rc_context({"text.parse_math": False}):
        drawn.draw_without_rendering()
        (legend,) = drawn.legends
        renderer = drawn.canvas.get_renderer()  # type: ignore[attr-defined]
        return legend.get_window_extent(renderer), [axes.get_tightbbox(renderer) for axes in drawn.axes]


def assert_legend_is_clear(drawn: Figure) -> None:
    legend, panels = boxes(drawn)
    assert drawn.bbox.x0 <= legend.x0
    assert legend.x1 <= drawn.bbox.x1
    assert drawn.bbox.y0 <= legend.y0
    assert panels
    assert not any(legend.overlaps(panel) for panel in panels)


def entries(drawn: Figure) -> list[str]:
    """The legend's texts, each on one line; a long one is broken at blanks and behind hyphens."""
    (legend,) = drawn.legends
    return [" ".join(text.get_text().split()).replace("- ", "-") for text in legend.get_texts()]


@pytest.mark.parametrize("name", ["curves", "distribution", "pareto"])
@pytest.mark.parametrize("count", [1, 14])
def test_a_legend_is_whole_and_below_the_panels(make_run: MakeRun, draw: Draw, name: str, count: int) -> None:
    runs = [make_run({"a": (0.5, 0.1 * (i % 9))}, method=f"{LONG} {i}", fps=10.0 + i) for i in range(count)]
    drawn = draw(name, runs)
    assert_legend_is_clear(drawn)
    for i in range(count):
        assert any(f"{LONG} {i}" in text for text in entries(drawn)), "no name is shortened"


def test_the_legend_of_sizes_is_whole_and_below_the_panels(on_disk: Any, draw: Draw) -> None:
    assert_legend_is_clear(draw("size", on_disk.runs))


def test_the_legend_of_trainings_is_whole_and_below_the_panels(tmp_path: Path, draw: Draw) -> None:
    for i in range(9):
        folder = tmp_path / f"{LONG} {i}"
        folder.mkdir()
        lines = [json.dumps({"step": k, "time": k, "loss": 1 / (k + 1)}) for k in range(9)]
        (folder / "curves.jsonl").write_text("\n".join(lines) + "\n")
    assert_legend_is_clear(draw("training", (), paths=(tmp_path,)))


def test_a_legend_takes_no_height_from_the_panels(make_run: MakeRun, draw: Draw) -> None:
    few, many = (
        draw("distribution", [make_run({"a": (0.5, 0.5)}, method=f"method {i}") for i in range(count)])
        for count in (1, 40)
    )
    heights = [drawn.axes[0].get_window_extent().height for drawn in (few, many)]
    assert heights[1] >= 0.9 * heights[0]


def test_a_legend_names_each_thing_once_and_one_that_is_not_drawn_is_left_out() -> None:
    drawn = Figure(figsize=(4, 3), layout="constrained")
    for axes in drawn.subplots(2):
        axes.plot([0, 1], [0, 1], label="one")
    legend_below(drawn)
    assert entries(drawn) == ["one"]
    legend_below(empty := Figure())
    assert empty.legends == []


@pytest.mark.parametrize("name", ["curves", "distribution", "pareto"])
def test_each_dataset_has_a_plot_of_its_own_and_a_method_looks_the_same_in_all(
    make_run: MakeRun, draw: Draw, name: str
) -> None:
    here, there = (make_run({"a": (J, J)}, method="both", fps=20.0) for J in (0.3, 0.7))
    alone = make_run({"a": (0.5, 0.5)}, method="alone", fps=30.0)
    drawn = draw(name, [on(here, "first"), on(alone, "second"), on(there, "second")])
    panels = drawn.axes if name != "curves" else drawn.axes[::2]
    shown = [{label.partition(":")[0] for label in axes.get_legend_handles_labels()[1]} for axes in panels]
    assert shown == [{"both"}, {"alone", "both"}]
    assert [entry.partition(":")[0] for entry in entries(drawn)] == ["both", "alone"], "and stands in the legend once"
    colours = [_colour(axes, "both") for axes in panels]
    assert colours[0] == colours[1] != _colour(panels[1], "alone")


def _colour(axes: Axes, label: str) -> Any:
    handles = dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
    (handle,) = [found for name, found in handles.items() if name.partition(":")[0] == label]
    return to_rgba(handle.get_color()) if hasattr(handle, "get_color") else tuple(handle.get_facecolor()[0])


def test_two_states_of_one_dataset_are_told_apart(make_run: MakeRun, draw: Draw) -> None:
    runs = [on(make_run({"a": (J, J)}), "demo", fingerprint=8 * letter) for J, letter in ((0.2, "1"), (0.4, "2"))]
    titles = [axes.get_title(loc="left") for axes in draw("distribution", runs).axes]
    assert titles == ["demo val, data 11111111", "demo val, data 22222222"]
    assert [axes.get_title(loc="left") for axes in draw("distribution", runs[:1]).axes] == [""], "nothing to tell apart"


def test_curves_of_chosen_sequences_are_those_of_the_datasets_that_have_them(make_run: MakeRun, draw: Draw) -> None:
    runs = [on(make_run({"a": (0.5, 0.5), "b": (0.4, 0.4)}), "first"), on(make_run({"b": (0.6, 0.6)}), "second")]
    titles = [axes.get_title(loc="left") for axes in draw("curves", runs, sequences=("a", "b")).axes[::2]]
    assert titles == ["first val, a: J", "first val, b: J", "second val, b: J"]


def label_boxes(axes: Axes) -> Iterator[Bbox]:
    renderer = axes.figure.canvas.get_renderer()  # type: ignore[attr-defined]
    for text in axes.texts:
        yield text.get_window_extent(renderer)


def assert_labels_are_clear(axes: Axes, points: Sequence[tuple[float, float]]) -> None:
    found = [*label_boxes(axes)]
    for one, other in itertools.combinations(found, 2):
        assert not one.overlaps(other)
    for box in found:
        assert axes.bbox.padded(1).fully_containsx(box.x0)
        assert axes.bbox.padded(1).fully_containsx(box.x1)
        assert axes.bbox.padded(1).fully_containsy(box.y0)
        assert axes.bbox.padded(1).fully_containsy(box.y1)
        for point in points:
            assert not box.contains(*axes.transData.transform(point)), "a name lies over a point"


def test_names_of_twelve_close_points_do_not_collide(make_run: MakeRun, draw: Draw) -> None:
    scores = [0.700 + 0.001 * (i * 5 % 12) for i in range(12)]
    runs = [
        make_run({"a": (J, J)}, method=f"a close method, number {i}", fps=20.0 + 0.05 * i) for i, J in enumerate(scores)
    ]
    (axes,) = draw("pareto", runs).axes
    assert sorted(text.get_text() for text in axes.texts) == sorted(run.record.method.title for run in runs)
    assert_labels_are_clear(axes, [(20.0 + 0.05 * i, J) for i, J in enumerate(scores)])


def test_names_of_runs_and_published_methods_do_not_collide(make_run: MakeRun, draw: Draw) -> None:
    runs = [on(make_run({"a": (0.80 + 0.002 * i, 0.9)}, method=f"mine {i}", fps=28.0 + i), "davis17") for i in range(8)]
    (axes,) = draw("pareto", runs).axes
    assert len(axes.texts) > len(runs), "published ones too"
    assert_labels_are_clear(axes, [(28.0 + i, run.scores["J&F"]) for i, run in enumerate(runs)])


def test_names_keep_clear_of_a_line_and_leave_the_limits_as_they_are() -> None:
    drawn = Figure(figsize=(4, 3))
    drawn.set_canvas(FigureCanvasAgg(drawn))
    axes = drawn.subplots()
    line = [(0.0, 0.5), (1.0, 0.5)]
    axes.plot(*zip(*line, strict=True))
    limits = axes.get_xlim(), axes.get_ylim()
    texts = label_points(axes, [PointLabel(f"name {i}", 0.1 * i, 0.5) for i in range(10)], lines=[line])
    assert len(texts) == 10
    assert (axes.get_xlim(), axes.get_ylim()) == limits
    height = axes.transData.transform((0.5, 0.5))[1]
    assert not any(box.y0 <= height <= box.y1 for box in label_boxes(axes))


def test_indicative_times_are_hollow_and_firm_ones_filled(make_run: MakeRun, draw: Draw) -> None:
    runs = [
        make_run({"a": (0.5, 0.5)}, method="firm", fps=20.0),
        make_run({"a": (0.6, 0.6)}, method="hinted", fps=25.0, indicative=True),
        make_run({"a": (0.7, 0.7)}, method="latency", p50=50.0, indicative=True),
        make_run({"a": (0.7, 0.7)}, method="untimed"),
    ]
    drawn = draw("pareto", runs)
    (axes,) = drawn.axes
    marks = {str(each.get_label()).partition(":")[0]: each for each in axes.collections}
    assert set(marks) == {"firm", "hinted", "latency"}
    faces = {name: tuple(each.get_facecolor()[0]) for name, each in marks.items()}  # type: ignore[index]
    assert faces == {"firm": to_rgba(COLOURS[0]), "hinted": to_rgba("white"), "latency": to_rgba("white")}
    assert tuple(marks["hinted"].get_edgecolor()[0]) == to_rgba(COLOURS[1])  # type: ignore[index]
    assert marks["latency"].get_offsets().tolist() == [[20.0, 0.7]], "1000 / 50 ms"
    assert [text.endswith(", indicative") for text in entries(drawn)] == [False, True, True, False]
    assert entries(drawn)[-1] == "without an FPS: untimed"
    (steps,) = [line for line in axes.lines if line.get_label().startswith("_") and line.get_color() == "black"]
    assert steps.get_xdata().tolist() == [20.0], "the front joins firm points alone"  # type: ignore[union-attr]


def test_an_axis_of_speeds_names_some_even_where_they_are_close(make_run: MakeRun, draw: Draw) -> None:
    for speeds in ((20.0, 24.0), (0.5, 400.0)):
        runs = [make_run({"a": (0.5, 0.5)}, method=str(i), fps=fps) for i, fps in enumerate(speeds)]
        drawn = draw("pareto", runs)
        drawn.draw_without_rendering()
        low, high = drawn.axes[0].get_xlim()
        ticks = [tick for tick in drawn.axes[0].xaxis.get_major_ticks() if low <= tick.get_loc() <= high]
        assert len([tick for tick in ticks if tick.label1.get_text()]) >= 2, speeds


def test_names_of_frames_leave_room_between_each_other(make_run: MakeRun, draw: Draw) -> None:
    run = make_run({"a": (0.5, 0.5)})
    sequence = run.sequence_records["a"]
    names = tuple(f"a_very_long_frame_{k:08d}" for k in range(40))
    frames = sequence.scores[0].per_frame.replace(frame=names, J=(0.5,) * 40, F=(0.5,) * 40)
    scores = tuple(each.replace(per_frame=frames) for each in sequence.scores)
    drawn = draw("curves", [replace(run, sequence_records={"a": sequence.replace(scores=scores)})])
    drawn.draw_without_rendering()
    renderer = drawn.canvas.get_renderer()  # type: ignore[attr-defined]
    labels = [tick.label1 for axes in drawn.axes for tick in axes.xaxis.get_major_ticks()]
    found = [label.get_window_extent(renderer) for label in labels if label.get_text()]
    assert len(found) >= 4
    assert not any(one.overlaps(other) for one, other in itertools.combinations(found, 2))


def test_the_speed_figure_is_the_same_each_time(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run({"a": (0.5 + 0.01 * i, 0.5)}, method=str(i), fps=20.0 + i) for i in range(6)]
    first, second = (pareto(runs, ReportOptions(out=tmp_path / f"{i}.svg"))[0].read_bytes() for i in range(2))
    assert first == second


def test_a_score_against_speed_shows_a_benchmarks_published_points_on_its_own_split_alone(
    make_run: MakeRun, draw: Draw
) -> None:
    run = make_run({"a": (0.5, 0.5)}, fps=20.0)
    assert "published" in entries(draw("pareto", [on(run, "davis17", split="val")]))
    assert "published" not in entries(draw("pareto", [on(run, "davis17", split="test-dev")]))
