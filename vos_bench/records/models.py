"""The parts of a run's record: method, data, protocol, numerics, timing, ablation."""

from typing import Annotated, Literal

from msgspec import Meta, field

from vos_bench.api import UNTRAINED, FramesSeen, Precision, PromptKind, ProtocolName
from vos_bench.environment import MachineState
from vos_bench.recorded import JsonValue, Recorded
from vos_bench.records.sequence_record import Fraction


class WeightsEntry(Recorded, frozen=True, kw_only=True):
    """The file of parameters: its public name, its file name without folders, its hash and licence.

    Random parameters have the name `untrained`, no file, and that word for the hash too.
    """

    name: str
    file: str
    sha256: str
    licence: str = ""

    @property
    def described(self) -> str:
        """Which parameters they are, for a note: name and hash, or that they were random."""
        if self.name == UNTRAINED:
            return f"{UNTRAINED}, random parameters"
        return f"weights {self.name or self.file} (sha256 {self.sha256[:8]})"


class MethodEntry(Recorded, frozen=True, kw_only=True):
    """The method and how it was set.

    Attributes:
        name: As on the command line.
        config: The full configuration.
        config_as_passed: The `--set` arguments, word for word.
        weights: None for a method without any.
        licence: Licence of the code.
        reference: The paper or system that it follows, or where foreign results come from.
        code_sha256: Hash of the file of a method that ran as `FILE.py:CLASS`, with the modules that it imports from its
            own folder; None for an installed one.
        label: What tables call it, where the user said so (`--name`); empty for its own name.
    """

    name: str
    config: dict[str, JsonValue] = field(default_factory=dict)
    config_as_passed: tuple[str, ...] = ()
    weights: WeightsEntry | None = None
    licence: str = ""
    reference: str = ""
    code_sha256: str | None = None
    label: str = ""

    @property
    def title(self) -> str:
        """What stands beside a score: the label, or else the method's own title; `untrained` is never left out."""
        if not self.label:
            return self.own_title
        return f"{self.label} ({UNTRAINED})" if self.weights and self.weights.name == UNTRAINED else self.label

    @property
    def own_title(self) -> str:
        """The method's name, with that of its weights where they are not the method's own.

        A small variant is never printed under the plain name, neither `lwl-lite`, nor `lwl` with such weights; and
        random parameters never without the word `untrained`, which is the name of such weights.
        """
        if self.weights is None or self.weights.name == self.name:
            return self.name
        return f"{self.name} ({self.weights.name or self.weights.file})"


class DatasetEntry(Recorded, frozen=True, kw_only=True):
    """The data.

    Attributes:
        name: As on the command line.
        version: Version of the release, empty where there is but one.
        split: The split's name.
        fingerprint: Hash of frames, truth and list; see `vos_bench.api.Dataset.fingerprint`.
        sequences: The sequences that this record is about, in the dataset's order; all shards have the same.
        frames: How many frames the sequences have together, None where nobody counted.
        sampled_sha256: Of parts of all frames; see `Dataset.frames_sha256`. Empty where it is not known.
        whole_sha256: Of all frames, with `--verify`; empty without.
    """

    name: str
    version: str = ""
    split: str = ""
    fingerprint: str
    sequences: tuple[str, ...]
    frames: int | None = None
    sampled_sha256: str = ""
    whole_sha256: str = ""

    @property
    def title(self) -> str:
        """The data as tables show it: name and split."""
        return f"{self.name} {self.split}".strip()


class RealTimeEntry(Recorded, frozen=True, kw_only=True):
    """How frames came while the method worked; those that came while it was busy were dropped.

    Attributes:
        fps: Frames a second.
        grace: How many slow frames of each sequence were forgiven.
        hardware: What the method ran on, for its times decide on the result.
    """

    fps: Annotated[float, Meta(gt=0)]
    grace: Annotated[int, Meta(ge=0)]
    hardware: str

    def __str__(self) -> str:
        """Return all of it, for a message."""
        return f"{self.fps:.10g} frames a second, grace {self.grace}, on {self.hardware}"


