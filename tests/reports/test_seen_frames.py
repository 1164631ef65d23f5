"""Reports that show frames show those that the method saw: corrupted where the run says so, and of no other data."""

import json
import re
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.cli import main
from vos_bench.datasets.folder import Folder
from vos_bench.errors import BadInputError
from vos_bench.exporting.source import label_map_folders
from vos_bench.records import Run, load_run
from vos_bench.records.data import RunData
from vos_bench.records.notebook import _dataset
from vos_bench.reports.page.site import write_page

ONE_FILE = Path(__file__).resolve().parents[1] / "fakes" / "one_file.py"


class SeenRuns(NamedTuple):
    """A run that saw the data as they are, and one that saw hardly any light."""

    root: Path
    clean: Run
    dark: Run


@pytest.fixture(scope="module")
def seen(on_disk: Any, tmp_path_factory: pytest.TempPathFactory) -> SeenRuns:
    out = tmp_path_factory.mktemp("seen") / "dark"
    command = ("run", f"{ONE_FILE}:Stay", "--dataset", "folder", "--root", str(on_disk.root), "--corrupt", "dark:5")
    assert main([*command, "--out", str(out)]) == 0
    return SeenRuns(on_disk.root, on_disk.runs[1], load_run(out))


def draw(name: str, runs: list[Run], out: Path, root: Path) -> list[Path]:
    found: list[Path] = registry.resolve(registry.report(name).factory)(runs, ReportOptions(out=out, root=root))
    return found


def brightness(path: Path) -> float:
    with Image.open(path) as image:
        return float(np.asarray(image.convert("L")).mean())


def test_the_data_of_a_run_are_dark_where_its_method_saw_them_dark(seen: SeenRuns) -> None:
    data = RunData(seen.root)
    shown, clean = (each.sequence("one").read_frame("00000") for each in (data.seen(seen.dark), data.open(seen.dark)))
    assert (shown == np.rint(clean * 0.1)).all()
    assert (data.seen(seen.clean).sequence("one").read_frame("00000") == clean).all()


def test_a_strip_and_an_animation_show_what_each_method_saw(seen: SeenRuns, tmp_path: Path) -> None:
    (strip,) = draw("strips", [seen.clean, seen.dark], tmp_path / "f.svg", seen.root)
    assert "corrupted by dark:5" in strip.read_text()
    moving = draw("animation", [seen.clean, seen.dark], tmp_path / "moving", seen.root)[1]
    with Image.open(moving) as frames:
        pixels = np.asarray(frames.convert("L"))[16:]
    left, right = pixels[:4, :60].mean(), pixels[:4, 60:].mean()  # background
    assert right < left / 4


def test_the_page_has_the_frames_of_each_corruption_and_says_it_beside_them(seen: SeenRuns, tmp_path: Path) -> None:
    write_page([seen.clean, seen.dark], ReportOptions(out=tmp_path / "site", root=seen.root))
    page = (tmp_path / "site/sequence-001.html").read_text()
    found = re.search(r'type="application/json">(.*?)</script>', page, re.DOTALL)
    assert found
    data = json.loads(found[1])
    clean, dark = (tmp_path / "site" / data["media"] / f"{run['photo']}-00000.webp" for run in data["runs"])
    assert all(all(run["hasFrame"]) for run in data["runs"])
    assert brightness(dark) < brightness(clean) / 4
    assert brightness(tmp_path / "site" / data["media"] / "thumbnail.webp") == pytest.approx(brightness(clean), abs=3)
    assert "corrupted by dark:5" in page


def test_the_page_of_a_corrupted_run_alone_shows_corrupted_frames(seen: SeenRuns, tmp_path: Path) -> None:
    write_page([seen.dark], ReportOptions(out=tmp_path / "site", root=seen.root))
    media = tmp_path / "site/media/001"
    assert brightness(media / "frame-00000.webp") < 30
    assert brightness(media / "thumbnail.webp") < 30
    assert "corrupted by dark:5" in (tmp_path / "site/sequence-001.html").read_text()


def test_exported_overlays_and_notebooks_show_corrupted_frames(seen: SeenRuns, monkeypatch: pytest.MonkeyPatch) -> None:
    [one] = label_map_folders(seen.dark.folder, root=seen.root, sequences=("one",))
    assert next(one.frames())[1].image.max() < 10
    monkeypatch.setattr(registry, "open_dataset", lambda *_, **__: Folder(seen.root, split="all"))
    dataset = _dataset(seen.dark.record)
    assert dataset
    assert dataset.sequence("one").read_frame("00000").max() < 10
    assert "corrupted by dark:5" in seen.dark._repr_html_()


@pytest.mark.parametrize("report", ["strips", "animation"])
def test_other_data_than_a_run_saw_are_not_drawn(report: str, seen: SeenRuns, tmp_path: Path) -> None:
    other = shutil.copytree(seen.root, tmp_path / "video")
    for folder, ending in (("JPEGImages", "jpg"), ("Annotations", "png")):
        last = other / folder / "one" / f"00005.{ending}"
        shutil.copy(last, last.with_stem("00000"))
    with pytest.raises(BadInputError, match=r"is not the .* name it with --root"):
        draw(report, [seen.clean], tmp_path / "f.png", other)


def test_a_run_with_a_truth_of_its_own_is_drawn_without_truth(seen: SeenRuns, tmp_path: Path) -> None:
    command = ["run", f"{ONE_FILE}:Stay", "--dataset", "folder", "--root", str(seen.root), "--sequences", "one"]
    assert main([*command, "--truth", str(seen.root / "Annotations"), "--out", str(tmp_path / "own")]) == 0
    run, data = load_run(tmp_path / "own"), RunData(seen.root)
    assert data.seen(run).sequence("one").truth_names == ()
    assert draw("strips", [run], tmp_path / "f.png", seen.root)
    with pytest.raises(BadInputError, match="is not the"):
        data.open(run)
