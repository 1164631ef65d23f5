"""In which options of a run two runs differ."""

from collections.abc import Iterator, Mapping

from vos_bench.recorded import JsonValue
from vos_bench.records import Numerics, RunRecord


def different_options(before: RunRecord, after: RunRecord) -> tuple[str, ...]:
    """Return each option that differs with both values, as in `--amp (off, then bf16)`.

    The settings of two methods are not compared, nor what label maps that were not made here do not tell.
    """
    if before.kind != "run" or after.kind != "run":
        return ()
    ours, theirs = _options(before), _options(after)
    if before.method.name != after.method.name:
        ours, theirs = ({k: v for k, v in each.items() if not k.startswith("--set ")} for each in (ours, theirs))
    names = dict.fromkeys((*ours, *theirs))
    pairs = ((name, ours.get(name), theirs.get(name)) for name in names)
    return tuple(f"{name} ({_shown(a)}, then {_shown(b)})" for name, a, b in pairs if a != b)


def _options(record: RunRecord) -> dict[str, JsonValue]:
    numerics, weights = record.numerics or Numerics(), record.method.weights
    return {
        "--weights": f"{weights.name or weights.file} {weights.sha256[:8]}" if weights else None,
        "--box-start": record.protocol.box_start or None,
        "--seeds": numerics.seed,
        "--device": numerics.device,
        "--amp": numerics.amp,
        "--compile": numerics.compile,
        **dict(_settings(record.method.config, "--set ")),
    }


def _settings(config: Mapping[str, JsonValue], prefix: str) -> Iterator[tuple[str, JsonValue]]:
    for key, value in config.items():
        if isinstance(value, Mapping):
            yield from _settings(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _shown(value: JsonValue) -> str:
    return "none" if value is None else str(value)
