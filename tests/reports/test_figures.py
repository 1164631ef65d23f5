"""The figures: each is drawn from records, in every format, or says what it lacks."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.records import Run
from vos_bench.reports.figures import _front, _Point, _short_names, _sizes
from vos_bench.reports.overlays import contours, overlay
from vos_bench.reports.style import COLOURS, looks

MakeRun = Callable[..., Run]
SCORES = ("curves", "distribution", "size")


def draw(name: str, runs: Any, out: Path, **options: Any) -> list[Path]:
    found: list[Path] = registry.resolve(registry.report(name).factory)(runs, ReportOptions(out=out, **options))
    return found


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_curves_are_drawn_in_every_format_and_the_same_each_time(on_disk: Any, tmp_path: Path, suffix: str) -> None:
    first, second = (draw("curves", on_disk.runs, tmp_path / f"{i}.{suffix}")[0].read_bytes() for i in range(2))
    assert first == second
    assert len(first) > 1000


@pytest.mark.parametrize("name", ["distribution", "size", "pareto"])
def test_each_figure_of_scores_is_drawn(on_disk: Any, tmp_path: Path, name: str) -> None:
    assert draw(name, on_disk.runs, tmp_path / "f.png")
    with Image.open(tmp_path / "f.png") as drawn:
        assert np.asarray(drawn.convert("L")).std() > 1, "a blank page"


@pytest.mark.parametrize("name", SCORES)
def test_a_figure_without_anything_to_draw_says_so(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadInputError, match="found no run"):
        draw(name, [], tmp_path / "f.svg")
    assert not list(tmp_path.iterdir())


def test_an_unknown_ending_is_refused(on_disk: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match=r"expected a name that ends in \.svg"):
        draw("curves", on_disk.runs, tmp_path / "f.bmp")


def test_an_unknown_sequence_is_refused(on_disk: Any, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="three: no run has scores"):
        draw("curves", on_disk.runs, tmp_path / "f.svg", sequences=("three",))


def test_published_speeds_are_drawn_without_a_record(tmp_path: Path) -> None:
    draw("pareto", [], tmp_path / "f.svg")
    assert (tmp_path / "f.svg").stat().st_size > 10_000


def test_the_speed_figure_names_the_runs_that_it_has_no_point_for(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run({"a": (0.5, 0.5)}, method="fast", fps=20.0), make_run({"a": (0.5, 0.5)}, method="untimed")]
    with mpl.rc_context({"svg.fonttype": "none"}):
        draw("pareto", runs, tmp_path / "f.svg")
    text = (tmp_path / "f.svg").read_text()
    assert "without an FPS: untimed" in text
    assert "fast: measured on" in text


def test_the_front_holds_what_nothing_beats_in_both() -> None:
    slow, fast, beaten = _Point("slow", 1, 0.9), _Point("fast", 10, 0.5), _Point("beaten", 0.5, 0.8)
    assert _front([beaten, fast, slow]) == [slow, fast]


def test_an_objects_size_is_its_share_of_the_first_frame_that_has_it(on_disk: Any) -> None:
    areas = sorted({round(area, 6) for area, _ in _sizes(on_disk.runs[0])})
    assert areas == [round(15 * 15 / 2400, 6), round(14 * 20 / 2400, 6)]


def test_names_that_mean_something_to_matplotlib_are_printed_as_they_are(make_run: MakeRun, tmp_path: Path) -> None:
    runs = [make_run({"$a$": (0.5, 0.5)}, method=method) for method in ("_hidden", "$x_{$", r"\frac")]
    assert len({look.label for look in looks(runs)}) == 3
    draw("curves", runs, tmp_path / "f.svg")


def test_runs_of_one_name_are_told_apart_by_what_differs(make_run: MakeRun) -> None:
    seeds = [make_run({"a": (0.5, 0.5)}, seed=seed) for seed in (0, 1)]
    assert [look.label for look in looks(seeds)] == ["mine, seed 0", "mine, seed 1"]
    copies = [replace(seeds[0], folder=Path(name)) for name in ("x", "y")]
    assert [look.label for look in looks(copies)] == ["mine, x", "mine, y"]


def test_neighbouring_looks_differ_in_line_and_mark_not_only_in_colour(make_run: MakeRun) -> None:
    found = looks([make_run({"a": (0.5, 0.5)}, method=str(i)) for i in range(5)])
    assert len({str(look.line) for look in found}) == len({look.mark for look in found}) == 5
    assert len(set(COLOURS)) == len(COLOURS)


def test_training_curves_are_found_below_the_named_folders(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
        lines = [json.dumps({"step": i, "time": i, "loss": 1 / (i + 1), "J": i / 30}) for i in range(30)]
        (tmp_path / name / "curves.jsonl").write_text("\n".join(lines) + "\n")
    assert main(["report", "training", str(tmp_path), "--out", str(tmp_path / "f.svg")]) == 0
    (tmp_path / "b" / "curves.jsonl").write_text("{")
    with pytest.raises(BadInputError, match=r"curves\.jsonl:1"):
        draw("training", (), tmp_path / "f.svg", paths=(tmp_path,))


def test_trainings_in_folders_of_one_name_are_told_apart_by_where_these_lie(tmp_path: Path) -> None:
    folders = [tmp_path / "table" / step / "seed0" / "training" for step in ("baseline", "whole")]
    assert _short_names(folders) == ["baseline", "whole"]
    assert _short_names(folders[:1]) == ["training"]
    assert _short_names([tmp_path / "a", tmp_path / "b"]) == ["a", "b"]
    assert _short_names([tmp_path / "a", tmp_path / "a" / "b"]) == ["a", "a/b"]


def test_strips_show_the_worst_and_the_best_sequence(on_disk: Any, tmp_path: Path) -> None:
    (path,) = draw("strips", on_disk.runs, tmp_path / "f.png", root=on_disk.root)
    with Image.open(path) as drawn:
        assert drawn.size[0] > 1000


def test_an_animation_has_the_methods_side_by_side(on_disk: Any, tmp_path: Path) -> None:
    paths = draw("animation", on_disk.runs, tmp_path / "moving", root=on_disk.root)
    assert sorted(path.name for path in paths) == ["<b>two.webp", "one.webp"]
    with Image.open(paths[0]) as moving:
        assert moving.size == (2 * 60, 40 + 16)
        assert getattr(moving, "n_frames", 1) == 6
    with pytest.raises(BadInputError, match="one file for 2 sequences"):
        draw("animation", on_disk.runs, tmp_path / "f.webp", root=on_disk.root)


def test_frames_whose_label_maps_are_gone_are_named(on_disk: Any, tmp_path: Path) -> None:
    runs = [replace(run, folder=tmp_path / "gone") for run in on_disk.runs]
    with pytest.raises(BadInputError, match="holds no label map"):
        draw("strips", runs, tmp_path / "f.png", root=on_disk.root)


def test_runs_of_different_data_share_no_strip(on_disk: Any, make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="expected runs on the same data"):
        draw("strips", [*on_disk.runs, make_run({"one": (0.5, 0.5)})], tmp_path / "f.png", root=on_disk.root)


def test_the_overlay_colours_regions_edges_and_the_truths_outline() -> None:
    image = np.full((20, 20, 3), 100, np.uint8)
    labels, truth = np.zeros((20, 20), np.uint16), np.zeros((20, 20), np.uint16)
    labels[2:10, 2:10] = 1
    truth[12:18, 12:18] = 1
    shown = overlay(image, labels, truth)
    blue = np.array([0x00, 0x72, 0xB2])
    assert (shown[2, 2] == blue).all(), "the edge has the full colour"
    assert (shown[5, 5] == np.round(50 + blue / 2)).all(), "the inside lets the frame through"
    assert set(np.unique(shown[contours(truth)])) == {0, 255}
    assert (shown[0, 0] == 100).all()


def test_a_figure_needs_out_and_takes_no_format(on_disk: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "curves", str(on_disk.folder)]) == 2
    assert "--out FILE.svg" in capsys.readouterr().err
    assert main(["report", "curves", str(on_disk.folder), "--format", "csv"]) == 2
    assert main(["report", "davis17", str(on_disk.folder), "--root", "x"]) == 2
