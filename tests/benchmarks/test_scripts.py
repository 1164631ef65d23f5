"""The scripts that measure run, in a small mode."""

import subprocess
import sys
from pathlib import Path

import pytest

SMALL = ("--set", "crop_size=[64, 112]", "--set", "memory_size=2", "--set", "first_iterations=2")
BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("lwl_split.py", ("lwl", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_split.py", ("lwl-lite", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_memory.py", ("--threads", "1", "--frames", "3", "--crop", "64x112"), "MiB"),
        ("long_and_large.py", ("--small", "--cases", "long", "objects"), "| objects | score |"),
    ],
)
def test_a_script_runs_and_prints_its_figures(script, arguments, expected):
    command = [sys.executable, str(BENCHMARKS / script), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=True)
    assert expected in done.stdout
