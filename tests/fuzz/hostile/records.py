"""A right record as JSON, to be changed."""

from typing import Any

from vos_bench.environment import Environment
from vos_bench.records import (
    Counts,
    DatasetEntry,
    FrameScores,
    MethodEntry,
    Numerics,
    ObjectRecord,
    ProtocolEntry,
    RunRecord,
    SequenceRecord,
)
from vos_bench.timing import FrameTimings, Latency, TimingSummary

SEQUENCES = {"one": 0.5, "two": 0.75}


def _object(value: float) -> ObjectRecord:
    frames = FrameScores(frame=("00001", "00002"), J=(value, value), F=(value, value))
    return ObjectRecord(
        object=1, J=value, J_recall=1, J_decay=0, F=value, F_recall=1, F_decay=0, per_frame=frames
    )  # fmt: skip


def sequence_record(name: str = "one", value: float = 0.5) -> dict[str, Any]:
    """Return what `sequences/NAME.json` holds."""
    timings = FrameTimings(
        frame=("00000", "00001"),
        objects=(1, 1),
        phase=("init", "step"),
        decode_ms=(1.0, 1.0),
        stream_ms=(2.0, 3.0),
        model_ms=(None, None),
        write_ms=(1.0, 1.0),
    )
    record = SequenceRecord(
        name=name, status="done", frames=3, objects=1, seconds=0.1, peak_mib=9.0, scores=(_object(value),),
        timings=timings, protocol="davis",
    )  # fmt: skip
    return record.to_data()


def run_record(
    *, method: str = "mine", sequences: tuple[str, ...] = tuple(SEQUENCES), note: str = ""
) -> dict[str, Any]:
    """Return what `run.json` holds."""
    mean = sum(SEQUENCES.values()) / len(SEQUENCES)
    record = RunRecord(
        status="complete",
        created="2026-01-01T00:00:00Z",
        finished="2026-01-01T00:00:01Z",
        method=MethodEntry(name=method, config={"rate": 0.5}),
        dataset=DatasetEntry(name="davis17", split="val", fingerprint="f" * 64, sequences=sequences),
        protocol=ProtocolEntry(name="davis", init="mask", frames_seen="all"),
        environment=Environment(vos_bench="0", python="3", platform="none"),
        numerics=Numerics(),
        counts=Counts(selected=len(sequences), done=len(sequences), scored=len(sequences)),
        scored=True,
        scores={"J&F": mean, "J": mean, "J_recall": 1.0, "J_decay": 0.0, "F": mean, "F_recall": 1.0, "F_decay": 0.0},
        timing=TimingSummary(
            definition="none", indicative=False, frames=2, fps=10.0, step_ms=Latency(p50=1, p90=2, p99=3)
        ),
        notes=(note,) if note else (),
    )
    return record.to_data()
