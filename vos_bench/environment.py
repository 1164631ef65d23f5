"""Where a run was made: versions, processor, GPU, git state. No host name, user name or path goes into a record."""

from pydantic import Field

from vos_bench.config import FrozenModel


class GpuEntry(FrozenModel):
    """One GPU, as `nvidia-smi` names it."""

    name: str
    memory_mib: int | None = None


class GitState(FrozenModel):
    """The commit of the checkout that `vos_bench` is imported from, and whether tracked files were changed since."""

    commit: str
    dirty: bool


class Environment(FrozenModel):
    """The machine and the software, without anything that tells whose they are.

    Attributes:
        vos_bench: Its version.
        python: Its version and implementation.
        platform: Operating system, release and architecture.
        packages: Installed version by distribution name.
        cpu: The processor's model name.
        cores: How many the process may use.
        memory_mib: Of the machine.
        gpus: Empty where there is none, or no `nvidia-smi`.
        driver: The NVIDIA driver's version, empty without one.
        threads: The thread counts that are set, by library or environment variable.
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
    git: GitState | None = None
