"""The highest memory of one sequence."""

import os
import sys
from pathlib import Path

import pytest
from python_processes import run_python

from vos_bench.running import peak_memory
from vos_bench.running.peak_memory import PeakMemory

CLEAR = Path("/proc/self/clear_refs")


@pytest.mark.skipif(not os.access(CLEAR, os.W_OK), reason="only Linux lets a process reset its peak")
def test_the_peak_of_one_sequence_does_not_count_for_the_next():
    code = (
        "import numpy as np; from vos_bench.running.peak_memory import PeakMemory; first = PeakMemory();"
        " block = np.ones(25_000_000); del block; before = first.host_mib(); print(before - PeakMemory().host_mib())"
    )  # in a process of its own: one that held much before has room for 190 MiB without growing
    assert float(run_python("-c", code).stdout) > 150


def test_elsewhere_the_peak_of_the_process_stands(monkeypatch: pytest.MonkeyPatch):
    resource = pytest.importorskip("resource")
    for name in ("_STATUS", "_CLEAR"):
        monkeypatch.setattr(peak_memory, name, Path("/nonexistent/file"))
    expected = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 1024)
    assert PeakMemory().host_mib() == pytest.approx(expected, rel=0.01)


def test_the_cpu_has_no_gpu_memory():
    assert PeakMemory("cpu").gpu_mib() is None


def test_a_gpu_that_only_another_process_uses_is_not_asked():
    pytest.importorskip("torch")
    memory = PeakMemory("cuda:1")
    assert memory.gpu_mib() is None
    assert memory.gpu_reserved_mib() is None


def test_the_runner_is_imported_without_torch_and_numba():
    code = "import sys, vos_bench.running.run; sys.exit(bool({'torch', 'numba'} & set(sys.modules)))"
    run_python("-c", code)
