"""The method of docs/add-a-method.md runs as the page says."""

import re
from pathlib import Path

import numpy as np
import pytest

from vos_bench import registry
from vos_bench.api import Prompt
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
    data = ("--dataset", "demo", "--sequences", "lighting,rotation-scale")
    assert main(["run", method, *data, "--device", "cpu", "--out", out, *more]) == 0
    return load_run(Path(out)).record.scores["J&F"]


def test_the_file_runs_on_demo_and_beats_the_copy_of_the_first_mask(file: str) -> None:
    assert score(file, "mine", "--set", "levels=16") > score("copy-first", "copied") + 0.1


def test_it_takes_late_objects_and_forgets_the_last_sequence(file: str) -> None:
    factory = registry.resolve(registry.method(file).factory)
    image = np.zeros((30, 40, 3), np.uint8)
    image[5:15, 5:15], image[18:28, 20:30] = (200, 30, 30), (30, 30, 200)
    one, two = (image[:, :, channel] > 100 for channel in (0, 2))
    method = factory()
    for _ in range(2):
        method.initialize(image, Prompt(masks={1: one}))
        method.step(image, Prompt(masks={2: two}))
        labels = method.step(image).labels
        assert (labels[one] == 1).mean() > 0.7
        assert (labels[two] == 2).mean() > 0.7


def test_the_description_of_the_page_is_one(blocks: list[str]) -> None:
    names: dict[str, MethodInfo] = {}
    exec(compile(blocks[1], str(PAGE), "exec"), names)
    assert names["INFO"].name == "nearest-colour"
