"""What an author of a method is told: file and line, no record of a run that never began, one rule for bool masks."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from bad_input import FAULTY

from vos_bench.records import find_runs

Call = Callable[..., int]
Capture = pytest.CaptureFixture[str]

MORE = """

class Bools(Stay):
    def initialize(self, image, prompt):
        self.labels = prompt.masks[1]
        return Prediction(self.labels)


class WithProbabilities(Stay):
    def initialize(self, image, prompt):
        self.count = 1 + len(prompt.object_ids)
        return self.answer(super().initialize(image, prompt))

    def step(self, image, new=None):
        return self.answer(super().step(image, new))

    def answer(self, prediction):
        shape = (self.count, *prediction.labels.shape)
        return prediction._replace(probabilities=np.full(shape, 1 / self.count, np.float16))


from vos_bench.parts.per_object import PerObject, SingleObjectModel


class Model(SingleObjectModel):
    def initialize(self, image, start):
        self.mask = start.astype(np.float32)
        return self.mask

    def step(self, image):
        return self.mask


class Device(PerObject):
    def build_model(self, object_id):
        return Model()


class OnCpu(Device):
    on_cpu = True
"""


@pytest.fixture
def mine(method_file: Path) -> Path:
    method_file.write_text(method_file.read_text() + FAULTY + MORE)
    return method_file


def test_a_method_that_raises_is_told_file_and_line(call: Call, video: Path, mine: Path, capsys: Capture) -> None:
    line = 1 + mine.read_text().splitlines().index('            raise ValueError("cannot take bright frames")')
    arguments = ("run", f"{mine}:FailsOnTwo", "--dataset", "folder", "--root", video, "--out", "out")
    assert call(*arguments) == 1
    told = capsys.readouterr().out
    assert f"cannot take bright frames ({mine}, line {line}; --debug shows more)" in told
    assert "Traceback" not in told
    shutil.rmtree("out")
    assert call("--debug", *arguments) == 1
    assert "Traceback" in capsys.readouterr().out


def test_an_error_below_a_method_names_the_method_s_own_line(
    call: Call, video: Path, mine: Path, capsys: Capture
) -> None:
    text = mine.read_text() + "\n\nclass Stacks(Stay):\n    def step(self, image, new=None):\n        np.stack([])\n"
    mine.write_text(text)
    assert call("run", f"{mine}:Stacks", "--dataset", "folder", "--root", video, "--out", "out") == 1
    assert f"({mine}, line {len(text.splitlines())}; " in capsys.readouterr().out


@pytest.mark.parametrize("command", ["run", "bench"])
def test_a_method_that_cannot_be_built_leaves_no_record(
    call: Call, video: Path, mine: Path, capsys: Capture, command: str
) -> None:
    arguments = (f"{mine}:Unbuildable", "--dataset", "folder", "--root", video, "--out", "out")
    assert call(command, *arguments) == 2
    assert f"no luck today ({mine}, line " in capsys.readouterr().err
    assert not find_runs([Path("out")]).runs
    assert not Path("out/run.json").exists()


def test_a_method_that_cannot_be_built_harms_no_record_with_sequences(call: Call, video: Path, mine: Path) -> None:
    arguments = ("--dataset", "folder", "--root", video, "--out", "out")
    assert call("run", f"{mine}:Stay", *arguments, "--sequences", "one") == 0
    mine.write_text(
        mine.read_text().replace("class Stay(Method):", "class Stay(Method):\n    def __init__(self):\n        1 / 0\n")
    )
    call("run", f"{mine}:Stay", *arguments)
    assert json.loads(Path("out/run.json").read_text())["counts"]["done"] == 1


def test_a_label_map_of_booleans_is_object_1(call: Call, video: Path, mine: Path) -> None:
    assert call("run", f"{mine}:Bools", "--dataset", "folder", "--root", video, "--out", "out") == 0


def test_finished_sequences_without_probabilities_are_run_again_for_them(
    call: Call, video: Path, mine: Path, capsys: Capture
) -> None:
    arguments = ("run", f"{mine}:WithProbabilities", "--dataset", "folder", "--root", video, "--out", "out")
    assert call(*arguments) == 0
    capsys.readouterr()
    assert call(*arguments, "--save-probabilities") == 0
    assert "2 sequences were finished before without probabilities: run again" in capsys.readouterr().err
    assert len(list(Path("out/probabilities").rglob("*.npz"))) == 10
    for _ in range(2):
        assert call(*arguments, "--save-probabilities") == 0
        assert "run again to save" not in capsys.readouterr().err


def test_a_method_without_probabilities_is_not_run_again_for_them(
    call: Call, video: Path, mine: Path, capsys: Capture
) -> None:
    arguments = ("run", f"{mine}:Stay", "--dataset", "folder", "--root", video, "--out", "out", "--save-probabilities")
    assert call(*arguments) == 0
    capsys.readouterr()
    assert call(*arguments) == 0
    assert "2 of the sequences were finished before" in capsys.readouterr().err


def test_a_method_of_single_models_is_given_the_device(mine: Path) -> None:
    from vos_bench import registry

    kinds = {name: registry.resolve(f"{mine}:{name}") for name in ("Device", "OnCpu")}
    assert kinds["Device"](device="cuda:1").device == "cuda:1"
    assert kinds["OnCpu"](device="cuda:1").device == "cpu"
    for name in ("copy-first", "flow-warp", "colour-model", "correlation-filter"):
        assert registry.resolve(registry.method(name).factory).on_cpu
