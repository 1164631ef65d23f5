"""From the settings of a run to the record it starts with; what can be refused is refused before the run starts."""

import shlex
from pathlib import Path
from typing import NamedTuple

from vos_bench.api import UNTRAINED, Dataset, Parameters
from vos_bench.devices import resolve_device
from vos_bench.environment import THREAD_VARIABLES, Environment, collect_environment, device_name, without_home
from vos_bench.errors import BadInputError
from vos_bench.files.code import code_sha256
from vos_bench.names import counted, did_you_mean
from vos_bench.recorded import JsonValue
from vos_bench.records import (
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
from vos_bench.running.method import MethodSpec, configure, method_class
from vos_bench.running.peak_memory import MEMORY_DEFINITION
from vos_bench.running.play import Task
from vos_bench.running.settings import RunSettings, require_sound
from vos_bench.timing import DEFAULT_GRACE
from vos_bench.weights import weights_sha256

UNTRAINED_NOTE = "untrained: the parameters are random, so that scores say nothing of the method"


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
    require_sound(settings)
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
        overlaps_of=record.dataset.fingerprint if settings.failures else None,
        sequences=len(chosen),
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
