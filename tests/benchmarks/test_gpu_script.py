"""The script for GPU machines, rehearsed small and without one."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"


def call(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.mark.parametrize("case", ["peaks", "lwl-lite-float32", "agreement-bf16", "training-float32"])
def test_a_case_writes_its_figures(case: str, tmp_path: Path):
    call("--case", case, "--small", "--device", "cpu", "--out", str(tmp_path))
    figures = json.loads((tmp_path / f"{case}.json").read_text())
    assert (figures["case"], figures["small"]) == (case, True)
    telling = {
        "peaks": lambda: figures["gigabytes_a_second"] > 0 and figures["teraflops_float32"] > 0,
        "lwl-lite-float32": lambda: figures["stream"]["indicative"] and figures["gigaflops_a_frame"] > 0.1,
        "agreement-bf16": lambda: 0.9 < figures["least_iou"] <= figures["mean_iou"] <= 1,
        "training-float32": lambda: figures["seconds_a_step"] > 0,
    }
    assert telling[case]()


def test_every_precision_and_number_of_objects_is_a_case():
    cases = call("--list").split()
    assert {f"lwl-{name}" for name in ("float32", "tf32", "bf16", "fp16", "fp16-compiled", "fp16-8-objects")} <= {
        *cases
    }
