"""Processes that torchrun starts again after one of them died."""

import json
import os
from pathlib import Path

import pytest
import torch
from python_processes import run_python

from vos_bench.errors import BadInputError
from vos_bench.training.loop import train_recipe

WORKER = """
import importlib.util, os, signal, sys
from pathlib import Path

import torch

from vos_bench.training.loop import train_recipe
from vos_bench.training.recipe import LoopSettings

spec = importlib.util.spec_from_file_location("points", sys.argv[1])
points = importlib.util.module_from_spec(spec)
spec.loader.exec_module(points)
out, killed = Path(sys.argv[2]), sys.argv[3:]
rank, start = os.environ["RANK"], os.environ["TORCHELASTIC_RESTART_COUNT"]


class Mortal(points.PointRecipe):
    steps = 0

    def loss(self, network, batch):
        self.steps += 1
        if killed == [rank, start, str(self.steps)]:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().loss(network, batch)


settings = LoopSettings(epochs=1, steps_per_epoch=20, batch_size=4, workers=0, checkpoint_every=5, average=0.9)
outcome = train_recipe(Mortal(settings), points.Points(), out=out)
(out / f"starts-{rank}").write_text(start)
if outcome.writes:
    torch.save(outcome.weights, out / "weights.pt")
"""


def train(out: Path, *killed: int) -> dict[str, torch.Tensor]:
    """Train with two processes; `killed`: the rank that dies, at which start and which of its steps."""
    out.mkdir()
    script = out / "worker.py"
    script.write_text(WORKER)
    launcher = ("-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2", "--max-restarts=1")
    arguments = (script, Path(__file__).with_name("conftest.py"), out, *killed)
    found = run_python(*launcher, *arguments, env={**os.environ, "OMP_NUM_THREADS": "1"})
    assert not [line for line in found.stderr.splitlines() if "vos_bench" in line and "Warning" in line]
    for rank in (0, 1):
        assert (out / f"starts-{rank}").read_text() == ("1" if killed else "0")
    weights: dict[str, torch.Tensor] = torch.load(out / "weights.pt", weights_only=True)
    return weights


@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
def test_a_training_of_which_a_process_was_killed_ends_with_the_bits_of_an_unbroken_one(tmp_path: Path):
    unbroken, broken = train(tmp_path / "unbroken"), train(tmp_path / "broken", 1, 0, 13)
    assert unbroken.keys() == broken.keys()
    assert all(torch.equal(value, broken[name]) for name, value in unbroken.items())
    lines = [json.loads(line) for line in (tmp_path / "broken" / "curves.jsonl").read_text().splitlines()]
    assert [line["step"] for line in lines if "loss" in line] == list(range(1, 21))


def test_processes_that_were_started_again_before_the_first_checkpoint_begin_anew(
    tmp_path, point_recipe, points, loop_settings, monkeypatch
):
    monkeypatch.setenv("TORCHELASTIC_RESTART_COUNT", "1")
    again = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "a", resume=True)
    monkeypatch.delenv("TORCHELASTIC_RESTART_COUNT")
    unbroken = train_recipe(point_recipe(loop_settings), points, out=tmp_path / "b")
    assert all(torch.equal(value, again.weights[name]) for name, value in unbroken.weights.items())


def test_processes_that_were_not_started_again_still_ask_for_resume(tmp_path, point_recipe, points, loop_settings):
    train_recipe(point_recipe(loop_settings), points, out=tmp_path)
    with pytest.raises(BadInputError, match="give --resume to go on"):
        train_recipe(point_recipe(loop_settings), points, out=tmp_path)
