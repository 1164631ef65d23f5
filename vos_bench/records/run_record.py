"""What `run.json` holds."""

import math
from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Literal, Self, TypedDict, Unpack

from msgspec import Meta, field
from msgspec.structs import force_setattr

from vos_bench.environment import Environment
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.recorded import Recorded
from vos_bench.records.models import (
    AblationEntry,
    BenchEntry,
    Counts,
    DatasetEntry,
    ExternalScores,
    MethodEntry,
    Numerics,
    ProtocolEntry,
)
from vos_bench.timing import TimingSummary

SCHEMA_VERSION = 1

Kind = Literal["run", "score", "results-only"]
Status = Literal["started", "complete", "failed"]

if TYPE_CHECKING:
    Score = float
else:
    Score = float | None
"""A score as a fraction; NaN, which a file has as null, is a mean over nothing."""

UtcTime = Annotated[str, Meta(pattern=r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$")]
"""A moment in UTC, ISO 8601, in whole seconds, so that the order of texts is that of time."""


class RunRecordChanges(TypedDict, total=False):
    """What may be learnt of a run after its record was begun, or differs in a run beside it; see `RunRecord`."""

    created: UtcTime
    finished: UtcTime | None
    status: Status
    method: MethodEntry
    dataset: DatasetEntry
    protocol: ProtocolEntry
    environment: Environment
    numerics: Numerics | None
    counts: Counts
    scored: bool
    scores: dict[str, float]
    classes: dict[int, dict[str, float]]
    timing: TimingSummary | None
    bench: BenchEntry | None
    memory_definition: str
    external: tuple[ExternalScores, ...]
    ablation: AblationEntry | None
    notes: tuple[str, ...]


class RunRecord(Recorded, frozen=True, kw_only=True):
    """`run.json`.

    Attributes:
        schema_version: Version of this form.
        kind: `run` (made here), `score` (label maps of others, scored here) or `results-only` (imported).
        status: `started` until every sequence has ended, then `complete`, or `failed` when some sequence failed.
        created: UTC, ISO 8601.
        finished: UTC, ISO 8601; None while `started`.
        command: As passed; the user's home folder is written `~`.
        scores: Fractions, at least those of the protocol; empty when not scored. They are means over the scored
            sequences alone, so look at `counts`.
        scored: Whether `scores` holds anything.
        classes: Scores by class id, where whole tracks were judged.
        timing: None where nothing was timed.
        bench: How it was timed by the protocol; None for a plain run.
        memory_definition: What `peak_mib` in the sequence files means.
        external: What a server said of this run's label maps.
        ablation: Of which ablation it is a part; None for most runs.
        notes: What a reader should know besides.
    """

    schema_version: Literal[1] = 1
    kind: Kind = "run"
    status: Status = "started"
    created: UtcTime
    finished: UtcTime | None = None
    command: str = ""
    method: MethodEntry
    dataset: DatasetEntry
    protocol: ProtocolEntry
    environment: Environment
    numerics: Numerics | None = None
    counts: Counts = Counts()
    scored: bool = False
    scores: dict[str, Score] = field(default_factory=dict)
    classes: dict[int, dict[str, Score]] = field(default_factory=dict)
    timing: TimingSummary | None = None
    bench: BenchEntry | None = None
    memory_definition: str = ""
    external: tuple[ExternalScores, ...] = ()
    ablation: AblationEntry | None = None
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raise ValueError for a time that is none, a score that is no fraction, or one that the protocol lacks."""
        _require_time("created", self.created)
        if self.finished is not None:
            _require_time("finished", self.finished)
        force_setattr(self, "scores", _with_nan(self.scores))
        force_setattr(self, "classes", {label: _with_nan(scores) for label, scores in self.classes.items()})
        wanted = scoring_protocol(self.protocol.name).scores
        if self.scores and (missing := [name for name in wanted if name not in self.scores]):
            raise ValueError(f"there is no {', '.join(missing)}, and a scored run has all of {', '.join(wanted)}")

    def replace(self, **changes: Unpack[RunRecordChanges]) -> Self:  # type: ignore[override] # fewer and typed fields
        """Return a record with these fields changed."""
        return super().replace(**changes)

    @property
    def ended(self) -> str:
        """When the run ended, or else began; UTC, ISO 8601, so that its order is that of time."""
        return self.finished or self.created

    @property
    def seed(self) -> int:
        """The run's seed; 0 for label maps that were not made here."""
        return self.numerics.seed if self.numerics else 0


def _require_time(name: str, text: str) -> None:
    """Raise ValueError for a text that has a time's form and is none, such as one of a thirteenth month."""
    try:
        datetime.fromisoformat(text)
    except ValueError as error:
        raise ValueError(f"{name}: {error}") from None


def _with_nan(scores: Mapping[str, float | None]) -> dict[str, float]:
    """Return scores with NaN in the place of None. Raises ValueError where one is not between -1 and 1."""
    found = {name: math.nan if value is None else value for name, value in scores.items()}
    for name, value in found.items():
        if abs(value) > 1:
            raise ValueError(f"{name} is {value}, expected a fraction from -1 to 1")
    return found
