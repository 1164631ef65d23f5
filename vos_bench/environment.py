"""Where a run was made: versions, processor, GPU, git state. No host name, user name or path goes into a record."""

import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

import msgspec
from msgspec import field

import vos_bench
from vos_bench import openmp
from vos_bench.files.distributions import InstalledDistributions
from vos_bench.recorded import Recorded

DISTRIBUTION = "vos-bench"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PATIENCE_SECONDS = 10
"""How long `git` and `nvidia-smi` may take before a record does without what they say."""

MOST_OF_OTHERS = 0.1
"""A share of the processors that others may use before a timing counts as disturbed."""

GPU_FIELDS = [
    "name",
    "clocks.sm",
    "clocks.mem",
    "power.draw",
    "power.limit",
    "temperature.gpu",
    "memory.used",
    "utilization.gpu",
]
"""What `nvidia-smi` is asked for a `GpuState`, in the order of its fields."""


class GpuEntry(Recorded, frozen=True, kw_only=True):
    """One GPU, as `nvidia-smi` names it."""

    name: str
    memory_mib: int | None = None

    def __str__(self) -> str:
        """Return all of it, for a message."""
        return self.name if self.memory_mib is None else f"{self.name} of {self.memory_mib} MiB"


class GitState(Recorded, frozen=True, kw_only=True):
    """The state of the code that `vos_bench` is imported from: a checkout, or what pip installed from a repository.

    Attributes:
        commit: The commit.
        dirty: Whether tracked files were changed since.
        changes: The first digits of the hash of those changes, empty where there are none.
    """

    commit: str
    dirty: bool
    changes: str = ""


class Environment(Recorded, frozen=True, kw_only=True):
    """The machine and the software, without anything that tells whose they are.

    Attributes:
        vos_bench: Its version.
        python: Its version and implementation.
        platform: Operating system, release and architecture.
        packages: Installed version by distribution name: what vos-bench needs, and the plugin that was used.
        cpu: The processor's model name.
        cores: How many the process may use.
        memory_mib: Memory of the machine.
        gpus: Empty where there is none, or no `nvidia-smi`.
        driver: The NVIDIA driver's version, empty without one.
        threads: The thread counts that are set, by environment variable, and those of the libraries that are loaded.
        waiting: How threads wait for each other (OMP_WAIT_POLICY or GOMP_SPINCOUNT), empty for OpenMP's default.
        git: None for an installed package.
    """

    vos_bench: str
    python: str
    platform: str
    packages: dict[str, str] = field(default_factory=dict)
    cpu: str = ""
    cores: int | None = None
    memory_mib: int | None = None
    gpus: tuple[GpuEntry, ...] = ()
    driver: str = ""
    threads: dict[str, int] = field(default_factory=dict)
    waiting: str = ""
    git: GitState | None = None


def collect_environment(plugin_module: str = "", packages: Iterable[str] = ()) -> Environment:
    """Look at the machine and the installed software; imports nothing, torch least of all.

    Args:
        plugin_module: The module that the method lives in; its distribution's version is recorded too.
        packages: Further distributions whose versions are recorded, where they are installed.
    """
    gpus, driver = _gpus()
    installed = InstalledDistributions()
    needed = (*installed.requirements(DISTRIBUTION), *_distributions_of(plugin_module), *packages)
    return Environment(
        vos_bench=vos_bench.__version__,
        python=f"{platform.python_version()} {platform.python_implementation()}",
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages=_versions(installed, needed),
        cpu=processor_name(),
        cores=_cores(),
        memory_mib=_memory_mib(),
        gpus=gpus,
        driver=driver,
        threads=_threads(os.environ),
        waiting=openmp.wait_policy(),
        git=git_state(),
    )


def device_name(device: str) -> str:
    """Return the name of the hardware behind a torch device name; torch is imported only for a GPU."""
    if not device.startswith("cuda"):
        return processor_name()
    import torch

    return str(torch.cuda.get_device_name(device))


def processor_name() -> str:
    """Return the processor's model name, or its architecture where the system does not tell."""
    try:
        info = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        info = ""
    found = re.search(r"^model name\s*:\s*(.+)$", info, flags=re.MULTILINE)
    return found.group(1).strip() if found else platform.processor() or platform.machine()


def without_home(text: str) -> str:
    """Write the user's home folder as `~`, so that a command or an error in a record does not tell the user's name."""
    home = str(Path.home())
    return text.replace(home, "~") if len(home) > 1 else text


