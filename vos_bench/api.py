"""The interfaces between datasets, methods, reports and the runner: what a plugin's author needs of vos-bench.

How an installed plugin describes itself is in `vos_bench.plugins`.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.progress import Progress
from vos_bench.prompts import Box as Box
from vos_bench.prompts import Mask as Mask
from vos_bench.prompts import Prompt as Prompt

Image = NDArray[np.uint8]
"""H x W x 3, RGB."""

LabelMap = NDArray[np.uint16]
"""H x W; 0 is background, k is object k."""

PromptKind = Literal["mask", "box"]
ProtocolName = Literal[
    "davis",
    "ytvos",
    "ytvos-without-last",
    "all-frames",
    "sav",
    "sav-all",
    "mosev1",
    "mosev2",
    "lvos",
    "lvos-compiled-op",
    "vost",
    "burst-exemplar",
    "burst-class",
    "burst-open",
]
FramesSeen = Literal["all", "annotated"]
Precision = Literal["off", "tf32", "fp16", "bf16"]
"""Of a network on a GPU: float32 throughout; float32 whose products are rounded to TF32; autocast to a half."""

UNTRAINED: Final = "untrained"
"""What `--weights` says to run a network with random parameters, and what its record then calls them."""

Parameters = Path | Literal["untrained"]
"""A file of parameters, or the word for random ones."""


class Prediction(NamedTuple):
    """A method's answer for one frame.

    Attributes:
        labels: The label map at the frame's own size, ids as the prompts gave them.
        probabilities: (1 + K) x H x W, background first and then the objects by ascending id, or None.
        milliseconds: How long this frame took by the method's own clock, for one that works in another process; None
            leaves the timing to the runner. It counts where every frame of a sequence has it.
    """

    labels: LabelMap
    probabilities: NDArray[np.float16] | None = None
    milliseconds: float | None = None


class PromptedFrame(NamedTuple):
    """One frame as a method sees it: the image and the objects that start on it (None for most frames)."""

    image: Image
    new: Prompt | None


class PromptedSequence(NamedTuple):
    """A whole sequence from its first prompt on, for a `SequenceMethod`.

    Attributes:
        name: The sequence's name.
        frame_names: The names of the frames, in order; the first has a prompt.
        frames: Yields each frame once, in order, decoded one ahead of its use. In real time a frame is there only once
            the one before it is answered, and those that came meanwhile are left out.
        dropped: The names of the frames that were left out so far.
    """

    name: str
    frame_names: tuple[str, ...]
    frames: Iterator[PromptedFrame]
    dropped: Collection[str] = ()

    def named_frames(self) -> Iterator[tuple[str, PromptedFrame]]:
        """Yield each frame of `frames` with its name."""
        names = iter(self.frame_names)
        for frame in self.frames:
            yield next(name for name in names if name not in self.dropped), frame


class _Configurable:
    """What both kinds of method are built from; see `Method`."""

    Config: ClassVar[type[Any] | None] = None
    """The method's configuration, a `vos_bench.config.FrozenModel`; None for a method with nothing to set."""

    takes_corrections: ClassVar[bool] = False
    """Whether `step` takes another mask of an object that has started, and learns from it."""

    on_cpu: ClassVar[bool] = False
    """Whether the method computes on the processor alone, whatever `--device` says; its record then says `cpu`."""

    objects_at_once: int | None = None
    """How many objects a method takes together at most, None where that cannot be set. Nothing but its last bits may
    depend on it. When memory runs out the runner halves it, starts the sequence again, and sets it back afterwards."""

    wants_probabilities: bool = True
    """Whether the probabilities of predictions are used. A method may ignore this, or leave them out where they cost
    time. The runner sets it once the method is built, by `--save-probabilities`."""

    def __init__(
        self,
        config: Any = None,
        *,
        weights: Parameters | None = None,
        device: str = "cpu",
        amp: Precision = "off",
        compile: bool = False,
        seed: int = 0,
    ) -> None:
        """Keep the settings; a subclass builds its network after calling this.

        Args:
            config: An instance of the class's `Config`; None stands for its defaults.
            weights: The file of parameters, or None for a method without any; `UNTRAINED` reaches only methods whose
                description says that they run so.
            device: A torch device name: `cpu`, `cuda` or `cuda:1`.
            amp: Precision of the network: `fp16` and `bf16` ask for autocast; for `off` and `tf32` the runner has set
                torch's switches, and there is nothing to do.
            compile: Whether to compile the network.
            seed: The run's seed. Before each sequence the runner seeds Python, NumPy, OpenCV and torch from it and
                from the sequence's name, so that neither order nor shards change a result.
        """
        self.config = config if config is not None or self.Config is None else self.Config()
        self.weights = weights
        self.device = "cpu" if self.on_cpu else device
        self.amp = amp
        self.compile = compile
        self.seed = seed

    def finish(self) -> str:
        """Called when a sequence has ended, well or not; return what its record should keep, such as a log."""
        return ""

    def close(self) -> None:
        """Release what must not outlive the run, such as processes; the last call to a method."""


