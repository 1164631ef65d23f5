import importlib.util
import json

import pytest

from vos_bench.errors import BadInputError
from vos_bench.training.curves import CURVES, Curves


def test_lines_after_the_step_resumed_from_are_dropped(tmp_path):
    with Curves(tmp_path, 0) as curves:
        for step in range(1, 6):
            curves.add(step, {"loss": step / 2})
    with (tmp_path / CURVES).open("a") as file:
        file.write('{"step": 6, "lo')  # what a kill leaves
    with Curves(tmp_path, 3) as curves:
        curves.add(4, {"loss": 9.0})
    lines = [json.loads(line) for line in (tmp_path / CURVES).read_text().splitlines()]
    assert [(line["step"], line["loss"]) for line in lines] == [(1, 0.5), (2, 1.0), (3, 1.5), (4, 9.0)]


@pytest.mark.parametrize("damaged", ["\0\0\0\n", "[]\n", '{"loss": 1}\n'])
def test_a_training_goes_on_from_curves_that_a_power_cut_damaged(tmp_path, damaged):
    (tmp_path / CURVES).write_text('{"step": 1, "loss": 0.5}\n' + damaged)
    with Curves(tmp_path, 3) as curves:
        curves.add(4, {"loss": 9.0})
    lines = [json.loads(line) for line in (tmp_path / CURVES).read_text().splitlines()]
    assert [line["step"] for line in lines] == [1, 4]


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is not None, reason="tensorboard is installed")
def test_without_tensorboard_the_extra_is_named(tmp_path):
    with pytest.raises(BadInputError, match=r"pip install '\.\[tensorboard\]'"):
        Curves(tmp_path, 0, tensorboard=True)


@pytest.mark.skipif(importlib.util.find_spec("tensorboard") is None, reason="tensorboard is not installed")
def test_tensorboard_gets_the_values_too(tmp_path):
    with Curves(tmp_path, 0, tensorboard=True) as curves:
        curves.add(1, {"loss": 0.5})
    assert [path.name.startswith("events") for path in (tmp_path / "tensorboard").iterdir()] == [True]
