"""Where a run was made: versions, processor, GPU, git state. No host name, user name or path goes into a record."""

import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib import metadata
from pathlib import Path

import psutil
from pydantic import Field

import vos_bench
from vos_bench import waiting
from vos_bench.config import FrozenModel
from vos_bench.machine import nvidia_smi

DISTRIBUTION = "vos-bench"
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
PATIENCE_SECONDS = 10
"""How long `git` may take before the record goes without them."""


class GpuEntry(FrozenModel):
    """One GPU, as `nvidia-smi` names it."""

    name: str
    memory_mib: int | None = None


class GitState(FrozenModel):
    """The state of the code that `vos_bench` is imported from: a checkout, or what pip installed from a repository.

    Attributes:
        commit: The commit.
        dirty: Whether tracked files were changed since.
        changes: The first digits of the hash of those changes, empty where there are none.
    """

    commit: str
    dirty: bool
    changes: str = ""


class Environment(FrozenModel):
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
    packages: dict[str, str] = Field(default_factory=dict)
    cpu: str = ""
    cores: int | None = None
    memory_mib: int | None = None
    gpus: tuple[GpuEntry, ...] = ()
    driver: str = ""
    threads: dict[str, int] = Field(default_factory=dict)
    waiting: str = ""
    git: GitState | None = None


class TorchFlags(FrozenModel):
    """torch's numeric switches; each None while torch is not loaded.

    Attributes:
        tf32: Whether float32 matrix products or convolutions may be rounded to TF32 on a GPU: one of the next two.
        tf32_products: Whether matrix products may be.
        tf32_convolutions: Whether convolutions may be.
        deterministic: Whether convolutions on a GPU are held to algorithms that give the same bits every time.
        cudnn_benchmark: Whether cuDNN picks its algorithm by trying.
    """

    tf32: bool | None = None
    tf32_products: bool | None = None
    tf32_convolutions: bool | None = None
    deterministic: bool | None = None
    cudnn_benchmark: bool | None = None


def collect_environment(plugin_module: str = "") -> Environment:
    """Look at the machine and the installed software; imports nothing, torch least of all.

    Args:
        plugin_module: The module that the method lives in; its distribution's version is recorded too.
    """
    gpus, driver = _gpus()
    return Environment(
        vos_bench=vos_bench.__version__,
        python=f"{platform.python_version()} {platform.python_implementation()}",
        platform=f"{platform.system()} {platform.release()} {platform.machine()}",
        packages=_versions((*_requirements(), *_distributions_of(plugin_module))),
        cpu=processor_name(),
        cores=_cores(),
        memory_mib=psutil.virtual_memory().total // 2**20,
        gpus=gpus,
        driver=driver,
        threads=_threads(os.environ),
        waiting=waiting.described(),
        git=git_state(),
    )


def torch_flags() -> TorchFlags:
    """Read torch's numeric switches if something has loaded torch already."""
    torch = sys.modules.get("torch")
    if torch is None:
        return TorchFlags()
    products, convolutions = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    return TorchFlags(
        tf32=products or convolutions,
        tf32_products=products,
        tf32_convolutions=convolutions,
        deterministic=torch.backends.cudnn.deterministic or torch.are_deterministic_algorithms_enabled(),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
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
    commit = _output(git, "-C", checkout[0], "rev-parse", "HEAD")
    changes = _output(git, "-C", checkout[0], "diff", "HEAD")
    if commit is None or changes is None:
        return None
    digest = hashlib.sha256(changes.encode(errors="replace")).hexdigest()[:12] if changes else ""
    return GitState(commit=commit, dirty=bool(changes), changes=digest)


def _installed_commit() -> GitState | None:
    """Read the commit that pip notes of `pip install git+https://...` (PEP 610)."""
    try:
        noted = metadata.distribution(DISTRIBUTION).read_text("direct_url.json")
        commit = json.loads(noted or "{}").get("vcs_info", {}).get("commit_id")
    except (metadata.PackageNotFoundError, ValueError):
        return None
    return GitState(commit=commit, dirty=False) if commit else None


def _output(*command: str) -> str | None:
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=PATIENCE_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None


def _requirements() -> Iterable[str]:
    try:
        wanted = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:
        return
    for requirement in wanted:
        if "extra ==" not in requirement:
            yield re.split(r"[^A-Za-z0-9._-]", requirement, maxsplit=1)[0]


def _distributions_of(module: str) -> Iterable[str]:
    """Name the distribution that registers a method in this module's package; none for vos-bench's own."""
    top = module.partition(".")[0]
    if top == vos_bench.__name__:
        return
    for point in metadata.entry_points(group=f"{vos_bench.__name__}.methods"):
        if point.module.partition(".")[0] == top and point.dist is not None:
            yield point.dist.name


def _versions(distributions: Iterable[str]) -> dict[str, str]:
    found = {}
    for name in sorted(set(distributions)):
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _cores() -> int | None:
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
