"""The scripts that measure run, in a small mode."""

import sys

import pytest
import torch
from benchmark_scripts import load_script, run_script

SMALL = ("--set", "crop_size=[64, 112]", "--set", "memory_size=2", "--set", "first_iterations=2")


@pytest.mark.parametrize(
    ("script", "arguments", "expected"),
    [
        ("lwl_split", ("lwl", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_split", ("lwl-lite", "--threads", "1", "--frames", "4", *SMALL), "| steepest descent |"),
        ("lwl_memory", ("--threads", "1", "--frames", "3", "--crop", "64x112"), "MiB"),
        ("lite_speed", ("--before", sys.executable, "--threads", "1", "--small"), "made up, 4 objects, 1 thread: "),
        ("long_and_large", ("--small", "--cases", "long", "objects"), "| objects | score |"),
    ],
)
def test_a_script_runs_and_prints_its_figures(script, arguments, expected):
    assert expected in run_script(script, *arguments)


@pytest.mark.parametrize(("seconds", "ratio"), [((1, 2, 6), "2.00"), ((1, 1, 2), "none"), ((2, 1, 2), "none")])
def test_a_slope_ratio_needs_a_time_that_grew_first(seconds, ratio):
    script = load_script("long_and_large")
    rows = [script.Row("long", "score", "frame", n, s, 100.0) for n, s in zip((1, 2, 4), seconds, strict=True)]
    assert script.table(rows).splitlines()[-1].endswith(f" | {ratio} |")


def test_the_least_time_is_measured_by_products_and_convolutions_in_the_networks_precision(monkeypatch):
    script = load_script("lwl_split")
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
