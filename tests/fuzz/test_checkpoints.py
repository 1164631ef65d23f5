"""Hostile files of parameters: refused by one message, or tensors; never is anything run."""

import os
from pathlib import Path

import torch
from hostile.checkpoints import TENSORS, TRACE, Checkpoint, checkpoints
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz

from vos_bench import registry
from vos_bench.parts.checkpoints import read_metadata, read_tensors


@fuzz("checkpoints", checkpoints())
def test_a_hostile_file_of_parameters_runs_nothing(arena, file: Checkpoint) -> None:
    path, out = arena.inside / "weights.pth", arena.inside / "out.safetensors"
    path.write_bytes(file.data)
    before = Path.cwd()
    os.chdir(arena.inside)
    try:
        found = outcome(lambda: read_tensors(path), path)
        outcome(lambda: read_metadata(path), path)
        outcome(lambda: registry.resolve(registry.method("lwl").converter)(path, out), path)
    finally:
        os.chdir(before)
    assert {each.name for each in arena.inside.iterdir()} == {"weights.pth"}, f"{TRACE} or the like"
    if file.whole:
        assert not isinstance(found, Refused)
        assert all(torch.equal(found[name], tensor) for name, tensor in TENSORS["net"].items())
    if not isinstance(found, Refused):
        assert all(isinstance(tensor, torch.Tensor) for tensor in found.values())
