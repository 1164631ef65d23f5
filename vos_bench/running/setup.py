"""All that decides a run, and from there to the record it starts with; what can be refused is refused here."""

import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, NamedTuple, Self, get_args

from pydantic import JsonValue

from vos_bench.api import (
    UNTRAINED,
    Dataset,
    FramesSeen,
    Parameters,
    Precision,
    PromptKind,
    ProtocolName,
    SequenceMethod,
)
from vos_bench.clusters import LOCAL, Cluster
from vos_bench.devices import resolve_device
from vos_bench.environment import THREAD_VARIABLES, Environment, collect_environment, device_name, without_home
from vos_bench.errors import BadInputError
from vos_bench.files.code import code_sha256
from vos_bench.metrics.protocols import NO_TRACKS, scoring_protocol
from vos_bench.names import counted, did_you_mean
from vos_bench.parts.box_start import BoxFill
from vos_bench.plugins import MethodInfo
from vos_bench.records import (
    AblationEntry,
    DatasetEntry,
    MethodEntry,
    Numerics,
    RealTimeEntry,
    RunRecord,
    WeightsEntry,
    config8,
    default_out,
)
from vos_bench.records.scores import protocol_entry
from vos_bench.records.summary import utc_now
from vos_bench.registry import require_title
from vos_bench.running.method import MethodSpec, configure, method_class
from vos_bench.running.peak_memory import MEMORY_DEFINITION
from vos_bench.running.sequence import Task
from vos_bench.timing import DEFAULT_GRACE, Clock
from vos_bench.weights import ChosenWeights, weights_sha256

Overwrite = Literal["only-missing", "always", "never"]


@dataclass(frozen=True)
class RunSettings:
    """All that decides a run. What `vos_bench.run` takes too means the same here; `engine` is who hands sequences out.

    With several `jobs` each sequence has a worker process, of which the i-th of a machine uses GPU i modulo the number
    of GPUs.

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


UNTRAINED_NOTE = "untrained: the parameters are random, so that scores say nothing of the method"

MOST_SECONDS = 1e9
"""The longest time that may be waited for anything; some systems cannot wait for more."""


CHOICES: dict[str, tuple[object, ...]] = {
    "init": get_args(PromptKind),
    "box_start": get_args(BoxFill),
    "frames": get_args(FramesSeen),
    "amp": get_args(Precision),
    "overwrite": get_args(Overwrite),
}
"""Settings of few values, which Python code may misspell."""

MOST_SEED = (1 << 63) - 1
"""The largest seed: that of the largest integers which files and generators of random numbers have in common."""


class PreparedRun(NamedTuple):
    """A run that may begin.

    Attributes:
        record: With the status `started`; its sequences are those of all shards.
        names: The sequences of this shard.
        spec: How to build the method.
        task: What the sequences have in common.
    """

    record: RunRecord
    names: tuple[str, ...]
    spec: MethodSpec
    task: Task


def prepare_run(settings: RunSettings) -> PreparedRun:
    """Check all settings against each other, the method and the data.

    Raises:
        BadInputError: Something does not fit; the message says what would.
    """
    chosen = _chosen_sequences(settings)
    _require_known_values(settings)
    _require_sound(settings)
    _require_real_time(settings)
    spec = MethodSpec(
        info=settings.method,
        config=configure(settings.method, settings.overrides),
        weights=settings.weights.absolute() if isinstance(settings.weights, Path) else settings.weights,
        device=settings.device,
        amp=settings.amp,
        compile=settings.compile,
        seed=settings.seed,
        probabilities=settings.save_probabilities,
    )
    record = _record(settings, spec, chosen)
    task = Task(
        info=settings.method,
        out=(settings.out or default_out(record)).absolute(),  # a method may go to another folder
        identity=config8(record),
        software=software_of(record.environment),
        init=settings.init,
        box_start=settings.fill,
        frames=settings.frames,
        protocol=record.protocol.name,
        seed=settings.seed,
        save_probabilities=settings.save_probabilities,
        read_ahead=not settings.timing and settings.real_time is None,
        clock=settings.clock,
        shared=settings.side_by_side or settings.shard is not None,
        real_time=record.protocol.real_time,
    )
    index, count = settings.shard or (1, 1)
    return PreparedRun(record, chosen[index - 1 :: count], spec, task)


def _chosen_sequences(settings: RunSettings) -> tuple[str, ...]:
    """Return the sequences of all shards in the dataset's order."""
    known = settings.dataset.sequence_names
    if settings.sequences is None:
        return known
    wanted, there = set(settings.sequences), set(known)
    for name in settings.sequences:
        if name not in there:
            raise BadInputError(_unknown_sequence(name, settings.dataset))
    return tuple(name for name in known if name in wanted)


def _unknown_sequence(name: str, dataset: Dataset) -> str:
    some = f"it has {len(dataset)}, such as {dataset.sequence_names[0]}"
    meant = did_you_mean(name, dataset.sequence_names, otherwise=some)
    return f"--sequences {name}: there is none of this name in {dataset.name} {dataset.split}; {meant}"


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


