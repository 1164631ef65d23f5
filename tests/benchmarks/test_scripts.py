"""The scripts that measure run, in a small mode."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest
import torch

SMALL = ("--set", "crop_size=[64, 112]", "--set", "memory_size=2", "--set", "first_iterations=2")
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("lwl_split.py", ("lwl", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_split.py", ("lwl-lite", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_memory.py", ("--threads", "1", "--frames", "3", "--crop", "64x112"), "MiB"),
        ("lite_speed.py", ("--before", sys.executable, "--threads", "1", "--small"), "made up, 4 objects, 1 thread: "),
        ("long_and_large.py", ("--small", "--cases", "long", "objects"), "| objects | score |"),
    ],
)
def test_a_script_runs_and_prints_its_figures(script, arguments, expected):
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert expected in done.stdout


def test_the_least_time_is_measured_by_products_and_convolutions_in_the_networks_precision(monkeypatch):
    spec = importlib.util.spec_from_file_location("lwl_split", BENCHMARKS / "lwl_split.py")
    script = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, "lwl_split", script)
    spec.loader.exec_module(script)
    monkeypatch.setattr(script, "PRODUCTS", {"cpu": (16, 32)})
    monkeypatch.setattr(script, "CONVOLUTIONS", ((4, 6, 10),))
    found = {name: (count, work) for name, count, work in script._multiplying("cpu", torch.bfloat16)}
    assert list(found) == [
        "matrix products of 16 x 16",
        "matrix products of 32 x 32",
        "3 x 3 convolutions of 4 x 6 x 10",
        "3 x 3 convolutions of 4 x 6 x 10, channels last",
    ]
    assert all(work().dtype is torch.bfloat16 for _, work in found.values())
    count, work = found["3 x 3 convolutions of 4 x 6 x 10, channels last"]
    assert (count, work().shape) == (9 * 4 * 4 * 6 * 10, (1, 4, 6, 10))
    assert work().is_contiguous(memory_format=torch.channels_last)
    monkeypatch.setattr(script, "_best", lambda work: 0.001 if "conv2d" in repr(work.func) else 1.0)
    assert "convolutions" in script.reach("cpu").by
