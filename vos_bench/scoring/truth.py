"""Folders of true label maps: alone, with the objects of a `meta.json`, or in place of a dataset's own truth."""

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from vos_bench.api import Box, Dataset, FrameRange, FramesSeen, Image, LabelMap, Mask, Problem, Prompt, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files.listing import ARCHIVES, files_in
from vos_bench.formats.mask_folders import merging_advice
from vos_bench.labelmaps import NarrowLabels, file_bytes, read_label_map, read_narrow
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted, did_you_mean, frame_order, is_file_name, is_leftover, renaming, shorten

if TYPE_CHECKING:
    from vos_bench.formats.meta_json import Meta

LABEL_MAP = ".png"
"""What the name of a label map's file ends with."""

DEPTH = 3
"""How many levels below the given folder the right one is looked for."""


def list_folder(folder: Path) -> list[Path]:
    """Return what lies in a folder, sorted by file name as a string; hidden files and folders are left out.

    Raises:
        BadInputError: It is absent, a file, or may not be read.
    """
    return [folder / name for name in sorted(_names_in(folder))]


def _names_in(folder: Path) -> list[str]:
    """Return the names of what lies in a folder, in any order, as `list_folder` does."""
    try:
        return [name for name in os.listdir(folder) if not is_leftover(name)]  # noqa: PTH208 - a path for each takes longer
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        reason = getattr(error, "strerror", "") or str(error)
        remedy = "; unpack it, and give its folder" if folder.suffix.lower() in ARCHIVES else ""
        raise BadInputError(
            f"{folder}: cannot be listed: {reason}; expected a folder that you may read{remedy}"
        ) from None


def label_map_names(folder: Path) -> tuple[str, ...]:
    """Return the frame names of the PNG files in a folder, in the order of their file names as strings.

    So `10.png` comes before `2.png`, as in davis2017-evaluation: pad numbers with zeros.
    """
    names = (name.removesuffix(LABEL_MAP) for name in _names_in(folder) if name.endswith(LABEL_MAP))
    return tuple(sorted(names, key=frame_order))


def folder_advice(folder: Path, names: tuple[str, ...] = ()) -> str:
    """Return what is in a folder that was expected to hold folders of label maps, and which one was likely meant.

    Args:
        folder: What was given.
        names: The sequences that were looked for; empty for any.
    """
    inside = list_folder(folder)
    images = sum(path.suffix == ".png" for path in inside)
    if images:
        return (
            f"found {counted(images, 'PNG file')} directly in it, so it is one level too deep; did you mean "
            f"{folder.parent}?"
        )
    level = [path for path in inside if path.is_dir()]
    for _ in range(DEPTH):
        below = [path for parent in level for path in list_folder(parent) if path.is_dir()]
        for path in below:
            if path.name in names or (not names and label_map_names(path)):
                return f"did you mean {path.parent}?"
        level = below
    found = ", ".join(path.name for path in inside[:5])
    return f"found {found}{', …' if len(inside) > 5 else ''}" if inside else "it is empty"


@dataclass(frozen=True)
class TruthFolder:
    """One folder of truth label maps; a `vos_bench.metrics.frame_rules.TruthSequence`.

    Attributes:
        folder: Holds `FRAME.png`.
        truth_names: The frames, in the order of their file names as strings.
        groups: Empty: a folder says nothing of groups. See `listed_truth` for one that has a list.
        first_frames: Empty, likewise.
        object_names: Empty, for objects share label maps.
        object_frames: Empty, likewise.
        frame_ranges: Empty, likewise.
        listed_objects: None: there is no list.
    """

    folder: Path
    truth_names: tuple[str, ...]
    groups: Mapping[int, str] = field(default_factory=dict)
    first_frames: Mapping[int, str] = field(default_factory=dict)
    object_names: Mapping[int, str] = field(default_factory=dict)
    object_frames: Mapping[int, tuple[str, ...]] = field(default_factory=dict)
    frame_ranges: Mapping[int, FrameRange] = field(default_factory=dict)
    listed_objects: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read one label map. Raises BadInputError as `vos_bench.labelmaps.read_label_map` does."""
        return read_narrow(self.folder / f"{frame_name}.png")

    def read_truth_labels(self, frame_name: str, /) -> NarrowLabels:
        """Read what `read_truth` reads."""
        return self.read_truth(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the region of one object. Raises BadInputError as `read_truth`."""
        mask: Mask = self.read_truth(frame_name) == object_id
        return mask


