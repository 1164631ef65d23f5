"""What a page shows first: a telling frame of each sequence, the headline chart, and settings in groups."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from vos_bench.api import ReportOptions
from vos_bench.records import FrameScores, Run
from vos_bench.reports.overlays import object_colours
from vos_bench.reports.page.headline import headline_groups
from vos_bench.reports.page.media import _FrameMaps
from vos_bench.reports.page.opening import Opening, opening
from vos_bench.reports.page.scenes import (
    RunPage,
    SequencePage,
    entries_of,
    frame_axis,
    scene_objects,
)
from vos_bench.reports.page.settings import grouped_settings
from vos_bench.reports.page.site import write_page

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def site(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("contents") / "site"
    write_page(on_disk.runs, ReportOptions(out=out, root=on_disk.root))
    return out


def data_of(page: Path) -> dict[str, Any]:
    text = page.read_text().split('type="application/json">', 1)[1].split("</script>", 1)[0]
    found: dict[str, Any] = json.loads(text)
    return found


def with_frames(run: Run, values: Sequence[float], *, contours: bool = True) -> Run:
    """The run with these J of the frames of its one object in each sequence, and the same F."""
    frames = FrameScores(
        frame=tuple(f"{k:05d}" for k in range(len(values))), J=tuple(values), F=tuple(values) if contours else ()
    )
    sequences = {
        name: each.replace(scores=tuple(x.replace(per_frame=frames) for x in each.scores))
        for name, each in run.sequence_records.items()
    }
    return replace(run, sequence_records=sequences)


def scene_of(runs: Sequence[Run], frames: int) -> SequencePage:
    entries = tuple(RunPage(i, run.record.method.title, run, i - 1) for i, run in enumerate(runs, start=1))
    return SequencePage(1, "a", entries, tuple(f"{k:05d}" for k in range(frames)))


# The frame on which a viewer opens


def test_a_viewer_opens_where_the_runs_lie_furthest_apart(make_run: MakeRun) -> None:
    runs = [
        with_frames(make_run({"a": (0.5, 0.5)}, method=str(i)), values)
        for i, values in enumerate(([0.9, 0.1, 0.9, 0.7], [0.8, 0.05, 0.3, 0.6], [0.85, 0.1, 0.5, 0.65]))
    ]
    found = opening(scene_of(runs, 4), [0, 1, 0, 0])
    assert found == Opening(2, "the runs lie furthest apart: J&F 30.0 to 90.0")


def test_a_single_run_opens_on_its_worst_frame(make_run: MakeRun) -> None:
    run = with_frames(make_run({"a": (0.5, 0.5)}), [0.9, 0.4, 0.2, 0.6], contours=False)
    assert opening(scene_of([run], 4), [0, 0, 0, 0]) == Opening(2, "J is lowest: 20.0")


def test_runs_that_agree_everywhere_open_on_their_worst_frame(make_run: MakeRun) -> None:
    runs = [with_frames(make_run({"a": (0.5, 0.5)}, method=str(i)), [0.9, 0.3 + 0.1, 0.4]) for i in range(2)]
    assert opening(scene_of(runs, 3), [0.1, 0, 0]) == Opening(1, "J&F is lowest: 40.0")


def test_without_scores_the_frame_counts_on_which_the_label_maps_differ_most(make_run: MakeRun) -> None:
    runs = [with_frames(make_run({"a": (0.5, 0.5)}, method=str(i)), []) for i in range(2)]
    found = opening(scene_of(runs, 3), [0.0, 0.25, 0.1])
    assert found == Opening(1, "the label maps differ most: on 25 % of the pixels of objects")


def test_where_nothing_is_telling_a_viewer_opens_on_the_first_frame(make_run: MakeRun) -> None:
    run = with_frames(make_run({"a": (0.5, 0.5)}), [])
    assert opening(scene_of([run], 3), [0.0, 0.0, 0.0]) == Opening(0, "")
    assert opening(scene_of([run], 0), []) == Opening(0, "")


def test_the_share_of_differing_pixels_is_of_those_that_show_an_object() -> None:
    maps = _FrameMaps()
    one, two = np.zeros((4, 5), np.uint16), np.zeros((4, 5), np.uint16)
    one[0, :4], two[0, 2:] = 1, (1, 1, 3)
    maps.add(one)
    assert maps.differing == 0.0, "one run differs from nothing"
    maps.add(two)
    assert maps.differing == pytest.approx(3 / 5), "pixels 0, 1 and 4 of the five"
    assert maps.objects == {1, 3}
    maps.add(np.zeros((2, 2), np.uint16))
    assert maps.differing == 0.0, "maps of several sizes are not compared"


def test_the_page_opens_on_the_frame_that_the_records_say(site: Path, on_disk: Any) -> None:
    pages = {data_of(page)["media"]: page for page in site.glob("sequence-*.html")}
    assert len(pages) == 2
    for page in pages.values():
        name = re.search(r"<h1>(.*?) <span", page.read_text())[1].replace("&lt;", "<").replace("&gt;", ">")  # type: ignore[index]
        means = []
        for run in on_disk.runs:
            frames = run.frames
            frames = frames[frames["sequence"] == name]
            means.append(((frames["J"] + frames["F"]) / 2).groupby(frames["frame"]).mean())
        apart = (means[0] - means[1]).abs()
        data = data_of(page)
        assert apart.max() > 0.1, "the runs differ"
        assert apart[data["frames"][data["opening"]]] == pytest.approx(apart.max(), abs=2e-3)
        assert f'data-place="{data["opening"]}"' in page.read_text()
        assert "the runs lie furthest apart: J&amp;F" in page.read_text()


# Below the curves


def test_the_axis_names_the_first_frame_the_last_and_some_between() -> None:
    ticks = frame_axis([f"{k:05d}" for k in range(101)])
    assert [tick.frame for tick in ticks] == ["00000", "00025", "00050", "00075", "00100"]
    assert [tick.left for tick in ticks] == [0, 25, 50, 75, 100]
    assert [tick.frame for tick in frame_axis(["a", "b"])] == ["a", "b"]
    assert [(tick.frame, tick.left) for tick in frame_axis(["only"])] == [("only", 0)]
    assert frame_axis([]) == []


def test_frames_and_objects_stand_below_the_curves(site: Path) -> None:
    text = (site / "sequence-001.html").read_text()
    for chart in re.findall(r'<figure class="chart">.*?</figure>', text, re.DOTALL):
        assert re.findall(r"%\">(\d+)</span>", chart) == ["00000", "00001", "00002", "00004", "00005"]
    below = text[text.rindex('class="chart"') :]
    assert re.findall(r"</span>(object \d)</li>", below) == ["object 1", "object 2"]
    assert [f"rgb({', '.join(map(str, colour))})" for colour in object_colours()[:2].tolist()] == re.findall(
        r'<li><span class="key" style="background: (.*?)"', below
    )


def test_objects_are_named_as_the_dataset_and_the_records_name_them(make_run: MakeRun) -> None:
    run = make_run({"a": (0.5, 0.5)})
    sequence = run.sequence_records["a"]
    named = sequence.replace(scores=(sequence.scores[0].replace(name="left hand"),))
    scene = scene_of([replace(run, sequence_records={"a": named})], 1)
    assert [each.name for each in scene_objects(scene, None, {1, 9})] == ["left hand", "object 9"]
    colours = object_colours().tolist()
    assert scene_objects(scene, None, {9})[1].colour == f"rgb({', '.join(map(str, colours[8 % len(colours)]))})"


# The headline chart


def groups(runs: Sequence[Run]) -> Any:
    return headline_groups(entries_of(runs))


def test_the_headline_has_a_line_for_each_method_best_first_on_an_axis_that_holds_all(make_run: MakeRun) -> None:
    runs = [
        make_run({"a": (J, J), "b": (J + 0.1, J + 0.1)}, method=method) for method, J in (("low", 0.3), ("high", 0.6))
    ]
    (chart,) = groups(runs)
    assert (chart.title, chart.score) == ("demo val, 2 sequences, from masks, all frames, protocol davis", "J&F")
    assert [(row.name, row.text) for row in chart.rows] == [
        ("high", "65.0 (60.0 to 70.0)"),
        ("low", "35.0 (30.0 to 40.0)"),
    ]
    assert chart.marks == [0.3, 0.4, 0.5, 0.6, 0.7]
    assert (chart.left(0.3), chart.left(0.5), chart.left(0.7)) == (0, 50, 100)


def test_seeds_are_one_line_with_a_dot_each(make_run: MakeRun) -> None:
    runs = [make_run({"a": (J, J), "b": (J, J)}, seed=seed) for seed, J in enumerate((0.5, 0.7, 0.6))]
    (chart,) = groups([make_run({"a": (0.1, 0.1), "b": (0.1, 0.1)}, seed=0), *runs])  # seed 0 was made twice
    (row,) = chart.rows
    assert (row.name, row.value, row.seeds) == ("mine", pytest.approx(0.6), (0.5, 0.6, 0.7))
    assert (row.low, row.high) == (pytest.approx(0.6), pytest.approx(0.6)), "no sequence decides anything here"


def test_incomparable_runs_are_charts_of_their_own_and_unscored_ones_in_none(make_run: MakeRun) -> None:
    runs = [
        make_run({"a": (0.9, 0.9)}, method="few"),
        make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)}, method="many"),
        make_run({"a": None, "b": None}, method="failed"),
        make_run({"a": (0.5, 0.5), "b": None}, method="part"),
        make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)}, method="elsewhere", fingerprint="e" * 64),
    ]
    found = groups(runs)
    names = [[(row.name, row.is_whole) for row in chart.rows] for chart in found]
    assert names == [[("elsewhere", True)], [("many", True), ("part", False)], [("few", True)]]
    titles = [chart.title for chart in found]
    assert [title.partition(", data ")[2] for title in titles] == ["eeeeeeee", "ffffffff", ""]
    assert titles[2] == "demo val, 1 sequence, from masks, all frames, protocol davis"
    assert groups(runs[2:3]) == []


def test_the_chart_stands_before_the_leaderboard(site: Path, on_disk: Any) -> None:
    text = (site / "index.html").read_text()
    chart = text[text.index('id="headline"') : text.index('id="leaderboard"')]
    assert "J&amp;F by method" in chart
    assert re.findall(r'<li><a href="run-00\d.html">(.*?)</a>', chart) == ["Stay", "Slip"]
    assert [float(value) for value in re.findall(r'class="value">([\d.]+)<', chart)] == sorted(
        (round(100 * run.scores["J&F"], 1) for run in on_disk.runs), reverse=True
    )


def test_without_scores_there_is_no_chart(make_run: MakeRun, tmp_path: Path) -> None:
    write_page([make_run({"a": None})], ReportOptions(out=tmp_path / "site"))
    assert 'id="headline"' not in (tmp_path / "site" / "index.html").read_text()


# Settings, counts and ranks


def test_settings_stand_in_groups_and_lose_none(on_disk: Any) -> None:
    run = on_disk.runs[0]
    found = {each.title: each for each in grouped_settings(run)}
    assert [*found][:4] == ["Method", "Data", "Protocol", "Numerics"]
    assert dict(found["Method"].values)["name"] == "Slip"
    assert dict(found["Data"].values)["sequences"] == "2"
    assert dict(found["Environment"].values)["packages.numpy"] == np.__version__
    assert [title for title, each in found.items() if each.folded] == ["Times and memory", "Environment"]
    assert f"Python {run.record.environment.python}" in found["Environment"].about
    shown = {value for each in found.values() for _, value in each.values}
    record = run.record
    for value in (record.created, record.dataset.fingerprint, record.protocol.averaging):
        assert value in shown
    assert not record.command or record.command in shown  # a test has no command line where it runs in a worker
    assert record.timing.definition in dict(found["Times and memory"].values).values()
    assert dict(found["Run"].values)["counts.scored"] == "2"


def test_the_environment_is_folded_and_the_method_open(site: Path) -> None:
    text = (site / "run-001.html").read_text()
    assert '<details class="settings" open><summary>Method<' in text
    assert re.search(r'<details class="settings"><summary>Environment <span class="small">vos-bench ', text)
    assert "<dt>packages.torch</dt>" in text


def test_one_thing_is_counted_in_the_singular(make_run: MakeRun, tmp_path: Path) -> None:
    run = with_frames(make_run({"a": (0.5, 0.5)}), [0.5])
    elsewhere = run.record.dataset.replace(name="not-installed")
    run = replace(run, record=run.record.replace(dataset=elsewhere))
    write_page([run], ReportOptions(out=tmp_path / "site"))
    text = " ".join(page.read_text() for page in (tmp_path / "site").glob("*.html"))
    for wanted in ("1 sequence,", "1 frame<", "1 thing could"):
        assert wanted in text
    assert not re.findall(r"(?<![\d.])1 (?:sequences|frames|runs|objects|things|seeds|methods)\b", text)


def test_a_lone_method_and_a_decay_below_zero_are_not_marked(make_run: MakeRun, tmp_path: Path) -> None:
    def decayed(run: Run, decay: float) -> Run:
        return replace(run, record=run.record.replace(scores={**run.record.scores, "J_decay": decay}))

    def marks(runs: Sequence[Run], name: str) -> list[str]:
        write_page(runs, ReportOptions(out=tmp_path / name))
        text = (tmp_path / name / "index.html").read_text()
        return re.findall(r"<(?:strong|u)>(-?[\d.]+)<", text[text.index('id="leaderboard"') :])

    one, two = (decayed(make_run({"a": (J, J)}, method=str(J)), decay) for J, decay in ((0.5, -0.02), (0.6, 0.03)))
    assert marks([one], "one") == []
    assert marks([one, two], "below") == ["60.0", "60.0", "60.0", "50.0", "50.0", "50.0"], "no decay among them"
    assert "3.0" in marks([decayed(one, 0.05), two], "above")


def test_a_decay_that_rounds_to_zero_has_no_sign(make_run: MakeRun, tmp_path: Path) -> None:
    run = make_run({"a": (0.5, 0.5)})
    run = replace(run, record=run.record.replace(scores={**run.record.scores, "J_decay": -0.0001}))
    write_page([run], ReportOptions(out=tmp_path / "site"))
    for page in (tmp_path / "site").glob("*.html"):
        assert ">-0.0<" not in page.read_text()
