"""What the machine does while something is timed: clocks, temperatures, and the work of others."""

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from vos_bench.config import FrozenModel

MOST_OF_OTHERS = 0.1
"""A share of the processors that others may use before a timing counts as disturbed."""

_QUERY = (
    "name",
    "clocks.sm",
    "clocks.mem",
    "power.draw",
    "power.limit",
    "temperature.gpu",
    "memory.used",
    "utilization.gpu",
)
_PATIENCE_SECONDS = 10


class GpuState(FrozenModel):
    """One GPU at one moment, as `nvidia-smi` tells; None for what it does not.

    Attributes:
        name: The model.
        sm_mhz: Clock of its processors.
        memory_mhz: Clock of its memory.
        power_watts: Drawn now.
        power_limit_watts: What it may draw.
        temperature: In degrees Celsius.
        used_mib: Memory in use by all processes together.
        utilisation: Percent of the time that it was busy of late.
    """

    name: str
    sm_mhz: float | None = None
    memory_mhz: float | None = None
    power_watts: float | None = None
    power_limit_watts: float | None = None
    temperature: float | None = None
    used_mib: float | None = None
    utilisation: float | None = None


class MachineState(FrozenModel):
    """The machine at one moment.

    Attributes:
        load: Processes that wanted a processor over the last minute; None where the system does not tell.
        processor_mhz: Clock of the processors, their mean; None likewise.
        gpus: Empty where there is none, or no `nvidia-smi`.
    """

    load: float | None = None
    processor_mhz: float | None = None
    gpus: tuple[GpuState, ...] = ()


def machine_state() -> MachineState:
    """Look at the machine now."""
    try:
        frequency = psutil.cpu_freq()
    except (NotImplementedError, OSError, RuntimeError):  # a virtual machine need not tell
        frequency = None
    return MachineState(
        load=psutil.getloadavg()[0],
        processor_mhz=frequency.current if frequency else None,
        gpus=tuple(_gpu_states()),
    )


def nvidia_smi(*fields: str, about: str = "gpu", gpu: str | None = None) -> list[tuple[str, ...]]:
    """Ask `nvidia-smi` for some fields; no rows where there is no GPU, or it fails or does not answer.

    Args:
        fields: As `nvidia-smi --help-query-gpu` or `--help-query-compute-apps` names them.
        about: What a row stands for: `gpu`, or `compute-apps` for the processes that compute on one.
        gpu: Its name for `nvidia-smi --id`; None for all GPUs.
    """
    tool = shutil.which("nvidia-smi")
    if not tool:
        return []
    which = [f"--id={gpu}"] if gpu else []
    command = [tool, f"--query-{about}={','.join(fields)}", "--format=csv,noheader,nounits", *which]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=_PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return []
    rows = [tuple(cell.strip() for cell in line.split(",")) for line in done.stdout.splitlines()]
    return [row for row in rows if len(row) == len(fields)] if done.returncode == 0 else []


def _gpu_states() -> Iterator[GpuState]:
    fields = list(GpuState.model_fields)[1:]
    for name, *numbers in nvidia_smi(*_QUERY):
        yield GpuState(name=name, **dict(zip(fields, map(_number, numbers), strict=True)))


def other_gpu_processes(gpu: str | None = None) -> int:
    """Return how many processes of others compute on the GPU now, as far as `nvidia-smi` tells.

    Where it lists none of ours, one of them is taken for ours: inside a container it may have the host's numbers.

    Args:
        gpu: Its name for `nvidia-smi --id`; None for all GPUs.
    """
    listed = {int(pid) for (pid,) in nvidia_smi("pid", about="compute-apps", gpu=gpu) if pid.isdecimal()}
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    return max(0, len(listed) - max(1, len(listed & ours)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # "[N/A]"


@dataclass(frozen=True)
class ProcessorUse:
    """Processor time spent so far, in seconds.

    Attributes:
        own: By this process and those it started that have ended, system calls included.
        everybody: By all processes of the machine together.
        passed: Wall time.
    """

    own: float
    everybody: float
    passed: float

    @classmethod
    def now(cls) -> "ProcessorUse":
        """Read the counters."""
        mine = psutil.Process().cpu_times()
        whole = psutil.cpu_times()
        own = mine.user + mine.system + mine.children_user + mine.children_system
        return cls(own, sum(whole) - whole.idle - getattr(whole, "iowait", 0.0), time.monotonic())

    def until(self, later: "ProcessorUse") -> "ProcessorUse":
        """Return what was spent between this reading and a later one."""
        return ProcessorUse(later.own - self.own, later.everybody - self.everybody, later.passed - self.passed)

    @property
    def share_of_others(self) -> float:
        """Return the share of all processors that others used, 0 to 1."""
        capacity = self.passed * (psutil.cpu_count() or 1)
        return max(0.0, self.everybody - self.own) / capacity if capacity > 0 else 0.0
