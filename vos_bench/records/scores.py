"""From scores to what records say of them."""

from collections.abc import Iterable

from vos_bench.api import FramesSeen, PromptKind, ProtocolName
from vos_bench.metrics import METRIC_VERSION
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.metrics.statistics import STATISTICS, ObjectScores
from vos_bench.records import FrameScores, ObjectRecord, ProtocolEntry, RealTimeEntry


def protocol_label(protocol: ProtocolName) -> str:
    """Return what a sequence file says of the rules its scores were made under."""
    return f"{protocol}, metrics {METRIC_VERSION}"


def object_records(objects: Iterable[ObjectScores]) -> tuple[ObjectRecord, ...]:
    """Turn scores into what is written to `sequences/NAME.json`."""
    return tuple(
        ObjectRecord(
            object=scores.object_id,
            group=scores.group or "",
            name=scores.name,
            per_frame=FrameScores(
                frame=scores.frames,
                J=tuple(scores.J.tolist()),
                F=tuple(scores.F.tolist()),
                F_dot=tuple(scores.F_dot.tolist()),
            ),
            extra=dict(scores.extra),
            **{name: value for name, value in scores.statistics().items() if name in STATISTICS},
        )
        for scores in objects
    )


def protocol_entry(
    protocol: ProtocolName,
    *,
    init: PromptKind | None = None,
    box_start: str = "",
    frames_seen: FramesSeen | None = None,
    corruption: str = "",
    real_time: RealTimeEntry | None = None,
) -> ProtocolEntry:
    """Return what a record says of its rules.

    Args:
        protocol: The scoring protocol.
        init: What objects started from, None where no method ran here.
        box_start: How masks were made of boxes; empty where they were not.
        frames_seen: What the method saw, None where no method ran here.
        corruption: How the frames were corrupted on purpose; empty where they were not.
        real_time: How frames came in real time; None where they waited for the method.

    Raises:
        BadInputError: There is no such protocol.
    """
    rules = scoring_protocol(protocol)
    return ProtocolEntry(
        name=rules.name,
        init=init,
        box_start=box_start,
        frames_seen=frames_seen,
        corruption=corruption,
        real_time=real_time,
        frames_scored=rules.frames.text,
        averaging=rules.averaging.text,
        rules=rules.rules,
        metric_version=METRIC_VERSION,
        assumed=rules.assumed,
    )
