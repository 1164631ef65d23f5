"""What a run's folder holds of one sequence: its scores, its times and how it ended."""

from typing import Annotated, Literal, Self, TypedDict, Unpack

from msgspec import Meta, field

from vos_bench.metrics.statistics import STATISTICS
from vos_bench.recorded import Recorded
from vos_bench.timing import FrameTimings

Fraction = Annotated[float, Meta(ge=-1.0, le=1.0)]
"""A score as a fraction; decay may be negative."""

NO_PROBABILITIES = "no probabilities saved: the method gives none"
"""A note of a sequence of which they were to be saved."""


class FrameScores(Recorded, frozen=True, kw_only=True):
    """J and F of each scored frame, as columns of equal length; a measure that the protocol does not have is empty."""

    frame: tuple[str, ...] = ()
    J: tuple[Fraction, ...] = ()
    F: tuple[Fraction, ...] = ()
    F_dot: tuple[Fraction, ...] = ()

    def by_frame(self, measure: str) -> dict[str, float]:
        """Return frame name to J, F or F_dot, in order; nothing where the protocol does not have the measure."""
        values: tuple[float, ...] = getattr(self, measure)
        return dict(zip(self.frame, values, strict=True)) if values else {}


class ObjectRecord(Recorded, frozen=True, kw_only=True):
    """One object's scores: the statistics over its scored frames, and `per_frame`.

    Attributes:
        object: The dataset's id.
        name: What the dataset calls the object where that is not its id.
        group: `seen`, `unseen` or empty.
        extra: What the protocol says of it besides, by name.
    """

    object: int
    name: str = ""
    group: str = ""
    J: Fraction
    J_recall: Fraction
    J_decay: Fraction
    F: Fraction | None = None
    F_recall: Fraction | None = None
    F_decay: Fraction | None = None
    extra: dict[str, Fraction] = field(default_factory=dict)
    per_frame: FrameScores

    def __post_init__(self) -> None:
        """Raise ValueError where a score is no fraction: such a record could not be read again."""
        for name, value in self.statistics().items():
            if not -1 <= value <= 1:
                raise ValueError(f"{name} is {value}, expected a fraction from -1 to 1")

    def value(self, score: str) -> float:
        """Return one of its scores, a fraction; J&F is the mean of J and F. Raises KeyError where it has no such."""
        if score == "J&F" and self.F is not None:
            return (self.J + self.F) / 2
        return self.statistics()[score]

    @property
    def shown_name(self) -> str | int:
        """What tables call the object."""
        return self.name or self.object

    def statistics(self) -> dict[str, float]:
        """Return the numbers over all its frames: those of `STATISTICS` that it has, and `extra`."""
        found = {name: value for name in STATISTICS if (value := getattr(self, name)) is not None}
        return {**found, **self.extra}


class SequenceRecordChanges(TypedDict, total=False):
    """What may be learnt of a sequence after its record was made; see `SequenceRecord`."""

    status: Literal["done", "failed"]
    error: str
    traceback: str
    protocol: str
    scores: "tuple[ObjectRecord, ...]"
    notes: tuple[str, ...]
    data_notes: dict[str, str]


class SequenceRecord(Recorded, frozen=True, kw_only=True):
    """`sequences/NAME.json`, written last, so that its presence says the label maps are whole.

    Attributes:
        name: The sequence.
        status: `done` or `failed`.
        error: One line, empty when done.
        traceback: Of a method that raised, for its author.
        identity: The `config8` of the run that made it; empty for scores of foreign label maps.
        frames: How many frames the method saw, or missed in real time (for foreign label maps: how many were scored).
        objects: How many objects it was given.
        seconds: Wall time of the whole sequence, decoding and writing included, scoring not.
        peak_mib: Highest resident memory; see `RunRecord.memory_definition`. None where it cannot be had.
        peak_gpu_mib: Highest memory that torch allocated on the GPU during this sequence; None on the CPU.
        peak_gpu_reserved_mib: Highest memory that torch held on the GPU, allocated or not; None on the CPU.
        software: The version, and the commit where it is known, of vos-bench that made it.
        protocol: Under which `scores` were made, with the metric version; empty when not scored.
        scores: The objects' scores; empty when the sequence has no public truth.
        timings: Per frame.
        notes: What happened on the way, such as an object with an empty mask that was left out.
        data_notes: What to know of its data beside the scores: a sentence without a full stop, to a detail.
        objects_at_once: How many objects went through the method together after memory had run out with more; None
            where it never did.
        dropped_frames: In real time, the frames that came while the method was busy; each has the label map of the one
            before it.
        method_files: Files that the method read so far besides its own, by name, each with its sha256; see
            `vos_bench.files.code.method_files`.
        log: What a system in a process of its own wrote to its standard error; its middle is left out where it is
            long.
    """

    schema_version: Literal[1] = 1
    name: str
    status: Literal["done", "failed"]
    error: str = ""
    traceback: str = ""
    identity: str = ""
    frames: int = 0
    objects: int = 0
    seconds: float = 0.0
    peak_mib: float | None = None
    peak_gpu_mib: float | None = None
    peak_gpu_reserved_mib: float | None = None
    software: str = ""
    protocol: str = ""
    scores: tuple[ObjectRecord, ...] = ()
    timings: FrameTimings = field(default_factory=FrameTimings)
    notes: tuple[str, ...] = ()
    data_notes: dict[str, str] = field(default_factory=dict)
    objects_at_once: int | None = None
    log: str = ""
    dropped_frames: tuple[str, ...] = ()
    method_files: dict[str, str] = field(default_factory=dict)

    def replace(self, **changes: Unpack[SequenceRecordChanges]) -> Self:  # type: ignore[override] # as in RunRecord
        """Return a record with these fields changed."""
        return super().replace(**changes)
