"""What tracking servers keep of a run: parameters, metrics and tags, flat and by name, without values of single frames.

The names are those of the columns of `mlflow.search_runs`, MLflow 2 and 3.
"""

import hashlib
import math
from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from vos_bench.records.identity import config8
from vos_bench.records.run import Run
from vos_bench.records.run_record import RunRecord

Value = TypeVar("Value")


class RunFields(NamedTuple):
    """One run in flat form.

    Attributes:
        id: CONFIG8 and eight digits of a hash of the record: another one for what was measured or scored again, and for
            another command.
        params: What it was run with.
        metrics: Its scores as fractions, its times and how many sequences were scored.
        tags: Where and by which version it was made.
    """

    id: str
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]


def run_fields(run: Run) -> RunFields:
    """Return what is known of a run: nothing of it is None or NaN."""
    params, metrics, tags = all_run_fields(run)
    return RunFields(_id(run.record), _known(params), _known(metrics), _known(tags))


def _id(record: RunRecord) -> str:
    return f"{config8(record)}-{hashlib.sha256(record.to_json().encode()).hexdigest()[:8]}"


def _known(values: Mapping[str, Value | None]) -> dict[str, Value]:
    return {name: value for name, value in values.items() if value is not None}


def all_run_fields(run: Run) -> tuple[Mapping[str, Any], Mapping[str, float | None], Mapping[str, str | None]]:
    """Return params, metrics and tags of a run; None stands for what is not known of it."""
    return _params(run.record), _metrics(run), _tags(run.record)


def metric_name(score: str) -> str:
    """Return the name of a score where `&` is not allowed: `J_and_F`."""
    return score.replace("&", "_and_")


def _metrics(run: Run) -> dict[str, float | None]:
    found = {metric_name(name): None if math.isnan(value) else value for name, value in run.scores.items()}
    timing = run.record.timing
    if timing is not None:
        step = timing.step_ms
        found |= {"fps": timing.fps, "init_ms": timing.init_ms}
        found |= {f"{name}_ms": getattr(step, name) if step else None for name in ("p50", "p90", "p99")}
    counts = run.record.counts
    return {**found, "sequences_scored": counts.scored, "sequences_failed": counts.failed}


def _params(record: RunRecord) -> dict[str, Any]:
    numerics, weights = record.numerics, record.method.weights
    return {
        "method": record.method.name,
        "weights": weights.name if weights else None,
        "weights_sha256": weights.sha256 if weights else None,
        "dataset": record.dataset.name,
        "split": record.dataset.split or None,
        "fingerprint": record.dataset.fingerprint,
        "protocol": record.protocol.name,
        "init": record.protocol.init,
        "frames_seen": record.protocol.frames_seen,
        "conditions": ", ".join(record.protocol.conditions) or None,
        **({name: getattr(numerics, name) for name in ("seed", "device", "amp", "compile")} if numerics else {}),
        **{f"config.{name}": str(value) for name, value in record.method.config.items()},
    }


def _tags(record: RunRecord) -> dict[str, str | None]:
    environment = record.environment
    return {
        "vos_bench": environment.vos_bench,
        "commit": environment.git.commit if environment.git else None,
        "cpu": environment.cpu or None,
        "gpu": ", ".join(sorted({gpu.name for gpu in environment.gpus})) or None,
        "kind": record.kind,
    }