class Method(_Configurable, ABC):
    """A semi-supervised VOS method that answers frame by frame. One instance serves many sequences, one at a time.

    The runner hands over objects numbered 1..K in the order in which they start, whatever ids the dataset uses.
    """

    @abstractmethod
    def initialize(self, image: Image, prompt: Prompt) -> Prediction:
        """Forget the last sequence and take the first objects.

        Args:
            image: The first frame with a prompt, H x W x 3.
            prompt: The objects that start on it.

        Returns:
            The label map of this frame; where masks were given the runner pastes them over it.
        """

    @abstractmethod
    def step(self, image: Image, new: Prompt | None = None) -> Prediction:
        """Segment the next frame.

        Args:
            image: H x W x 3, the size of the first frame.
            new: Objects that start on this frame, with ids never given before in this sequence; where the method
                `takes_corrections`, also masks of objects that have started.

        Returns:
            The label map of this frame, H x W, with no id that was not given so far.
        """


class SequenceMethod(_Configurable, ABC):
    """A method, or an adapter of a foreign program, that wants the whole sequence at once."""

    @abstractmethod
    def segment(self, sequence: PromptedSequence) -> Iterator[Prediction]:
        """Yield one prediction a frame, in the order of `sequence.frame_names`, the first frame included.

        One that answers each frame before it takes the next can also be run in real time.
        """

    def preview_sequences(self, sequences: Iterator[PromptedSequence]) -> None:
        """Called with all sequences of a run before the first one is asked for, and only where they run one by one.

        Raise an error of one sequence only when that sequence is asked for, so that it fails alone.
        """


class FrameRange(NamedTuple):
    """The frames on which a list of the dataset says that an object is annotated.

    Attributes:
        frames: Their names, in order, as the list's first and last number give them.
        listed: How many there are, as the list says; a wrong list may say another number.
    """

    frames: tuple[str, ...]
    listed: int


class Sequence(ABC):
    """One video of a dataset. Reading is lazy: an instance holds names and paths, never pixels.

    Most datasets store one label map a frame. Where objects may overlap (SA-V, BURST) each object has masks of its own:
    then `object_frames` names the frames of each, `read_truth_mask` reads one, and `read_truth` merges them for
    pictures alone. Where `object_names` is not empty, the masks of a run lie in one folder an object as well; see
    `vos_bench.formats.mask_folders`.
    """

    name: str
    frame_names: tuple[str, ...]
    """Every frame that a method may see, in order."""

    prompt_frames: tuple[str, ...]
    """The frames on which objects start, in order; a subset of `frame_names`, empty when nothing is given."""

    truth_names: tuple[str, ...] = ()
    """The frames that have a truth, in order; empty where the truth is not public."""

    output_names: tuple[str, ...]
    """The frames whose label maps a server or a protocol asks for; the runner writes these and no others."""

    groups: Mapping[int, str]
    """Object id to `seen` or `unseen`; empty where the dataset has no such groups."""

    first_frames: Mapping[int, str] = MappingProxyType({})
    """Object id to the first frame that a list of the dataset names for it; empty where there is no such list."""

    listed_objects: tuple[int, ...] | None = None
    """The objects that a list of the dataset names, ascending, shown or not; None where there is no such list."""

    frame_ranges: Mapping[int, FrameRange] = MappingProxyType({})
    """Object id to the frames that a list of the dataset names for it (LVOS); empty where there is no such list."""

    object_names: Mapping[int, str] = MappingProxyType({})
    """Object id to the name of its folder of masks, such as `000` for object 1 of SA-V; empty for label maps."""

    object_frames: Mapping[int, tuple[str, ...]] = MappingProxyType({})
    """Object id to the frames that have a truth of this object, in order; empty where objects share label maps."""

    @property
    def notes(self) -> Mapping[str, str]:
        """What to know of the data beside the scores: a sentence without a full stop, to a detail (or nothing)."""
        return {}

    @abstractmethod
    def read_frame(self, frame_name: str) -> Image:
        """Decode one frame; H x W x 3, RGB."""

    @abstractmethod
    def read_prompt(self, frame_name: str) -> Prompt:
        """Read what is given on one of `prompt_frames`, under the dataset's own object ids."""

    @abstractmethod
    def read_truth(self, frame_name: str) -> LabelMap:
        """Read the truth of one of `truth_names`, under the dataset's own object ids."""

    def read_truth_labels(self, frame_name: str) -> NDArray[np.uint8] | LabelMap:
        """Read what `read_truth` reads; a dataset may return 8 bits a label, which scoring takes as it is."""
        return self.read_truth(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int) -> Mask:
        """Read the truth of one object on one of its frames; it may overlap the truth of other objects."""
        mask: Mask = self.read_truth(frame_name) == object_id
        return mask

    def read_object_labels(self, frame_name: str, object_id: int) -> NDArray[np.uint8] | LabelMap:
        """Read what `read_truth_mask` reads; a dataset may return the labels of the object's own file.

        Scoring takes them as they are where they are 0 and 1, and asks for the mask where they are not.
        """
        return self.read_truth_mask(frame_name, object_id).view(np.uint8)

    def read_boxes(self, _frame_name: str, /) -> Mapping[int, Box]:
        """Return the boxes that the annotation of a frame gives besides its masks; empty where it gives none."""
        return {}


