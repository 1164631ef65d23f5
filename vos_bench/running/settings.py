"""The settings of a run, and the checks that they fit each other, the method and the data."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self, get_args

from vos_bench.api import Dataset, FramesSeen, Parameters, Precision, PromptKind, ProtocolName, SequenceMethod
from vos_bench.clusters import LOCAL, Cluster
from vos_bench.devices import resolve_device
from vos_bench.errors import BadInputError
from vos_bench.metrics.protocols import NO_TRACKS, scoring_protocol
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.records import AblationEntry
from vos_bench.registry import require_title
from vos_bench.running.method import method_class
from vos_bench.timing import Clock
from vos_bench.weights import ChosenWeights

Overwrite = Literal["only-missing", "always", "never"]


@dataclass(frozen=True)
class RunSettings:
    """All that decides a run. Fields that are arguments of `vos_bench.run` mean the same as there.

    With several `jobs` each sequence has a worker process; the i-th worker of a machine uses GPU i modulo the number of
    GPUs.

    Attributes:
        overrides: `--set` arguments, each `a.b=value`.
        box_start: How masks are made of boxes; None for `grabcut` where the method takes masks alone.
        weights_name: What the weights are called in public; the file's name when empty.
        weights_licence: Licence of the parameters.
        name: What tables call the run; None for the method's own name.
        grace: None for `DEFAULT_GRACE`.
        clock: Wall time of each call, or the GPU's own clock.
        ablation: Of which ablation the run is a part.
    """

    method: MethodInfo
    dataset: Dataset
    overrides: tuple[str, ...] = ()
    weights: Parameters | None = None
    weights_name: str = ""
    weights_licence: str = ""
    name: str | None = None
    sequences: tuple[str, ...] | None = None
    init: PromptKind = "mask"
    box_start: BoxFill | None = None
    frames: FramesSeen = "all"
    protocol: ProtocolName | None = None
    seed: int = 0
    device: str = "auto"
    amp: Precision = "off"
    compile: bool = False
    jobs: int | None = None
    engine: Cluster = LOCAL
    stall: float | None = None
    shard: tuple[int, int] | None = None
    overwrite: Overwrite = "only-missing"
    save_probabilities: bool = False
    failures: bool = False
    timing: bool = False
    verify: bool = False
    real_time: float | None = None
    grace: int | None = None
    clock: Clock = "stream"
    out: Path | None = None
    command: tuple[str, ...] = ()
    ablation: AblationEntry | None = None

    @property
    def fill(self) -> BoxFill | None:
        """How masks are made of boxes; None where the method gets what the objects start from."""
        if self.init != "box":
            return None
        return self.box_start or (None if "box" in self.method.prompts else "grabcut")

    @property
    def side_by_side(self) -> bool:
        """Whether several sequences may run at the same time."""
        return self.engine != LOCAL or (self.jobs or 1) > 1

    def with_weights(self, chosen: ChosenWeights | None) -> Self:
        """Return these settings with the parameters that were chosen for the method; None for none."""
        path, name, licence = chosen or (None, "", "")
        return replace(self, weights=path, weights_name=name, weights_licence=licence)


MOST_SECONDS = 1e9
"""The longest time to wait for anything; some systems cannot wait longer."""

CHOICES: dict[str, tuple[object, ...]] = {
    "init": get_args(PromptKind),
    "box_start": get_args(BoxFill),
    "frames": get_args(FramesSeen),
    "amp": get_args(Precision),
    "overwrite": get_args(Overwrite),
}
"""Settings of few values, which Python code may misspell."""

MOST_SEED = (1 << 63) - 1
"""The largest seed: the largest integer that record files and random generators both hold."""


def require_sound(settings: RunSettings) -> None:
    """Check all settings but the names of sequences. Raises BadInputError where something does not fit."""
    _require_known_values(settings)
    _require_compatible(settings)
    _require_real_time(settings)


def _require_known_values(settings: RunSettings) -> None:
    for name in CHOICES:
        require_choice(name, getattr(settings, name))
    require_seed(settings.seed)
    if settings.name is not None:
        require_title("--name", settings.name, settings.method.name)


def require_choice(name: str, value: object) -> None:
    """Check a setting of few values; one that may be left out may be None. Raises BadInputError."""
    if value not in (*CHOICES[name], getattr(RunSettings, name)):
        raise BadInputError(f"{name}={value!r:.100}: expected one of {', '.join(map(repr, CHOICES[name]))}")


def require_seed(seed: int) -> None:
    """Check a seed. Raises BadInputError."""
    if not 0 <= seed <= MOST_SEED:
        raise BadInputError(f"seed={seed}: expected a whole number from 0 to {MOST_SEED}")


def _require_compatible(settings: RunSettings) -> None:
    info = settings.method
    index, count = settings.shard or (1, 1)
    if settings.jobs is not None and settings.jobs < 1:
        raise BadInputError(f"--jobs {settings.jobs}: expected 1 or more")
    if not 1 <= index <= count:
        raise BadInputError(f"--shard {index}/{count}: expected I/N with I from 1 to N, as in --shard 2/8")
    if settings.stall is not None and not 0 < settings.stall <= MOST_SECONDS:
        raise BadInputError(f"--stall {settings.stall:g}: expected seconds, more than 0 and at most {MOST_SECONDS:g}")
    if settings.timing and settings.side_by_side:
        raise BadInputError("--timing with several --jobs: side by side nothing can be timed; expected --jobs 1")
    if settings.box_start is not None and settings.init != "box":
        raise BadInputError(
            f"--box-start {settings.box_start} with --init {settings.init} has no effect; add --init box, or leave it "
            "out"
        )
    if settings.fill is None and settings.init not in info.prompts:
        raise BadInputError(
            f"--init {settings.init}: {info.name} starts from a {' or a '.join(sorted(info.prompts))};"
            " choose another method (vos-bench list methods) or another --init"
        )
    if settings.clock == "model" and issubclass(method_class(info), SequenceMethod):
        raise BadInputError(f"the GPU's clock times single calls, and {info.name} takes whole sequences; use wall time")
    protocol = settings.protocol or settings.dataset.protocol
    if scoring_protocol(protocol).tracks and not settings.dataset.track_files:
        raise BadInputError(f"--protocol {protocol}: {NO_TRACKS}")
    if problem := settings.dataset.frames_problem(settings.frames):
        path, found, expected, remedy = problem
        raise BadInputError(f"{path}: found {found}; expected {expected}; {remedy}")
    resolve_device(settings.device)


MOST_FPS = 1000.0
"""The highest rate of frames in real time."""


def _require_real_time(settings: RunSettings) -> None:
    if settings.real_time is None:
        if settings.grace is not None:
            raise BadInputError(
                f"--grace {settings.grace} without --real-time has no effect; add --real-time, or leave it out"
            )
        return
    if not 0 < settings.real_time <= MOST_FPS:
        raise BadInputError(
            f"--real-time {settings.real_time:g}: expected frames a second, more than 0 and at most {MOST_FPS:g}"
        )
    if settings.grace is not None and settings.grace < 0:
        raise BadInputError(f"--grace {settings.grace}: expected a number of slow frames, 0 or more")
    if settings.side_by_side or settings.shard is not None:
        raise BadInputError(
            "--real-time with several --jobs, a cluster or --shard: the method's times decide on the result; expected "
            "one sequence at a time on one machine"
        )
