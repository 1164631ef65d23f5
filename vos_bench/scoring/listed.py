"""Truth whose objects and frames a `meta.json` lists: alone, or in place of a dataset's own."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from vos_bench.api import (
    Dataset,
    FramesSeen,
    Image,
    LabelMap,
    Problem,
    Prompt,
    Sequence,
)
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import file_bytes, read_label_map
from vos_bench.meta_json import Meta, meta_beside, read_meta, training_categories
from vos_bench.names import shorten
from vos_bench.scoring.truth import TruthFolder, truth_folder

_FIRST_MASKS = "the public Annotations of valid and test hold only the first mask of each object and are no truth"


def listed_truth(folder: Path, meta_file: Path, sequences: Iterable[str] | None = None) -> tuple[TruthFolder, ...]:
    """Open truth label maps with the objects, first frames, categories and annotated frames of a `meta.json`.

    Args:
        folder: Holds `SEQUENCE/FRAME.png`.
        meta_file: The list; the training set's, for the seen categories, is looked for beside its folder.
        sequences: Which of them, in this order; all that are listed, when None.

    Raises:
        BadInputError: Folder and list do not fit together, or one of them is damaged.
    """
    meta = read_meta(meta_file)
    chosen = tuple(sequences) if sequences is not None else tuple(sorted(meta.videos))
    opened = truth_folder(folder, chosen)
    if unknown := [sequence.name for sequence in opened if sequence.name not in meta.videos]:
        raise BadInputError(f"{meta_file}: does not list {', '.join(unknown[:5])}; choose others with --sequences")
    groups = _groups(meta, meta_file)
    return tuple(_with_list(sequence, meta, groups) for sequence in opened)


def _groups(meta: Meta, meta_file: Path) -> Mapping[str, Mapping[int, str]]:
    return meta.groups(training_categories(meta_file)) if meta.categories else {}


def _with_list(sequence: TruthFolder, meta: Meta, groups: Mapping[str, Mapping[int, str]]) -> TruthFolder:
    video = meta.videos[sequence.name]
    names = video.frames
    _require_truth(sequence, names, given=frozenset(video.first_frames.values()))
    present = frozenset(sequence.truth_names)
    return replace(
        sequence,
        truth_names=tuple(name for name in names if name in present),
        groups=groups.get(sequence.name, {}),
        first_frames=video.first_frames,
    )


def _require_truth(truth: TruthFolder, names: tuple[str, ...], *, given: frozenset[str]) -> None:
    """Check that there is a truth for every frame that is asked for; those with a given mask may do without."""
    present = frozenset(truth.truth_names)
    wanted = [name for name in names if name not in given]
    if missing := [name for name in wanted if name not in present]:
        found = f"{len(wanted) - len(missing)} of {len(wanted)} label maps"
        raise BadInputError(
            f"{truth.folder}: found {found}, missing {shorten(missing)}; "
            f"expected a truth for every annotated frame; {_FIRST_MASKS}"
        )


class GivenTruth(Dataset):
    """A dataset whose truth, which is not public or not wanted, is replaced by a folder of label maps."""

    def __init__(self, dataset: Dataset, truth: Path) -> None:
        """Take the truth's place; the folder is looked at sequence by sequence, when each is opened.

        Args:
            dataset: Gives frames, prompts, objects and the frames that are asked for.
            truth: Holds `SEQUENCE/FRAME.png`; with categories, its `meta.json` tells the groups where the dataset
                cannot.

        Raises:
            BadInputError: There is no such folder, or no label maps in it.
        """
        self._dataset, self._truth = dataset, truth.absolute()
        self.name, self.split, self.root = dataset.name, dataset.split, dataset.root
        self.protocol, self.sequence_names = dataset.protocol, dataset.sequence_names
        self.version = dataset.version
        truth_folder(truth)
        meta_file = meta_beside(truth)
        self._groups = _groups(read_meta(meta_file), meta_file) if meta_file else {}

    def sequence(self, name: str) -> Sequence:
        """Open one sequence. Raises BadInputError as the dataset does, and when its truth is not whole."""
        sequence = self._dataset.sequence(name)
        (truth,) = truth_folder(self._truth, (name,))
        _require_truth(truth, sequence.output_names, given=frozenset(sequence.prompt_frames))
        return _TruthSequence(sequence, truth, sequence.groups or self._groups.get(name, {}))

    def fingerprint(self) -> str:
        """Return a sha256 of the dataset and of the truth label maps of its sequences. Raises BadInputError."""
        digest = hashlib.sha256(self._dataset.fingerprint().encode())
        for name in self.sequence_names:
            for path in sorted((self._truth / name).glob("*.png")):
                digest.update(f"\0{name}/{path.name}\0".encode())
                digest.update(file_bytes(path))
        return digest.hexdigest()

    def check(self) -> list[Problem]:
        """Check the dataset; the truth is checked when it is read."""
        return self._dataset.check()

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Ask the dataset."""
        return self._dataset.frames_problem(seen)

    def package(self, masks: Path, archive: Path) -> None:
        """Write what the dataset's server takes."""
        self._dataset.package(masks, archive)


class _TruthSequence(Sequence):
    """A sequence with another truth: on the frames whose label maps are asked for."""

    def __init__(self, sequence: Sequence, truth: TruthFolder, groups: Mapping[int, str]) -> None:
        self._sequence, self._truth = sequence, truth
        self.name, self.frame_names, self.prompt_frames = sequence.name, sequence.frame_names, sequence.prompt_frames
        self.output_names, self.first_frames, self.groups = sequence.output_names, sequence.first_frames, groups
        present = frozenset(truth.truth_names)
        self.truth_names = tuple(name for name in sequence.output_names if name in present)

    def read_frame(self, frame_name: str) -> Image:
        """Ask the dataset's sequence."""
        return self._sequence.read_frame(frame_name)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Ask the dataset's sequence."""
        return self._sequence.read_prompt(frame_name)

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map of the given folder."""
        return read_label_map(self._truth.folder / f"{frame_name}.png")
