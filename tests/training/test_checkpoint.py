import os
import signal
import subprocess
import sys
import time

import pytest
import torch

from vos_bench.errors import BadInputError
from vos_bench.training import checkpoint

WRITER = """
import sys, torch
from pathlib import Path
from vos_bench.training import checkpoint
step = 0
while True:
    step += 1
    checkpoint.save_checkpoint(Path(sys.argv[1]), {"step": step, "weights": torch.full((500_000,), float(step))})
    if step == 1:
        print("started", flush=True)
"""


def test_what_is_saved_is_loaded(tmp_path):
    checkpoint.save_checkpoint(tmp_path, {"step": 3, "weights": {"a": torch.arange(3)}, "note": "x"})
    state = checkpoint.load_checkpoint(tmp_path)
    assert state["step"] == 3
    assert torch.equal(state["weights"]["a"], torch.arange(3))


def test_killed_while_it_writes_the_last_whole_checkpoint_loads(tmp_path):
    for attempt in range(3):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        assert writer.stdout is not None
        writer.stdout.readline()
        time.sleep(0.05 + 0.013 * attempt)
        writer.send_signal(signal.SIGKILL)
        writer.communicate()
        state = checkpoint.load_checkpoint(tmp_path)
        assert torch.equal(state["weights"], torch.full((500_000,), float(state["step"])))


def test_a_half_written_file_beside_the_checkpoint_is_no_harm(tmp_path):
    checkpoint.save_checkpoint(tmp_path, {"step": 1})
    (tmp_path / f"{checkpoint.CHECKPOINT}.123.part").write_bytes(b"half")
    assert checkpoint.load_checkpoint(tmp_path)["step"] == 1


def test_a_missing_checkpoint_is_said_plainly(tmp_path):
    with pytest.raises(BadInputError, match="no checkpoint to resume from"):
        checkpoint.load_checkpoint(tmp_path)


@pytest.mark.parametrize("content", [b"", b"not a checkpoint"])
def test_a_broken_checkpoint_is_said_plainly(tmp_path, content):
    (tmp_path / checkpoint.CHECKPOINT).write_bytes(content)
    with pytest.raises(BadInputError, match="cannot be read as a checkpoint"):
        checkpoint.load_checkpoint(tmp_path)


def test_a_foreign_file_is_not_taken_for_a_checkpoint(tmp_path):
    torch.save({"weights": torch.zeros(1)}, tmp_path / checkpoint.CHECKPOINT)
    with pytest.raises(BadInputError, match="found no checkpoint of format"):
        checkpoint.load_checkpoint(tmp_path)
