"""The highest memory of one sequence, in MiB."""

import re
import sys
from contextlib import suppress
from pathlib import Path

MEMORY_DEFINITION = (
    "peak_mib: highest resident memory of the process that ran the sequence while it ran, interpreter and libraries"
    " included, scoring not (Linux: VmHWM of the kernel, reset before each sequence; elsewhere the highest since the"
    " process began, null where the system does not tell). peak_gpu_mib: highest memory allocated by torch on the GPU"
    " during the sequence, the network included; peak_gpu_reserved_mib: highest memory that torch held on it, whether"
    " allocated or kept for later"
)
_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
_RESET_PEAK = "5"
"""What `/proc/PID/clear_refs` takes to set VmHWM back to the present size; see proc_pid_clear_refs(5)."""


class PeakMemory:
    """Measures from its making on."""

    def __init__(self, device: str = "cpu") -> None:
        """Start over. Where this process has not touched a GPU it has no memory there."""
        self._device = device
        with suppress(OSError):  # not Linux, or a container that forbids it: then the whole process's peak stands
            _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        if self._has_memory():
            import torch

            torch.cuda.reset_peak_memory_stats(device)

    def host_mib(self) -> float | None:
        """Return the highest resident memory; see `MEMORY_DEFINITION`."""
        try:
            found = re.search(r"^VmHWM:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"), flags=re.MULTILINE)
        except OSError:
            found = None
        return int(found.group(1)) / 1024 if found else _process_peak_mib()

    def gpu_mib(self) -> float | None:
        """Return the highest memory that torch allocated on the GPU, None where it has not touched one."""
        if not self._has_memory():
            return None
        import torch

        return float(torch.cuda.max_memory_allocated(self._device)) / 2**20

    def gpu_reserved_mib(self) -> float | None:
        """Return the highest memory that torch held on the GPU, None where it has not touched one."""
        if not self._has_memory():
            return None
        import torch

        return float(torch.cuda.max_memory_reserved(self._device)) / 2**20

    def _has_memory(self) -> bool:
        if not self._device.startswith("cuda"):
            return False
        import torch

        return bool(torch.cuda.is_initialized())  # type: ignore[no-untyped-call]


def _process_peak_mib() -> float | None:
    try:
        import resource
    except ImportError:
        return None
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