class Problem(NamedTuple):
    """One thing that is wrong with a dataset's folder, and how to fix it."""

    path: Path
    found: str
    expected: str
    remedy: str

    @property
    def message(self) -> str:
        """All of it, in one line where it is short."""
        parts = (f"{self.path}: found {self.found}", f"expected {self.expected}", self.remedy)
        return ("; " if sum(map(len, parts[1:])) + len(self.found) < 120 else "\n  ").join(parts)


class Dataset(ABC):
    """The sequences of one split of one dataset."""

    name: str
    split: str
    version: str = ""
    """Of the release, empty where there is but one."""

    root: Path
    protocol: ProtocolName
    """The protocol by which this dataset is scored unless the user asks for another."""

    sequence_names: tuple[str, ...]

    track_files: Mapping[str, Path] = MappingProxyType({})
    """Set of classes to the file that holds its truth as tracks (BURST); empty where label maps or masks do."""

    corruption: str = ""
    """How its frames are corrupted on purpose when they are read, as `--corrupt` says it; empty where they are not."""

    @abstractmethod
    def sequence(self, name: str) -> Sequence:
        """Open one sequence by name."""

    def __iter__(self) -> Iterator[Sequence]:
        return map(self.sequence, self.sequence_names)

    def __len__(self) -> int:
        return len(self.sequence_names)

    @abstractmethod
    def fingerprint(self) -> str:
        """Return a sha256 that changes whenever the frames, the truth or the list of sequences change.

        It may look at parts of the frames alone; its documentation then says at which.
        """

    def frames_sha256(self, *, whole: bool) -> str:
        """Return a sha256 of the frames' content, sampled all over each file or of whole files; empty if not known.

        It is no part of what makes two runs the same run. A resumed run is refused where it has changed.
        """
        del whole
        return ""

    @abstractmethod
    def check(self) -> list[Problem]:
        """Look at every file's name, size and ids; return what is wrong, an empty list when all is well."""

    def notes(self, name: str, /) -> Mapping[str, str]:
        """Return what to know of a sequence's data, as `Sequence.notes` has it, after a look at all its label maps."""
        return self.sequence(name).notes

    def frames_problem(self, _seen: FramesSeen, /) -> Problem | None:
        """Return why a method cannot see these frames, or None: a run asks before it begins."""
        return None

    @abstractmethod
    def package(self, masks: Path, archive: Path) -> None:
        """Write the zip that the dataset's server takes, after checking names, counts, sizes and ids.

        Args:
            masks: A run's label maps, `masks/SEQUENCE/FRAME.png`.
            archive: The zip to write, whole or not at all.

        Raises:
            BadInputError: A label map is missing or is not what the server accepts, or there is no such server.
        """


@dataclass(frozen=True)
class ReportOptions:
    """What the command line passes to a report that writes files itself.

    Attributes:
        out: The file or folder to write.
        paths: The folders that were named.
        root: Where the data lie, None to find them as every command does.
        roots: The same for single datasets, by name.
        sequences: The sequences to show, None for the report's own choice.
        progress: Hears what a report counts: `with progress.counting("frames", 300) as step`, and `step()` after each.
    """

    out: Path
    paths: tuple[Path, ...] = ()
    root: Path | None = None
    roots: Mapping[str, Path] = field(default_factory=dict)
    sequences: tuple[str, ...] | None = None
    progress: Progress = field(default_factory=Progress)
