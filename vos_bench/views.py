"""Other datasets and sequences as they are, for subclasses that change a part of them."""

from collections.abc import Mapping
from pathlib import Path

from vos_bench.api import Box, Dataset, FramesSeen, Image, LabelMap, Mask, Problem, Prompt, Sequence
from vos_bench.labelmaps import NarrowLabels


class DatasetView(Dataset):
    """Another dataset as it is, for a subclass that changes a part of it."""

    def __init__(self, dataset: Dataset) -> None:
        """Take the dataset."""
        self._dataset = dataset
        self.corruption = dataset.corruption
        self.name, self.split, self.version, self.root = dataset.name, dataset.split, dataset.version, dataset.root
        self.protocol, self.sequence_names = dataset.protocol, dataset.sequence_names
        self.track_files = dataset.track_files

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError as the dataset does."""
        return self._dataset.sequence(name)

    def fingerprint(self) -> str:
        """Ask the dataset."""
        return self._dataset.fingerprint()

    def frames_sha256(self, *, whole: bool) -> str:
        """Ask the dataset: it is about the files."""
        return self._dataset.frames_sha256(whole=whole)

    def check(self) -> list[Problem]:
        """Ask the dataset."""
        return self._dataset.check()

    def notes(self, name: str, /) -> Mapping[str, str]:
        """Ask the dataset."""
        return self._dataset.notes(name)

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Ask the dataset."""
        return self._dataset.frames_problem(seen)

    def package(self, masks: Path, archive: Path) -> None:
        """Write what the dataset's server takes."""
        self._dataset.package(masks, archive)


class SequenceView(Sequence):
    """Another sequence as it is, for a subclass that changes a part of it."""

    def __init__(self, sequence: Sequence) -> None:
        """Take the sequence."""
        self._sequence = sequence
        self.name, self.frame_names = sequence.name, sequence.frame_names
        self.prompt_frames, self.truth_names = sequence.prompt_frames, sequence.truth_names
        self.output_names, self.groups = sequence.output_names, sequence.groups
        self.first_frames, self.listed_objects = sequence.first_frames, sequence.listed_objects
        self.frame_ranges = sequence.frame_ranges
        self.object_names, self.object_frames = sequence.object_names, sequence.object_frames

    @property
    def notes(self) -> Mapping[str, str]:
        """Ask the sequence."""
        return self._sequence.notes

    def read_frame(self, frame_name: str) -> Image:
        """Ask the sequence."""
        return self._sequence.read_frame(frame_name)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Ask the sequence."""
        return self._sequence.read_prompt(frame_name)

    def read_truth(self, frame_name: str) -> LabelMap:
        """Ask the sequence."""
        return self._sequence.read_truth(frame_name)

    def read_truth_labels(self, frame_name: str) -> NarrowLabels:
        """Ask the sequence."""
        return self._sequence.read_truth_labels(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int) -> Mask:
        """Ask the sequence."""
        return self._sequence.read_truth_mask(frame_name, object_id)

    def read_boxes(self, frame_name: str, /) -> Mapping[int, Box]:
        """Ask the sequence."""
        return self._sequence.read_boxes(frame_name)