def _require_sound(settings: RunSettings) -> None:
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


def _real_time(settings: RunSettings, environment: Environment) -> RealTimeEntry | None:
    if settings.real_time is None:
        return None
    grace = DEFAULT_GRACE if settings.grace is None else settings.grace
    return RealTimeEntry(fps=settings.real_time, grace=grace, hardware=_hardware(settings, environment))


def _hardware(settings: RunSettings, environment: Environment) -> str:
    """Return what a method's times depend on besides the method and its precision, as it is before the run."""
    device = "cpu" if method_class(settings.method).on_cpu else resolve_device(settings.device)
    parts = [device_name(device), *([environment.cpu] if device != "cpu" else [])]
    parts += [counted(environment.cores or 1, "core")]
    parts += [f"{name}={environment.threads[name]}" for name in THREAD_VARIABLES if name in environment.threads]
    return ", ".join((*parts, *(("compiled",) if settings.compile else ())))


def _record(settings: RunSettings, spec: MethodSpec, chosen: tuple[str, ...]) -> RunRecord:
    dataset = settings.dataset
    environment = collect_environment(settings.method.factory.partition(":")[0], settings.method.packages)
    return RunRecord(
        kind="run",
        created=utc_now(),
        command=without_home(shlex.join(settings.command)),
        method=method_entry(
            spec,
            overrides=settings.overrides,
            name=settings.weights_name,
            licence=settings.weights_licence,
            label=settings.name if settings.name not in (None, settings.method.name) else "",
        ),
        dataset=DatasetEntry(
            name=dataset.name,
            version=dataset.version,
            split=dataset.split,
            fingerprint=dataset.fingerprint(),
            sampled_sha256=dataset.frames_sha256(whole=False),
            whole_sha256=dataset.frames_sha256(whole=True) if settings.verify else "",
            sequences=chosen,
        ),
        protocol=protocol_entry(
            settings.protocol or dataset.protocol,
            init=settings.init,
            box_start=settings.fill or "",
            frames_seen=settings.frames,
            corruption=dataset.corruption,
            real_time=_real_time(settings, environment),
        ),
        environment=environment,
        numerics=Numerics(seed=settings.seed, device=settings.device, amp=settings.amp, compile=settings.compile),
        memory_definition=MEMORY_DEFINITION,
        ablation=settings.ablation,
        notes=(*((UNTRAINED_NOTE,) if settings.weights == UNTRAINED else ()), *without_effect(spec)),
    )


def method_entry(
    spec: MethodSpec, *, overrides: tuple[str, ...], name: str, licence: str, label: str = ""
) -> MethodEntry:
    """Return what a record says of a method.

    Args:
        spec: How it is built.
        overrides: The `--set` arguments.
        name: What its weights are called in public; the file's name when empty.
        licence: Licence of its weights.
        label: What tables call it; empty for its own name.
    """
    info = spec.info
    return MethodEntry(
        name=info.name,
        config=_config(spec),
        config_as_passed=tuple(map(without_home, overrides)),
        weights=_weights(spec.weights, name, licence),
        licence=info.licence,
        reference=info.reference,
        code_sha256=_code_sha256(info.factory),
        label=label,
    )


def without_effect(spec: MethodSpec) -> tuple[str, ...]:
    """Say which options have no effect, for a method that computes on the processor, or where there is no GPU."""
    on_cpu, device = method_class(spec.info).on_cpu, resolve_device(spec.device)
    given = {
        f"--device {spec.device}": on_cpu and spec.device.startswith("cuda"),
        f"--amp {spec.amp}": spec.amp != "off" and (on_cpu or (spec.amp == "tf32" and device == "cpu")),
        "--compile": on_cpu and spec.compile,
    }
    if not (idle := [option for option, is_idle in given.items() if is_idle]):
        return ()
    why = f"{spec.info.name} computes on the processor alone" if on_cpu else "the run is on the processor"
    return (f"{', '.join(idle)} had no effect: {why}",)


def _config(spec: MethodSpec) -> dict[str, JsonValue]:
    if spec.config is None:
        return {}
    values = spec.config.model_dump(mode="json")
    return {key: without_home(value) if isinstance(value, str) else value for key, value in values.items()}


def _weights(path: Parameters | None, name: str, licence: str) -> WeightsEntry | None:
    if path is None:
        return None
    if path == UNTRAINED:
        return WeightsEntry(name=UNTRAINED, file="", sha256=UNTRAINED)
    return WeightsEntry(
        name=name or path.name,
        file=path.name,
        sha256=weights_sha256(path),
        licence=licence,
    )


def _code_sha256(factory: str) -> str | None:
    path, _, _ = factory.rpartition(":")
    return code_sha256(Path(path)) if path.endswith(".py") else None


def software_of(environment: Environment) -> str:
    """Return the version of vos-bench, with its commit where that is known, as sequence files have it."""
    git = environment.git
    if git is None:
        return f"vos-bench {environment.vos_bench}"
    changes = f" with changes {git.changes}" if git.dirty else ""
    return f"vos-bench {environment.vos_bench} {git.commit[:12]}{changes}"
