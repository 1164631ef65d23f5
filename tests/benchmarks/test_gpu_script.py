"""The script for GPU machines, rehearsed small and without one."""

import inspect
import json
import re
import runpy
import threading
from collections.abc import Callable
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from benchmark_scripts import run_script
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from python_processes import run_python

SCRIPT = Path(__file__).resolve().parents[2] / "benchmarks" / "gpu.py"
REHEARSED: dict[str, Callable[[dict[str, Any]], bool]] = {
    "peaks": lambda found: found["gigabytes_a_second"] > 0 and found["teraflops_float32"] > 0,
    "lwl-tf32": lambda found: found["stream"]["indicative"] and found["gigaflops_a_frame"] > 0.1,
    "lwl-bf16-4-objects": lambda found: found["frames_a_second"] == 1000 / found["stream"]["step_ms"]["p50"],
    "lwl-lite-fp16-compiled": lambda found: found["stream"]["step_ms"]["p50"] > 0,
    "agreement-bf16": lambda found: 0.9 < found["least_iou"] <= found["mean_iou"] <= 1 > found["equal_pixels"] > 0.9,
    "agreement-lwl-bf16": lambda found: 0 < found["mean_difference"] < 0.05 and found["equal_mask_pixels"] > 0.9,
    "training-float32": lambda found: found["seconds_a_step"] > 0,
    "training-bf16": lambda found: found["seconds_a_step"] > 0,
}
"""One case or more of each kind, and what its figures have to say."""


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a rehearsal of these cases in one call."""
    out = tmp_path_factory.mktemp("results")
    run_script("gpu", "--case", *REHEARSED, "--quick", "--small", "--device", "cpu", "--out", str(out))
    return out


@pytest.mark.parametrize("case", REHEARSED)
def test_a_case_writes_its_figures(case: str, results: Path):
    figures = json.loads((results / f"{case}.json").read_text())
    assert (figures["case"], figures["small"]) == (case, True)
    assert REHEARSED[case](figures)


WITHOUT = """
import runpy, sys
absent = set(sys.argv.pop(1).split(","))
class Finder:
    def __init__(self, inner):
        self.inner = inner
    def __getattr__(self, name):
        return getattr(self.inner, name)
    def find_spec(self, name, path=None, target=None):
        return None if name.partition(".")[0] in absent else self.inner.find_spec(name, path, target)
sys.meta_path[:] = map(Finder, sys.meta_path)
sys.argv.pop(0)
runpy.run_path(sys.argv[0], run_name="__main__")
"""
"""Runs a script where some packages cannot be found."""


def needed(names: list[str]) -> set[str]:
    """Distributions and all that they require, by normalized name."""
    found, waiting = set(), list(names)
    while waiting:
        name = canonicalize_name(waiting.pop())
        if name in found:
            continue
        found.add(name)
        with suppress(metadata.PackageNotFoundError):
            requirements = map(Requirement, metadata.requires(name) or ())
            waiting += [
                each.name for each in requirements if each.marker is None or each.marker.evaluate({"extra": ""})
            ]
    return found


def test_the_packages_that_the_head_of_the_script_names_suffice(tmp_path, monkeypatch):
    monkeypatch.setenv("VOS_BENCH_CACHE", str(tmp_path / "cache"))
    lines = re.findall(r"pip download -d wheels (.+ .+)", SCRIPT.read_text(encoding="utf-8"))
    present = needed([*" ".join(lines).split(), "torch", "torchvision", "timm"])
    tops = metadata.packages_distributions().items()
    blocked = {top for top, names in tops if present.isdisjoint(map(canonicalize_name, names))} - {"vos_bench"}
    assert {"pandas", "numba", "llvmlite", "av", "rich", "cyclopts"} <= blocked
    arguments = ("--case", "lwl-tf32", *list(REHEARSED)[2:], "--quick", "--small", "--device", "cpu")
    run_python("-c", WITHOUT, ",".join(blocked), SCRIPT, *arguments, "--out", tmp_path)


def test_every_other_case_is_of_a_kind_that_was_rehearsed():
    script = runpy.run_path(str(SCRIPT))
    cases = {name: case for name, case in script["CASES"].items() if name != "peaks"}
    kinds = {cases[name].func for name in REHEARSED if name != "peaks"}
    for case in cases.values():
        assert case.func in kinds
        inspect.signature(case.func).bind(None, **case.keywords)
        assert case.keywords["precision"] in script["PRECISIONS"]


def test_what_matters_most_comes_first():
    cases = run_script("gpu", "--list").split()
    precisions = ("float32", "tf32", "bf16", "fp16")
    first = {f"lwl-{name}{objects}" for name in precisions for objects in ("", "-4-objects")}
    first |= {f"lwl-lite-{name}" for name in precisions} | {f"training-{name}" for name in precisions[:3]}
    first |= {f"agreement-{lwl}{name}" for name in precisions[1:] for lwl in ("", "lwl-")}
    compiled = [name for name in cases if name.endswith("-compiled")]
    assert {*cases[: cases.index(compiled[0])]} == {"peaks", *first}
    assert {f"lwl-{name}-compiled" for name in precisions} <= {*compiled}


def test_of_several_cases_the_order_is_that_of_importance(tmp_path):
    said = run_script("gpu", "--case", "training-bf16", "peaks", "--small", "--device", "cpu", "--out", str(tmp_path))
    assert [json.loads(line)["case"] for line in said.splitlines()] == ["peaks", "training-bf16"]


def test_a_step_is_of_four_samples_unless_its_case_says_otherwise():
    script = runpy.run_path(str(SCRIPT))
    cases = {name: case for name, case in script["CASES"].items() if name.startswith("training-")}
    default = inspect.signature(script["training"]).parameters["batch_size"].default
    assert {name: case.keywords.get("batch_size", default) for name, case in cases.items()} == {
        **{f"training-{name}": 4 for name in ("float32", "tf32", "bf16")},
        "training-bf16-batch-20": 20,
    }


class FakeCuda:
    """A device whose memory is used up to 300 MiB in passing."""

    def __init__(self):
        self.looks = iter([100, 200, 300])
        self.has_looked_twice = threading.Event()
        self._count = 0

    def __getattr__(self, name):
        return lambda *_: None

    def mem_get_info(self, _):
        self._count += 1
        if self._count >= 2:
            self.has_looked_twice.set()
        return (1000 - next(self.looks, 150)) << 20, 1000 << 20

    def max_memory_allocated(self, _):
        return 50 << 20


def test_memory_is_the_highest_that_was_seen_in_passing(monkeypatch):
    script = runpy.run_path(str(SCRIPT))
    values = script["polled_memory"].__wrapped__.__globals__
    device = FakeCuda()
    monkeypatch.setitem(values, "torch", SimpleNamespace(cuda=device))
    monkeypatch.setattr(values["importlib"].util, "find_spec", lambda _: None)
    with script["polled_memory"]("cuda") as found:
        assert device.has_looked_twice.wait(300)
    assert found["device_mib"] == 300
    assert (found["device_mib_before"], found["device_mib_by"], found["allocated_mib"]) == (100, "cudaMemGetInfo", 50)
    with script["polled_memory"]("cpu") as found:
        pass
    assert found == {}
