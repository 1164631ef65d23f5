"""A dataset with a folder of true label maps in place of its own truth."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from vos_bench.api import Dataset, LabelMap, Mask, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files.listing import files_in
from vos_bench.labelmaps import NarrowLabels, file_bytes, read_label_map
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.scoring.truth import TruthFolder, category_groups, require_truth, truth_folder, truth_of_sequence
from vos_bench.views import DatasetView, SequenceView


class GivenTruth(DatasetView):
    """A dataset whose truth, which is not public or not wanted, is replaced by a folder of label maps."""

    def __init__(self, dataset: Dataset, truth: Path, own: Dataset | None = None) -> None:
        """Take the truth's place; the folder is looked at sequence by sequence, when each is opened.

        Args:
            dataset: Gives frames, prompts, objects and the frames that are asked for.
            truth: Holds `SEQUENCE/FRAME.png`; with categories, its `meta.json` tells the groups where the dataset
                cannot.
            own: The same folder, opened as truth in the dataset's own layout; see `vos_bench.registry.open_truth`.

        Raises:
            BadInputError: There is no such folder, or no label maps in it.
        """
        super().__init__(dataset)
        self._own, self._truth = own, truth.absolute()
        self.track_files = {} if own is None else own.track_files
        # tracks are judged by files of tracks, which label maps are not
        lost = own is None and scoring_protocol(dataset.protocol).tracks
        self.protocol = "all-frames" if lost else dataset.protocol
        self._groups: Mapping[str, Mapping[int, str]] = {}
        if own is None:
            from vos_bench.formats.meta_json import meta_beside, read_meta

            truth_folder(truth)
            meta_file = meta_beside(truth)
            self._groups = category_groups(read_meta(meta_file), meta_file) if meta_file else {}

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError as the dataset does, and when its truth is not whole."""
        sequence = self._dataset.sequence(name)
        own = None if self._own is None else self._own.sequence(name)
        if own is not None and (own.object_names or not sequence.object_names):
            return _OwnTruthSequence(sequence, own)
        if sequence.object_names:
            raise BadInputError(
                f"{self._truth}: {self.name} has masks in one folder an object, which may overlap, and not label maps\n"
                f"  expected its own truth, or: vos-bench score MASKS --dataset {self.name} --truth {self._truth}"
            )
        truth = self._truth_of(name)
        require_truth(truth, sequence.output_names, given=frozenset(sequence.prompt_frames))
        return _TruthSequence(sequence, truth, sequence.groups or self._groups.get(name, {}))

    def _truth_of(self, name: str) -> TruthFolder:
        folder = self._truth / name
        if folder.is_dir() and (opened := truth_of_sequence(folder)).truth_names:
            return opened
        return truth_folder(self._truth, (name,))[0]  # which lists all folders, to say what is wrong

    def fingerprint(self) -> str:
        """Return a sha256 of the dataset and of the truth of its sequences. Raises BadInputError."""
        digest = hashlib.sha256(self._dataset.fingerprint().encode())
        if self._own is not None:
            digest.update(self._own.fingerprint().encode())
            return digest.hexdigest()
        for name in self.sequence_names:
            for path in files_in(self._truth / name, ".png"):
                digest.update(f"\0{name}/{path.name}\0".encode())
                digest.update(file_bytes(path))
        return digest.hexdigest()

    def notes(self, name: str, /) -> Mapping[str, str]:
        """Return what to know of a sequence's frames and prompts; what the dataset's own truth says is left out."""
        return self.sequence(name).notes


class _OwnTruthSequence(SequenceView):
    """A sequence with a truth in the dataset's own layout, and what the lists beside that say of its objects."""

    def __init__(self, sequence: Sequence, truth: Sequence) -> None:
        super().__init__(sequence)
        self._truth = truth
        self.truth_names, self.first_frames, self.groups = truth.truth_names, truth.first_frames, truth.groups
        self.listed_objects, self.frame_ranges = truth.listed_objects, truth.frame_ranges
        self.object_names, self.object_frames = truth.object_names, truth.object_frames

    def read_truth(self, frame_name: str) -> LabelMap:
        """Ask the truth."""
        return self._truth.read_truth(frame_name)

    def read_truth_labels(self, frame_name: str) -> NarrowLabels:
        """Ask the truth."""
        return self._truth.read_truth_labels(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int) -> Mask:
        """Ask the truth."""
        return self._truth.read_truth_mask(frame_name, object_id)

    def read_object_labels(self, frame_name: str, object_id: int) -> NarrowLabels:
        """Ask the truth."""
        return self._truth.read_object_labels(frame_name, object_id)


class _TruthSequence(SequenceView):
    """A sequence with another truth: on the frames whose label maps are asked for."""

    def __init__(self, sequence: Sequence, truth: TruthFolder, groups: Mapping[int, str]) -> None:
        super().__init__(sequence)
        self._truth = truth
        self.groups = groups
        present = frozenset(truth.truth_names)
        self.truth_names = tuple(name for name in sequence.output_names if name in present)

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map of the given folder."""
        return read_label_map(self._truth.folder / f"{frame_name}.png")

    def read_truth_labels(self, frame_name: str) -> NarrowLabels:
        """Read one label map of the given folder, only as wide as its file."""
        return self._truth.read_truth(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int) -> Mask:
        """Read one object of a label map of the given folder."""
        return self._truth.read_truth_mask(frame_name, object_id)
