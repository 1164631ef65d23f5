"""The script for GPU machines, rehearsed small and without one."""

import inspect
import json
import runpy
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"
REHEARSED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "peaks": lambda found: found["gigabytes_a_second"] > 0 and found["teraflops_float32"] > 0,
    "lwl-tf32": lambda found: found["stream"]["indicative"] and found["gigaflops_a_frame"] > 0.1,
    "lwl-lite-fp16-compiled": lambda found: found["stream"]["step_ms"]["p50"] > 0,
    "agreement-bf16": lambda found: 0.9 < found["least_iou"] <= found["mean_iou"] <= 1,
    "agreement-lwl-bf16": lambda found: 0 < found["mean_difference"] < 0.05,
    "training-float32": lambda found: found["seconds_a_step"] > 0,
    "training-bf16": lambda found: found["seconds_a_step"] > 0,
}
"""One case or more of each kind, and what its figures have to say."""


def call(*arguments: str) -> str:
    command = [sys.executable, str(SCRIPT), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True, timeout=300).stdout


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a rehearsal of these cases in one call."""
    out = tmp_path_factory.mktemp("results")
    call("--case", *REHEARSED, "--quick", "--small", "--device", "cpu", "--out", str(out))
    return out


@pytest.mark.parametrize("case", REHEARSED)
def test_a_case_writes_its_figures(case: str, results: Path):
    figures = json.loads((results / f"{case}.json").read_text())
    assert (figures["case"], figures["small"]) == (case, True)
    assert REHEARSED[case](figures)


def test_every_other_case_is_of_a_kind_that_was_rehearsed():
    script = runpy.run_path(str(SCRIPT))
    cases = {name: case for name, case in script["CASES"].items() if name != "peaks"}
    kinds = {cases[name].func for name in REHEARSED if name != "peaks"}
    for case in cases.values():
        assert case.func in kinds
        inspect.signature(case.func).bind(None, **case.keywords)
        assert case.keywords["precision"] in script["PRECISIONS"]


def test_every_precision_and_number_of_objects_is_a_case():
    cases = call("--list").split()
    assert {f"lwl-{name}" for name in ("float32", "tf32", "bf16", "fp16", "fp16-compiled", "fp16-8-objects")} <= {
        *cases
    }