def truth_folder(folder: Path, sequences: Iterable[str] | None = None) -> tuple[TruthFolder, ...]:
    """Open a folder in which every folder is a sequence of truth label maps.

    Frames are ordered by their file names as strings, as davis2017-evaluation does: `10.png` comes before `2.png`.

    Args:
        folder: Holds `SEQUENCE/FRAME.png`.
        sequences: Which of them, in this order; all, sorted, when None.

    Raises:
        BadInputError: A folder is missing, holds no label map, or lies one level too deep or too high.
    """
    inside = {path.name: path for path in list_folder(folder) if path.is_dir()}
    if not inside:
        raise BadInputError(f"{folder}: expected one folder of label maps for each sequence; {folder_advice(folder)}")
    names = tuple(inside) if sequences is None else tuple(sequences)
    if len(names) > len(set(names)):
        twice = next(name for name, count in Counter(names).items() if count > 1)
        raise BadInputError(f"{folder}: sequence {twice} is asked for twice, expected each once; mend the list")
    if unknown := [name for name in names if name not in inside]:
        raise BadInputError(_no_such_sequences(folder, unknown, names, tuple(inside)))
    _require_file_names(folder, names)
    opened = tuple(map(_open_folder, (inside[name] for name in names)))
    if empty := [sequence.name for sequence in opened if not sequence.truth_names]:
        raise BadInputError(
            f"{folder / empty[0]}: found no PNG file, expected label maps; {_empty_advice(folder, empty)}"
        )
    return opened


def _open_folder(folder: Path) -> TruthFolder:
    names = label_map_names(folder)
    _require_file_names(folder, names)
    return TruthFolder(folder, names)


def _empty_advice(folder: Path, empty: list[str]) -> str:
    """Return what lies in folders without label maps: perhaps one folder of masks for each object."""
    inside = [path for path in list_folder(folder / empty[0]) if path.is_dir() and label_map_names(path)]
    if inside:
        names = shorten(path.name for path in inside)
        advice = merging_advice(folder, [path.name for path in inside])
        if all(path.name.isdecimal() for path in inside):
            return (
                f"it holds a folder for each object ({names}), as SA-V has them: {advice}; or, if {empty[0]} is no "
                f"sequence, give {folder / empty[0]}"
            )
        right = inside[0].parent
        return f"it holds folders of them ({names}). Is each an object? Then {advice}. Else, did you mean {right}?"
    return folder_advice(folder)


def _require_file_names(folder: Path, names: Iterable[str]) -> None:
    if bad := [name for name in names if not is_file_name(name)]:
        expected = "one without control characters, valid in UTF-8"
        raise BadInputError(f"{folder}: found the name {bad[0]!r:.100}; expected {expected}; rename it")


def _no_such_sequences(folder: Path, unknown: list[str], wanted: tuple[str, ...], known: tuple[str, ...]) -> str:
    missing = f"{folder}: has no folder {shorten(unknown, most=5)}"
    if advice := renaming(known, unknown):
        return f"{missing}; {advice}"
    if len(unknown) == len(wanted):
        return f"{missing}; {folder_advice(folder, wanted)}"
    return f"{missing}; {did_you_mean(unknown[0], known, otherwise='check the list of sequences')}"


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
    from vos_bench.formats.meta_json import read_meta  # few truths have a list

    meta = read_meta(meta_file)
    chosen = tuple(sequences) if sequences is not None else tuple(sorted(meta.videos))
    opened = truth_folder(folder, chosen)
    if unknown := [sequence.name for sequence in opened if sequence.name not in meta.videos]:
        raise BadInputError(f"{meta_file}: does not list {', '.join(unknown[:5])}; choose others with --sequences")
    groups = _groups(meta, meta_file)
    return tuple(_with_list(sequence, meta, groups) for sequence in opened)


