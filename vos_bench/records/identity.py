"""What two runs share: the same run, the same but for the seed, the same rules, the same hardware."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.recorded import JsonValue
from vos_bench.records.models import Numerics
from vos_bench.records.run_record import RunRecord


def identity(record: RunRecord) -> dict[str, JsonValue]:
    """Return what makes two runs the same run: results may be mixed in one folder only where all of it is equal."""
    numerics = record.numerics or Numerics()
    weights = record.method.weights
    return {
        "method": record.method.name,
        **({"name": record.method.label} if record.method.label else {}),
        "method code": record.method.code_sha256,
        "config": record.method.config,
        "weights": weights.sha256 if weights else None,
        "dataset": record.dataset.name,
        "split": record.dataset.split,
        "dataset fingerprint": record.dataset.fingerprint,
        "init": record.protocol.init,
        **({"box start": record.protocol.box_start} if record.protocol.box_start else {}),
        "frames": record.protocol.frames_seen,
        **_conditions(record),
        "amp": numerics.amp,
        "seed": numerics.seed,
    }


def _conditions(record: RunRecord) -> dict[str, JsonValue]:
    """Return what was made harder than the data are; nothing for most runs, whose hashes are as they were before."""
    corruption, real_time = record.protocol.corruption, record.protocol.real_time
    return {
        **({"corruption": corruption} if corruption else {}),
        **({"real time": str(real_time)} if real_time else {}),
    }


def config8(record: RunRecord) -> str:
    """Return the first eight hex digits of the hash of a record's `identity`; it names the run's default folder."""
    import json  # here, since a folder that is named with --out needs no hash

    text = json.dumps(identity(record), sort_keys=True, separators=(",", ":"), ensure_ascii=True)
    return hashlib.sha256(text.encode()).hexdigest()[:8]


def default_out(record: RunRecord, base: Path = Path("runs")) -> Path:
    """Return the folder a run gets unless told otherwise: `runs/DATASET/METHOD/CONFIG8`.

    Raises:
        BadInputError: A name that a plugin gave itself cannot be a folder's name, or would lead elsewhere.
    """
    for name in (record.dataset.name, record.method.name):
        if not (name.isprintable() and Path(name).name == name):
            raise BadInputError(f"{name!r:.200}: cannot be the name of a folder for the record; give --out DIR")
    return base / record.dataset.name / record.method.name / config8(record)


def differences(first: RunRecord, second: RunRecord) -> tuple[str, ...]:
    """Name each part of the identity in which two records differ, with both values; empty when there is none."""
    ours, theirs = identity(first), identity(second)
    return tuple(
        text
        for key in {**ours, **theirs}
        if ours.get(key) != theirs.get(key)
        for text in _named_differences(key, ours.get(key), theirs.get(key))
    )


def rules(record: RunRecord, *, sequences: bool = True) -> str:
    """Return what two records must share for their scores to be comparable: the data and the protocol.

    Without `sequences`, it is what the scores of one sequence must share.
    """
    data, protocol = record.dataset, record.protocol
    return repr(
        (
            *(data.name, data.split, data.fingerprint, data.sequences if sequences else ()),
            *(protocol.name, protocol.init, protocol.frames_seen, protocol.frames_scored),
            *(protocol.averaging, protocol.metric_version, _conditions(record)),
        )
    )


def without_corruption(record: RunRecord) -> RunRecord:
    """Return a record with the identity of the run of the same system on the frames as they are."""
    return record.replace(protocol=record.protocol.replace(corruption=""))


def without_real_time(record: RunRecord) -> RunRecord:
    """Return a record with the identity of the run of the same system whose frames wait for it."""
    return record.replace(protocol=record.protocol.replace(real_time=None))


def same_but_seed(record: RunRecord) -> str:
    """Return a text that runs share which differ in nothing but the seed: same system, kind, data and rules."""
    key = {**identity(record), "seed": None, "kind": record.kind, "rules": rules(record)}
    return repr(sorted(key.items()))


def hardware(record: RunRecord) -> str:
    """Return what the times of a run depend on besides the method: device, precision, compilation."""
    numerics = record.numerics
    devices = sorted({gpu.name for gpu in record.environment.gpus}) if numerics and numerics.device != "cpu" else []
    name = ", ".join(devices) or record.environment.cpu or "unknown processor"
    return f"{name}, {_precision(numerics)}" + (", compiled" if numerics and numerics.compile else "")


def _precision(numerics: Numerics | None) -> str:
    """Return `float32` only where nothing was rounded: records of before `--amp tf32` have TF32 with `off`."""
    if numerics is None or numerics.amp != "off":
        return numerics.amp if numerics else "float32"
    return "tf32" if numerics.tf32 and numerics.device != "cpu" else "float32"


def _named_differences(key: str, ours: JsonValue, theirs: JsonValue) -> Iterable[str]:
    if not (isinstance(ours, dict) and isinstance(theirs, dict)):
        yield f"{key}: {ours} and {theirs}"
        return
    absent = "nothing"
    for inner in sorted({*ours, *theirs}):
        if ours.get(inner, absent) != theirs.get(inner, absent):
            yield from _named_differences(f"{key}.{inner}", ours.get(inner, absent), theirs.get(inner, absent))