class ProtocolEntry(Recorded, frozen=True, kw_only=True):
    """The rules under which the numbers were made.

    Attributes:
        name: The scoring protocol.
        init: What the objects started from; None where the method did not run here.
        box_start: How masks were made of boxes; empty where they were not.
        frames_seen: Whether the method saw all frames; None where the method did not run here.
        corruption: How the frames were corrupted on purpose, as `--corrupt` says it; empty where they were not.
        real_time: How frames came in real time; None where they waited for the method.
        frames_scored: Which frames count, in words.
        averaging: How per-frame values become one number, in words.
        metric_version: Version of the metrics' code; numbers of two versions are not comparable.
        assumed: Each thing that is assumed because nobody published it.
        rules: The other rules, by name, in words; empty in older records.
    """

    name: ProtocolName
    init: PromptKind | None = None
    box_start: str = ""
    frames_seen: FramesSeen | None = None
    corruption: str = ""
    real_time: RealTimeEntry | None = None
    frames_scored: str = ""
    averaging: str = ""
    metric_version: str = ""
    assumed: tuple[str, ...] = ()
    rules: dict[str, str] = field(default_factory=dict)

    @property
    def start(self) -> str | None:
        """What the objects started from, as tables show it."""
        return f"{self.init}{self.start_note}" if self.init else None

    @property
    def conditions(self) -> tuple[str, ...]:
        """What was made harder than the data are, as it stands beside a score; empty for most runs."""
        corrupted = (f"corrupted by {self.corruption}",) if self.corruption else ()
        return (*corrupted, *((f"in real time at {self.real_time.fps:g} frames a second",) if self.real_time else ()))

    @property
    def start_note(self) -> str:
        """How masks were made of boxes, in brackets; empty where they were not."""
        return f" ({self.box_start})" if self.box_start else ""


class Numerics(Recorded, frozen=True, kw_only=True):
    """What decides the last bits of a result; None where it was not to be found out (torch was never loaded).

    Attributes:
        seed: The run's.
        device: A torch device name.
        amp: Precision of the network.
        compile: Whether the network was compiled.
        tf32: See `vos_bench.devices.TorchFlags`; on the CPU the GPU's switches mean nothing.
        tf32_products: Likewise.
        tf32_convolutions: Likewise.
        deterministic: Likewise.
        cudnn_benchmark: Likewise.
    """

    seed: int = 0
    device: str = "cpu"
    amp: Precision = "off"
    compile: bool = False
    tf32: bool | None = None
    tf32_products: bool | None = None
    tf32_convolutions: bool | None = None
    deterministic: bool | None = None
    cudnn_benchmark: bool | None = None


class ExternalScores(Recorded, frozen=True, kw_only=True):
    """Scores that a server gave, typed in by hand: fractions by name."""

    server: str
    date: str
    scores: dict[str, Fraction]


class EnergyUse(Recorded, frozen=True, kw_only=True):
    """Energy that the machine counted during all repeats, decoding, writing, idling and other processes included.

    Attributes:
        frames: How many frames the method answered meanwhile.
        processor_joules: By all processor packages and the memory beside them; None where they do not tell.
        gpu_joules: By the GPU; None where it does not tell, or none was used.
        lacking: `processor` or `GPU` to why it has no figure.
    """

    frames: int
    processor_joules: float | None = None
    gpu_joules: float | None = None
    lacking: dict[str, str] = field(default_factory=dict)

    def per_frame(self, what: Literal["processor", "GPU"]) -> float | str | None:
        """Return the joules a frame, or why there is no figure; None where nothing is known."""
        joules = self.processor_joules if what == "processor" else self.gpu_joules
        if joules is None or not self.frames:
            return self.lacking.get(what)
        return joules / self.frames


class BenchEntry(Recorded, frozen=True, kw_only=True):
    """How a timing by the protocol went.

    Attributes:
        warm_up_seconds: Before anything was timed, compiling included.
        passes: How often the whole set was run in each repeat.
        start: The machine when the first repeat began.
        end: The machine when the last one ended.
        processor_seconds: Processor time of this process meanwhile.
        share_of_others: Share of all processors that others used meanwhile, 0 to 1.
        label_maps_sha256: Of all label maps of a pass; equal in every pass, and equal to that of the files that were
            scored, where there is a truth.
        disturbances: What kept the figures from being more than indicative, besides their length.
        energy: What the machine counted meanwhile; None in records from before that was asked.
    """

    warm_up_seconds: float
    passes: tuple[int, ...]
    start: MachineState
    end: MachineState
    processor_seconds: float
    share_of_others: float
    label_maps_sha256: str
    disturbances: tuple[str, ...] = ()
    energy: EnergyUse | None = None


class Counts(Recorded, frozen=True, kw_only=True):
    """How many sequences there are of each state; `scored` of the finished ones have scores."""

    selected: int = 0
    done: int = 0
    failed: int = 0
    scored: int = 0


class VariantEntry(Recorded, frozen=True, kw_only=True):
    """One value of one axis of an ablation, as tables call it, and what is assumed about it."""

    axis: str
    value: str
    label: str = ""
    note: str = ""


class AblationEntry(Recorded, frozen=True, kw_only=True):
    """Of which ablation a run is a part.

    Attributes:
        method: Whose ablation it is; the run's own method may be a small variant of it.
        scale: Which of the method's ablations.
        variants: What the run stands for; several where values of several axes are the same system.
        recipe: What its weights were trained by; empty where they were there before.
        steps: Steps of that training.
        training_seconds: Seconds of that training, over all its starts; None where there was none.
    """

    method: str
    scale: str
    variants: tuple[VariantEntry, ...]
    recipe: str = ""
    steps: int = 0
    training_seconds: float | None = None
