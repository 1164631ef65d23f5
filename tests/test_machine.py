"""What the machine does: clocks of GPUs as nvidia-smi tells them, and the processor time of others."""

import os
from pathlib import Path

import psutil
import pytest
from python_processes import run_python

from vos_bench.environment import ProcessorUse, machine_state, other_gpu_processes

SMI = """#!/bin/sh
echo "NVIDIA H200, 1980, 3201, 312.45, 700.00, 41, 1024, 97"
echo "NVIDIA H200, 345, [N/A], 70.1, 700.00, 29, 0, 0"
"""


def test_a_machine_without_gpu_has_none(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))
    state = machine_state()
    assert state.gpus == ()
    assert state.load is not None


def test_the_gpus_clocks_power_and_temperature_are_read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    tool = tmp_path / "nvidia-smi"
    tool.write_text(SMI)
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    first, second = machine_state().gpus
    assert (first.sm_mhz, first.power_watts, first.temperature, first.utilisation) == (1980, 312.45, 41, 97)
    assert (second.memory_mhz, second.used_mib) == (None, 0)


@pytest.mark.parametrize(
    ("listed", "others"),
    [
        (["OWN"], 0),
        (["OWN", "1", "1"], 1),
        (["OWN", "1", "2"], 2),
        ([], 0),
        (["1"], 0),  # in a container: our own, under the host's number
        (["1", "2"], 1),
        (["[N/A]"], 0),
    ],
)
def test_processes_of_others_on_the_gpu_are_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, listed: list[str], others: int
):
    lines = [line.replace("OWN", str(os.getpid())) for line in listed]
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        '#!/bin/sh\n[ "$*" = "--query-compute-apps=pid --format=csv,noheader,nounits --id=GPU-a" ] || exit 1\n'
        + "".join(f"echo '{line}'\n" for line in lines)
    )
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    assert other_gpu_processes("GPU-a") == others
    assert other_gpu_processes() == 0, "a tool that fails tells nothing"


WORK = """
import time
from vos_bench.environment import ProcessorUse
before = ProcessorUse.now()
end = time.process_time() + 0.3
while time.process_time() < end:
    pass
spent = before.until(ProcessorUse.now())
print(spent.own, spent.passed)
"""


def test_own_work_is_not_that_of_others():
    # in a process of its own: work of a child that another test started counts when that child has ended
    own, passed = map(float, run_python("-c", WORK).stdout.split())
    assert 0.25 < own < 1.0
    assert passed >= 0.25


@pytest.mark.parametrize(("everybody", "share"), [(4.0, 0.25), (2.0, 0.0), (1.9, 0.0)])
def test_the_share_of_others_is_of_all_processors(monkeypatch: pytest.MonkeyPatch, everybody: float, share: float):
    monkeypatch.setattr(psutil, "cpu_count", lambda: 4)
    assert ProcessorUse(own=2.0, everybody=everybody, passed=2.0).share_of_others == pytest.approx(share)