def _groups(meta: "Meta", meta_file: Path) -> Mapping[str, Mapping[int, str]]:
    from vos_bench.formats.meta_json import training_categories

    return meta.groups(training_categories(meta_file)) if meta.categories else {}


def _with_list(sequence: TruthFolder, meta: "Meta", groups: Mapping[str, Mapping[int, str]]) -> TruthFolder:
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
        found = f"{len(wanted) - len(missing)} of {counted(len(wanted), 'label map')}"
        raise BadInputError(
            f"{truth.folder}: found {found}, missing {shorten(missing)}; "
            f"expected a truth for every annotated frame; {_FIRST_MASKS}"
        )


class GivenTruth(Dataset):
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
        self._own = own
        self.track_files = {} if own is None else own.track_files
        self._dataset, self._truth = dataset, truth.absolute()
        self.name, self.split, self.root = dataset.name, dataset.split, dataset.root
        self.sequence_names = dataset.sequence_names
        # tracks are judged by files of tracks, which label maps are not
        lost = own is None and scoring_protocol(dataset.protocol).tracks
        self.protocol = "all-frames" if lost else dataset.protocol
        self.version = dataset.version
        self._groups: Mapping[str, Mapping[int, str]] = {}
        if own is None:
            from vos_bench.formats.meta_json import meta_beside, read_meta

            truth_folder(truth)
            meta_file = meta_beside(truth)
            self._groups = _groups(read_meta(meta_file), meta_file) if meta_file else {}

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
        _require_truth(truth, sequence.output_names, given=frozenset(sequence.prompt_frames))
        return _TruthSequence(sequence, truth, sequence.groups or self._groups.get(name, {}))

    def _truth_of(self, name: str) -> TruthFolder:
        folder = self._truth / name
        if folder.is_dir() and (opened := _open_folder(folder)).truth_names:
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

    def frames_sha256(self, *, whole: bool) -> str:
        """Ask the dataset."""
        return self._dataset.frames_sha256(whole=whole)

    def check(self) -> list[Problem]:
        """Check the dataset; the truth is checked when it is read."""
        return self._dataset.check()

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Ask the dataset."""
        return self._dataset.frames_problem(seen)

    def package(self, masks: Path, archive: Path) -> None:
        """Write what the dataset's server takes."""
        self._dataset.package(masks, archive)


class _FramesOf(Sequence):
    """The frames and prompts of a sequence, for one that has another truth."""

    def __init__(self, sequence: Sequence) -> None:
        self._sequence = sequence
        self.name, self.frame_names, self.prompt_frames = sequence.name, sequence.frame_names, sequence.prompt_frames
        self.output_names, self.object_names = sequence.output_names, sequence.object_names

    @property
    def notes(self) -> Mapping[str, str]:
        """Ask the dataset's sequence."""
        return self._sequence.notes

    def read_frame(self, frame_name: str) -> Image:
        """Ask the dataset's sequence."""
        return self._sequence.read_frame(frame_name)

    def read_prompt(self, frame_name: str) -> Prompt:
        """Ask the dataset's sequence."""
        return self._sequence.read_prompt(frame_name)

    def read_boxes(self, frame_name: str, /) -> Mapping[int, Box]:
        """Ask the dataset's sequence."""
        return self._sequence.read_boxes(frame_name)


class _OwnTruthSequence(_FramesOf):
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


class _TruthSequence(_FramesOf):
    """A sequence with another truth: on the frames whose label maps are asked for."""

    def __init__(self, sequence: Sequence, truth: TruthFolder, groups: Mapping[int, str]) -> None:
        super().__init__(sequence)
        self._truth = truth
        self.first_frames, self.groups = sequence.first_frames, groups
        self.listed_objects, self.frame_ranges = sequence.listed_objects, sequence.frame_ranges
        present = frozenset(truth.truth_names)
        self.truth_names = tuple(name for name in sequence.output_names if name in present)

    def read_truth(self, frame_name: str) -> LabelMap:
        """Read one label map of the given folder."""
        return read_label_map(self._truth.folder / f"{frame_name}.png")

    def read_truth_labels(self, frame_name: str) -> NarrowLabels:
        """Read one label map of the given folder, only as wide as its file."""
        return self._truth.read_truth(frame_name)
