"""Folders of true label maps: alone, or with the objects of a `meta.json`."""

import os
from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from vos_bench.api import FrameRange, Mask
from vos_bench.errors import BadInputError
from vos_bench.files.listing import ARCHIVES
from vos_bench.formats.mask_folders import merging_advice
from vos_bench.labelmaps import NarrowLabels, label_map_path, read_narrow
from vos_bench.metrics.frame_rules import TruthSequence
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


def folder_advice(folder: Path, names: tuple[str, ...] = (), *, truth: Iterable[TruthSequence] = ()) -> str:
    """Return what is in a folder that was expected to hold folders of label maps, and which one was likely meant.

    Args:
        folder: What was given.
        names: The sequences that were looked for; empty for any.
        truth: The true label maps, where others are looked for: they were not meant.
    """
    inside = list_folder(folder)
    images = sum(path.suffix == ".png" for path in inside)
    if images:
        deep = f"found {counted(images, 'PNG file')} directly in it, so it is one level too deep"
        meant = "they show the truth itself" if _shows_truth(folder, truth) else f"did you mean {folder.parent}?"
        return f"{deep}; {meant}"
    level, refused = [path for path in inside if path.is_dir()], ""
    for _ in range(DEPTH):
        below = []
        for parent in level:
            folders = [path for path in list_folder(parent) if path.is_dir()]
            named = (path for path in folders if path.name in names or not names)
            held = _holds_label_maps if names else label_map_names
            if (first := next(filter(held, named), None)) is not None:
                if not _shows_truth(first, truth):
                    return f"did you mean {parent}?"
                refused = refused or f"found {parent}, which shows the truth itself"
            below += folders
        level = below
    found = ", ".join(path.name for path in inside[:5])
    return refused or (f"found {found}{', …' if len(inside) > 5 else ''}" if inside else "it is empty")


def _holds_label_maps(folder: Path) -> bool:
    """Say whether PNG files lie in the folder of a sequence, or in one of its objects."""
    return any(map(label_map_names, [folder, *(path for path in list_folder(folder) if path.is_dir())]))


def _shows_truth(folder: Path, truth: Iterable[TruthSequence]) -> bool:
    """Say whether the label maps in the folder of a sequence show its truth, pixel by pixel, wherever there is one."""
    sequence = next((each for each in truth if each.name == folder.name), None)
    if sequence is None:
        return False
    try:
        if sequence.object_names:
            k, name = next(iter(sequence.object_names.items()))
            frames = [*{*label_map_names(folder / name)}.intersection(sequence.object_frames[k])]
            pairs = ((sequence.read_truth_mask(frame, k), folder / name / f"{frame}.png") for frame in frames)
        else:
            frames = [*{*label_map_names(folder)}.intersection(sequence.truth_names)]
            pairs = ((sequence.read_truth_labels(frame) > 0, folder / f"{frame}.png") for frame in frames)
        # whether there is an object: some datasets unite the objects of a label map
        return bool(frames) and all(np.array_equal(read_narrow(path) > 0, mask) for mask, path in pairs)
    except BadInputError:
        return False


class TruthFolder(NamedTuple):
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
    groups: Mapping[int, str] = {}
    first_frames: Mapping[int, str] = {}
    object_names: Mapping[int, str] = {}
    object_frames: Mapping[int, tuple[str, ...]] = {}
    frame_ranges: Mapping[int, FrameRange] = {}
    listed_objects: tuple[int, ...] | None = None

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.name

    def read_truth(self, frame_name: str, /) -> NarrowLabels:
        """Read one label map. Raises BadInputError as `vos_bench.labelmaps.read_label_map` does."""
        return read_narrow(label_map_path(self.folder, frame_name))

    def read_truth_labels(self, frame_name: str, /) -> NarrowLabels:
        """Read what `read_truth` reads."""
        return self.read_truth(frame_name)

    def read_truth_mask(self, frame_name: str, object_id: int, /) -> Mask:
        """Read the region of one object. Raises BadInputError as `read_truth`."""
        mask: Mask = self.read_truth(frame_name) == object_id
        return mask

    def read_object_labels(self, frame_name: str, object_id: int, /) -> NarrowLabels:
        """Read what `read_truth_mask` reads, as 0 and 1."""
        return self.read_truth_mask(frame_name, object_id).view(np.uint8)


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
    opened = tuple(map(truth_of_sequence, (inside[name] for name in names)))
    if empty := [sequence.name for sequence in opened if not sequence.truth_names]:
        raise BadInputError(
            f"{folder / empty[0]}: found no PNG file, expected label maps; {_empty_advice(folder, empty)}"
        )
    return opened


def truth_of_sequence(folder: Path) -> TruthFolder:
    """Open the folder of one sequence, which may be empty. Raises BadInputError."""
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
    groups = category_groups(meta, meta_file)
    return tuple(_with_list(sequence, meta, groups) for sequence in opened)


def category_groups(meta: "Meta", meta_file: Path) -> Mapping[str, Mapping[int, str]]:
    """Return the groups of the objects of each sequence, by the training set's categories. Raises BadInputError."""
    from vos_bench.formats.meta_json import training_categories

    return meta.groups(training_categories(meta_file)) if meta.categories else {}


def _with_list(sequence: TruthFolder, meta: "Meta", groups: Mapping[str, Mapping[int, str]]) -> TruthFolder:
    video = meta.videos[sequence.name]
    names = video.frames
    require_truth(sequence, names, given=frozenset(video.first_frames.values()))
    present = frozenset(sequence.truth_names)
    return sequence._replace(
        truth_names=tuple(name for name in names if name in present),
        groups=groups.get(sequence.name, {}),
        first_frames=video.first_frames,
    )


def require_truth(truth: TruthFolder, names: tuple[str, ...], *, given: frozenset[str]) -> None:
    """Raise BadInputError where a frame that is asked for has no truth; those with a given mask may do without."""
    present = frozenset(truth.truth_names)
    wanted = [name for name in names if name not in given]
    if missing := [name for name in wanted if name not in present]:
        found = f"{len(wanted) - len(missing)} of {counted(len(wanted), 'label map')}"
        raise BadInputError(
            f"{truth.folder}: found {found}, missing {shorten(missing)}; "
            f"expected a truth for every annotated frame; {_FIRST_MASKS}"
        )
