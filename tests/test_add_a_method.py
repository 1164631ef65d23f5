"""The method of docs/add-a-method.md runs as the page says; tests/methods/test_contract.py tries it like all others."""

import re
from pathlib import Path

import numpy as np
import pytest

from vos_bench.cli import main
from vos_bench.plugins import MethodInfo
from vos_bench.records import load_run

PAGE = Path(__file__).resolve().parents[1] / "docs" / "add-a-method.md"


@pytest.fixture
def blocks() -> list[str]:
    return re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)


@pytest.fixture
def file(blocks: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    Path("nearest_colour.py").write_text(blocks[0], encoding="utf-8")
    return "./nearest_colour.py:NearestColour"


def score(method: str, out: str, *more: str) -> float:
    assert main(["run", method, "--dataset", "demo", "--device", "cpu", "--out", out, *more]) == 0
    return load_run(Path(out)).record.scores["J&F"]


def test_the_file_runs_on_demo_with_its_settings_and_beats_the_copy_of_the_first_mask(file: str) -> None:
    some = ("--sequences", "lighting,rotation-scale")
    assert score(file, "mine", "--set", "levels=16", *some) > score("copy-first", "copied", *some) + 0.1


def test_the_scores_of_the_page_are_those_of_its_commands(file: str) -> None:
    found = re.search(r"It scores ([\d.]+) J&F on demo, where `copy-first` has ([\d.]+)", PAGE.read_text("utf-8"))
    assert found is not None
    measured = 100 * score(file, "mine"), 100 * score("copy-first", "copied")
    assert [float(text) for text in found.groups()] == pytest.approx(measured, abs=0.1)


def test_the_file_is_driven_from_python_as_the_page_says(file: str, blocks: list[str]) -> None:
    images = np.zeros((2, 40, 60, 3), np.uint8)
    images[:, 10:30, 10:30] = 200
    names = {"first_image": images[0], "next_image": images[1], "first_label_map": images[0, ..., 0] // 200}
    exec(compile(blocks[1].partition("vos_bench.run")[0], str(PAGE), "exec"), names)
    assert file in blocks[1]
    assert set(np.unique(names["prediction"].labels)) == {0, 1}


def test_the_description_of_the_page_is_one(blocks: list[str]) -> None:
    names: dict[str, MethodInfo] = {}
    exec(compile(blocks[2], str(PAGE), "exec"), names)
    assert names["INFO"].name == "nearest-colour"
