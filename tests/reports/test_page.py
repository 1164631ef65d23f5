"""The static site: what is written, what is refused, and that no name becomes markup or a path."""

import json
import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID
from vos_bench.records import Run
from vos_bench.reports.page.media import EDGE, FALSE_NEGATIVE, FALSE_POSITIVE, errors_layer, objects_layer
from vos_bench.reports.page.site import write_page

MakeRun = Callable[..., Run]


@pytest.fixture(scope="module")
def site(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("page") / "site"
    assert write_page(on_disk.runs, ReportOptions(out=out, root=on_disk.root)) == [out / "index.html"]
    return out


def test_every_link_leads_to_a_file_of_the_site_and_none_to_the_network(site: Path) -> None:
    for page in site.glob("*.html"):
        for address in re.findall(r'(?:href|src)="([^"#]*)"', page.read_text()):
            assert address.startswith("data:") or (site / address).is_file(), f"{page.name}: {address}"


def test_every_frame_has_its_layers(site: Path) -> None:
    data = json.loads(_between((site / "sequence-001.html").read_text(), 'type="application/json">', "</script>"))
    assert len(data["frames"]) == 6
    assert all(data["hasTruth"])
    for run in data["runs"]:
        assert all(run["hasFrame"] + run["hasObjects"] + run["hasErrors"])
        assert len(run["J"]) == len(run["F"]) == 6
    layer = site / data["media"] / "objects-001-00003.png"
    with Image.open(layer) as image:
        assert image.size == (60, 40)
        assert image.convert("RGBA").getpixel((0, 0))[3] == 0, "background lets the frame through"


def test_names_from_records_are_text(site: Path) -> None:
    text = "".join(page.read_text() for page in site.glob("*.html"))
    assert "<b>" not in text
    assert "&lt;b&gt;two" in text


def test_an_older_site_is_replaced_and_other_folders_are_refused(on_disk: Any, tmp_path: Path) -> None:
    options = ReportOptions(out=tmp_path / "site", root=on_disk.root, sequences=("one",))
    write_page(on_disk.runs, options)
    (tmp_path / "site" / "old.html").write_text("old")
    write_page(on_disk.runs[:1], options)
    assert not (tmp_path / "site" / "old.html").exists()
    assert not (tmp_path / "site" / "run-002.html").exists()
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years of work")
    with pytest.raises(BadInputError, match="something else than a page"):
        write_page(on_disk.runs, ReportOptions(out=mine))
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["mine", "site"], "nothing half-written is left"


def test_without_the_data_the_label_maps_are_shown_and_the_page_says_why(on_disk: Any, tmp_path: Path) -> None:
    write_page(on_disk.runs, ReportOptions(out=tmp_path / "site", root=tmp_path / "gone"))
    assert "no frames are shown" in (tmp_path / "site" / "index.html").read_text()
    assert (tmp_path / "site" / "media" / "001" / "objects-001-00000.png").is_file()
    assert not list((tmp_path / "site").rglob("frame-*.webp"))


def test_a_run_whose_label_maps_and_data_are_gone_still_has_its_page(make_run: MakeRun, tmp_path: Path) -> None:
    write_page([gone(make_run({"a": (0.5, 0.5), "b": None}))], ReportOptions(out=tmp_path / "site"))
    assert "there is no dataset" in (tmp_path / "site" / "index.html").read_text()
    text = (tmp_path / "site" / "run-001.html").read_text()
    assert "failed: the method raised ValueError" in text


def test_a_damaged_label_map_is_named_and_the_rest_is_shown(on_disk: Any, tmp_path: Path) -> None:
    for path in on_disk.folder.rglob("*"):
        target = tmp_path / "runs" / path.relative_to(on_disk.folder)
        if path.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(path.read_bytes())
    (tmp_path / "runs" / "Slip" / "masks" / "one" / "00002.png").write_bytes(b"no PNG")
    (tmp_path / "runs" / "Stay" / "run.json").write_text("{")
    assert main(["report", "html", str(tmp_path / "runs"), "--out", str(tmp_path / "site")]) == 0
    text = (tmp_path / "site" / "index.html").read_text()
    assert "one/00002.png" in text
    assert "Slip" in text
    assert "Stay" not in text


def test_a_run_of_few_easy_sequences_does_not_lead_the_board(make_run: MakeRun, tmp_path: Path) -> None:
    few = make_run({"a": (0.9, 0.9)}, method="few")
    whole = [make_run({"a": (J, J), "b": (J, J)}, method=f"whole-{J}") for J in (0.4, 0.6)]
    runs = [gone(run) for run in (few, *whole)]
    write_page(runs, ReportOptions(out=tmp_path / "site"))
    text = (tmp_path / "site" / "index.html").read_text()
    names = re.findall(r'<td class="name"><a href="[^"]*">([^<]*)', text)
    assert names == ["whole-0.6", "whole-0.4", "few", "few †", "whole-0.6 †", "whole-0.4 †"]


def test_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="found no run"):
        write_page([], ReportOptions(out=tmp_path / "site"))


def test_errors_are_told_apart() -> None:
    labels, truth = np.zeros((200, 200), np.uint16), np.zeros((200, 200), np.uint16)
    truth[50:150, 50:150] = 1
    labels[50:150, 50:151] = 1
    labels[80:120, 80:120] = 0
    labels[10:30, 10:30] = 2
    labels[170:190, 170:190], truth[170:190, 170:190] = 1, VOID
    found = errors_layer(labels, truth)
    assert found[100, 150] == EDGE
    assert found[100, 100] == FALSE_NEGATIVE
    assert found[20, 20] == FALSE_POSITIVE
    assert found[180, 180] == 0, "the truth leaves it undecided"
    assert found[60, 60] == found[0, 0] == 0


def test_objects_have_a_colour_each_and_edges_a_stronger_one() -> None:
    labels = np.zeros((20, 20), np.uint16)
    labels[2:10, 2:10], labels[12:18, 12:18] = 1, 300
    layer = objects_layer(labels)
    assert layer[0, 0] == 0
    assert layer[5, 5] == 1
    assert layer[2, 2] == 1 + 7
    assert layer[15, 15] == (300 - 1) % 7 + 1


def gone(run: Run) -> Run:
    """The run as if its dataset came from a plugin that is not installed here."""
    elsewhere = run.record.dataset.replace(name="not-installed")
    return replace(run, record=run.record.replace(dataset=elsewhere))


def _between(text: str, before: str, after: str) -> str:
    return text.split(before, 1)[1].split(after, 1)[0]
