"""What a timing costs in energy, where the machine tells: RAPL's counters on processors, NVML's on NVIDIA's GPUs.

Both count what the whole processor or GPU used, other processes and idling included, so that figures are indicative.
Nothing is set or reset: counters are read before the first repeat and after every pass, outside of what is timed.

Source: Linux, Documentation/power/powercap/powercap.rst (`energy_uj`, `max_energy_range_uj`); NVML API reference,
`nvmlDeviceGetTotalEnergyConsumption` (millijoules since the driver was loaded; Volta and later).
"""

import ctypes
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from vos_bench.records import EnergyUse
from vos_bench.records.latency_table import NO_COUNTER

POWERCAP = Path("/sys/class/powercap")
ZONES = "intel-rapl:*"
"""RAPL's zones, on AMD's processors too; those of `intel-rapl-mmio` are the same counters once more."""

NO_PERMISSION, NOT_READABLE = "no permission", "not readable"
"""Reasons why there is no figure, besides `NO_COUNTER`."""

PERMISSION_NOTE = (
    "the processor's energy is not told: {path} may be read by root alone; `sudo chmod a+r {path}` lets everybody read "
    "it until the next start"
)


class _NoFigureError(Exception):
    """A counter cannot be read; the message is one of the reasons above."""


class EnergyCounter(NamedTuple):
    """One counter of energy.

    Attributes:
        read: Returns how many joules it shows.
        wraps_after: Joules after which it starts from 0 again; None for never.
    """

    read: Callable[[], float]
    wraps_after: float | None = None


class EnergyMeter:
    """Adds up what counters count.

    Attributes:
        lacking: `processor` or `GPU` to why it has no figure.
        notes: What a user can do about it.
    """

    def __init__(self, gpu: str | None = None, *, powercap: Path = POWERCAP, nvml: Any = None) -> None:
        """Find the counters and read them for the first time.

        Args:
            gpu: The GPU's name for NVML, such as `GPU-1f5e…`; None where the method runs on the processor.
            powercap: Where the system shows RAPL's zones.
            nvml: The loaded library; None to load that of the driver.
        """
        self.lacking: dict[str, str] = {}
        self.notes: list[str] = []
        self._counters: dict[str, list[EnergyCounter]] = {"processor": rapl_counters(powercap)}
        if gpu is not None:
            self._counters["GPU"] = nvml_counters(gpu, nvml)
        self._powercap = powercap
        self._last: dict[str, list[float]] = {}
        self._joules: dict[str, float] = {}
        for name in self._counters:
            self._start(name)

    def _start(self, name: str) -> None:
        if not self._counters[name]:
            self._give_up(name, NO_COUNTER)
            return
        try:
            self._last[name] = [counter.read() for counter in self._counters[name]]
        except _NoFigureError as error:
            self._give_up(name, str(error))
        else:
            self._joules[name] = 0.0

    def _give_up(self, name: str, reason: str) -> None:
        self.lacking[name] = reason
        self._joules.pop(name, None)
        if reason == NO_PERMISSION:
            self.notes.append(PERMISSION_NOTE.format(path=self._powercap / ZONES / "energy_uj"))

    def update(self) -> None:
        """Read the counters again: more often than they wrap, which takes minutes at least."""
        for name in [*self._joules]:
            try:
                now = [counter.read() for counter in self._counters[name]]
            except _NoFigureError as error:
                self._give_up(name, str(error))
                continue
            for counter, before, after in zip(self._counters[name], self._last[name], now, strict=True):
                self._joules[name] += _passed(before, after, counter.wraps_after)
            self._last[name] = now

    def use(self, frames: int) -> EnergyUse:
        """Return what was used since the beginning, for so many frames."""
        return EnergyUse(
            frames=frames,
            processor_joules=self._joules.get("processor"),
            gpu_joules=self._joules.get("GPU"),
            lacking=dict(self.lacking),
        )


def _passed(before: float, after: float, wraps_after: float | None) -> float:
    """Return by how much a counter went up; one that shows less than before has started from 0 again."""
    if after >= before or wraps_after is None:
        return max(0.0, after - before)
    return after + wraps_after - before


def rapl_counters(powercap: Path) -> list[EnergyCounter]:
    """Return the counters of all processor packages and of the memory beside them; those inside a package are left out.

    An entry that cannot be understood is left out too.
    """
    found = []
    for zone in _zones(powercap):
        name = _text(zone / "name")
        if name.startswith("package") or name == "dram":
            found.append(EnergyCounter(_reader(zone / "energy_uj"), _range(zone)))
    return found


def _zones(powercap: Path) -> list[Path]:
    try:
        return sorted(powercap.glob(ZONES))
    except OSError:
        return []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii").strip()
    except (OSError, ValueError):
        return ""


def _range(zone: Path) -> float | None:
    text = _text(zone / "max_energy_range_uj")
    return int(text) / 1e6 if text.isdigit() else None


def _reader(path: Path) -> Callable[[], float]:
    def read() -> float:
        try:
            return int(path.read_text(encoding="ascii")) / 1e6
        except PermissionError:
            raise _NoFigureError(NO_PERMISSION) from None
        except (OSError, ValueError):
            raise _NoFigureError(NOT_READABLE) from None

    return read


NVML_OK = 0
NVML_LIBRARY = "libnvidia-ml.so.1"


def nvml_counters(gpu: str, nvml: Any = None) -> list[EnergyCounter]:
    """Return the counter of a GPU; none where NVML is missing or does not know the GPU.

    Args:
        gpu: Its name, as `nvidia-smi -L` shows it behind `UUID:`.
        nvml: The library; None to load that of the driver.
    """
    device = ctypes.c_void_p()
    try:
        nvml = ctypes.CDLL(NVML_LIBRARY) if nvml is None else nvml
        ready = nvml.nvmlInit_v2() == NVML_OK
        known = ready and nvml.nvmlDeviceGetHandleByUUID(gpu.encode(), ctypes.byref(device)) == NVML_OK
        count = nvml.nvmlDeviceGetTotalEnergyConsumption
    except (OSError, AttributeError):  # no driver, or one from before it had such a function
        return []

    def read() -> float:
        millijoules = ctypes.c_ulonglong()
        if count(device, ctypes.byref(millijoules)) != NVML_OK:
            raise _NoFigureError(NO_COUNTER)  # a GPU older than Volta
        return millijoules.value / 1e3

    return [EnergyCounter(read)] if known else []