def git_state() -> GitState | None:
    """Return the state of the code that `vos_bench` is imported from; None for a package whose commit is not known."""
    checkout = list(vos_bench.__path__)[1:]
    if not checkout:
        return _installed_commit()
    if not (git := shutil.which("git")):
        return None
    whole_hash = ("--always", "--exclude=*", "--abbrev=64")  # by no tag
    described = _output(git, "-C", checkout[0], "describe", *whole_hash, f"--dirty={_DIRTY}")
    if described is None:
        return None
    changes = _output(git, "-C", checkout[0], "diff", "HEAD") if described.endswith(_DIRTY) else ""
    if changes is None:
        return None
    digest = hashlib.sha256(changes.encode(errors="replace")).hexdigest()[:12] if changes else ""
    return GitState(commit=described.removesuffix(_DIRTY), dirty=bool(changes), changes=digest)


_DIRTY = "-dirty"


def _installed_commit() -> GitState | None:
    """Read the commit that pip notes of `pip install git+https://...` (PEP 610)."""
    try:
        noted = msgspec.json.decode(InstalledDistributions().text(DISTRIBUTION, "direct_url.json") or "{}")
    except ValueError:
        return None
    commit = noted.get("vcs_info", {}).get("commit_id")
    return GitState(commit=commit, dirty=False) if commit else None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _distributions_of(module: str) -> Iterable[str]:
    """Name the distribution that registers a method in this module's package; none for vos-bench's own, or no module.

    To know it, the entry points of all installed distributions are read, which takes as long as a hundred label maps.
    """
    top = module.partition(".")[0]
    if top in ("", vos_bench.__name__):
        return
    from importlib import metadata

    for point in metadata.entry_points(group=f"{vos_bench.__name__}.methods"):
        if point.module.partition(".")[0] == top and point.dist is not None:
            yield point.dist.name


def _versions(installed: InstalledDistributions, names: Iterable[str]) -> dict[str, str]:
    return {name: version for name in sorted(set(names)) if (version := installed.version(name))}


def _memory_mib() -> int:
    """Return the memory of the machine."""
    with suppress(OSError):
        if found := re.match(r"MemTotal:\s+([0-9]+) kB", Path("/proc/meminfo").read_text(encoding="ascii")):
            return int(found[1]) // 1024
    import psutil  # here, for it loads slowly, and Linux tells without it

    return psutil.virtual_memory().total // 2**20


def _cores() -> int | None:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    import psutil

    process = psutil.Process()
    return len(process.cpu_affinity()) if hasattr(process, "cpu_affinity") else psutil.cpu_count()


def _gpus() -> tuple[tuple[GpuEntry, ...], str]:
    rows = nvidia_smi("name", "memory.total", "driver_version")
    gpus = tuple(GpuEntry(name=name, memory_mib=int(size) if size.isdigit() else None) for name, size, _ in rows)
    return gpus, rows[0][2] if rows else ""


def _threads(variables: Mapping[str, str]) -> dict[str, int]:
    found = {name: int(variables[name]) for name in THREAD_VARIABLES if variables.get(name, "").isdigit()}
    if torch := sys.modules.get("torch"):
        found["torch"] = torch.get_num_threads()
    if cv2 := sys.modules.get("cv2"):
        found["cv2"] = cv2.getNumThreads()
    return found


class GpuState(Recorded, frozen=True, kw_only=True):
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


class MachineState(Recorded, frozen=True, kw_only=True):
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
    import psutil

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
    said = _output(tool, f"--query-{about}={','.join(fields)}", "--format=csv,noheader,nounits", *which) or ""
    rows = [tuple(cell.strip() for cell in line.split(",")) for line in said.splitlines()]
    return [row for row in rows if len(row) == len(fields)]


def _gpu_states() -> Iterator[GpuState]:
    names = GpuState.__struct_fields__[1:]
    for name, *numbers in nvidia_smi(*GPU_FIELDS):
        yield GpuState(name=name, **dict(zip(names, map(_number, numbers), strict=True)))


def other_gpu_processes(gpu: str | None = None) -> int:
    """Return how many processes of others compute on the GPU now, as far as `nvidia-smi` tells.

    Where it lists none of ours, one of them is taken for ours: inside a container it may have the host's numbers.

    Args:
        gpu: Its name for `nvidia-smi --id`; None for all GPUs.
    """
    import psutil

    listed = {int(pid) for (pid,) in nvidia_smi("pid", about="compute-apps", gpu=gpu) if pid.isdecimal()}
    ours = {os.getpid(), *(child.pid for child in psutil.Process().children(recursive=True))}
    return max(0, len(listed) - max(1, len(listed & ours)))


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None  # "[N/A]"


class ProcessorUse(NamedTuple):
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
        import psutil

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
        import psutil

        capacity = self.passed * (psutil.cpu_count() or 1)
        return max(0.0, self.everybody - self.own) / capacity if capacity > 0 else 0.0
