"""Any folders of frames and label maps: a user's own video."""

import re
from collections.abc import Collection, Mapping
from functools import partial
from pathlib import Path

from vos_bench.api import Problem, Sequence
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_mistakes import background_problem, void_problem, white_problem
from vos_bench.labelmaps import VOID, object_ids, read_label_map, read_narrow, white_object
from vos_bench.names import counted, is_leftover, renaming, shorten

from .catalogue import FOLDER
from .frames import LABEL_SUFFIXES, list_images
from .inspection import Inspection, other_files, require_frames
from .masks import VOID_DOUBT, LabelReader, label_notes, read_white
from .problems import BadDataError, folder_problem, require_file_names, root_problem
from .video_folders import FolderDataset, FolderSequence

_RESOLUTION = re.compile(r"\d+\s*(p|px|k)\b|\d+\s*[x×]\s*\d+|resolution|unresized", re.IGNORECASE)
"""What the name of a folder says that holds a resolution of the data, as 480p, 854x480 and Full-Resolution."""

_REMEDY = "put frames into JPEGImages/SEQUENCE and label maps into Annotations/SEQUENCE"


class Folder(FolderDataset):
    """Sequences in `JPEGImages/SEQUENCE` with label maps of the same names in `Annotations/SEQUENCE`.

    One level between, such as `480p`, is accepted. An object starts on the first frame whose label map shows it.
    All label maps are the truth, be they dense or sparse, unless they show nothing but objects on the frame where they
    start (empty ones beside them do not count, since some tools write them for frames nobody labelled): then there is
    no truth. In a sequence of one object, label maps that hold only 0 and 255 show it in white; elsewhere 255 marks
    undecided pixels at the rims of objects. The protocol is `all-frames`, which scores every frame that has a truth:
    `davis` leaves out the last frame and wants a truth on every frame.
    """

    def __init__(self, root: Path, *, split: str = "all") -> None:
        """Find the sequences.

        Args:
            root: The folder that holds `JPEGImages` and `Annotations`.
            split: `all`.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        if problem := root_problem(root, "JPEGImages", dataset=FOLDER.name):
            raise BadDataError(problem)
        frames = _sequences_in(root / "JPEGImages")
        names = _folders_in(frames)
        require_file_names(frames, names)
        labels = _labels_in(root / "Annotations", names)
        with_labels = _folders_in(labels)
        without = [name for name in names if name not in with_labels]
        alone = [name for name in with_labels if name not in names]
        if without:
            remedy = renaming(alone, without) or (
                f"draw at least the first mask of each, as {labels / without[0]}/FRAME.png, or move them elsewhere"
            )
            raise BadDataError(Problem(labels, f"no label maps for {shorten(without)}", "a folder a sequence", remedy))
        if alone:
            remedy = f"put the frames into {frames / alone[0]}, or move the label maps elsewhere"
            raise BadDataError(
                Problem(frames, f"no folder of frames for {shorten(alone)}", "a folder a sequence", remedy)
            )
        super().__init__(
            root,
            name=FOLDER.name,
            split=split,
            protocol="all-frames",
            frames=frames,
            annotations=labels,
            sequence_names=names,
        )

    def _open(self, name: str) -> Sequence:
        return open_sequence(name, *self._files(name, "some frames"))

    def _inspection(self, name: str, /) -> Inspection:
        return Inspection("some frames", label_reader(list_images(self.annotations_folder / name, LABEL_SUFFIXES)))

    def _scored_here(self, masks: Path) -> str:
        score = f"vos-bench score {masks} --dataset {self.name} --root {self.root}"
        return f"the data are your own: with all true label maps at hand, score them here: {score} --truth DIR"


def label_reader(labels: Mapping[str, Path]) -> LabelReader:
    """Return what reads the label maps of a sequence, by what is in them; whoever reads a damaged one names it."""
    try:
        white = white_object(object_ids(read_narrow(path)) for path in labels.values())
    except BadInputError:
        white = None
    return read_label_map if white is None else partial(read_white, object_id=white)


def open_frames(folder: Path) -> FolderSequence:
    """Open a folder of frames without label maps. Raises BadInputError where it holds none in a clear order."""
    name = folder.absolute().name
    return FolderSequence(
        name,
        frames=require_frames(folder),
        annotations={},
        starts={},
        has_truth=False,
        read_labels=read_label_map,
    )


def open_sequence(name: str, frames: Mapping[str, Path], labels: Mapping[str, Path]) -> FolderSequence:
    """Open a sequence whose objects start where they first appear; reads all of its label maps to see where.

    Raises:
        BadInputError: A label map is damaged, none holds an object, or the background seems to have an index but 0.
    """
    present = _ids_by_frame(labels)
    white = white_object(present.values())
    doubt = _void_doubt(labels, present) if white is None else None
    reader: LabelReader = read_label_map if white is None else partial(read_white, object_id=white)
    ids_by_frame = {frame: _object_ids(ids, white) for frame, ids in present.items()}
    starts = _starts(ids_by_frame)
    if not starts:
        found = f"{counted(len(labels), 'label map')}, all empty"
        remedy = "draw each object on the frame where it starts, with its id as the label"
        raise BadDataError(Problem(next(iter(labels.values())).parent, found, "at least one object", remedy))
    return FolderSequence(
        name,
        frames=frames,
        annotations=labels,
        starts=starts,
        has_truth=any(starts.get(frame, ()) != ids for frame, ids in ids_by_frame.items()),
        read_labels=reader,
        notes={**label_notes(present), **({VOID_DOUBT: doubt.path.stem} if doubt else {})},
        doubts=(doubt,) if doubt else (),
    )


def _ids_by_frame(labels: Mapping[str, Path]) -> dict[str, tuple[int, ...]]:
    found = {}
    for frame, path in labels.items():
        read = read_narrow(path)
        if problem := background_problem(path, read) or white_problem(path, read):
            raise BadDataError(problem)
        found[frame] = object_ids(read)
    return found


def _void_doubt(labels: Mapping[str, Path], ids_by_frame: Mapping[str, tuple[int, ...]]) -> Problem | None:
    """Ask what 255 means on the first label map where it looks like an object; None where it does on none."""
    highest = max((k for ids in ids_by_frame.values() for k in ids if k != VOID), default=0)
    marked = (labels[frame] for frame, ids in ids_by_frame.items() if VOID in ids)
    return next((problem for path in marked if (problem := void_problem(path, read_label_map(path), highest))), None)


def _object_ids(ids: tuple[int, ...], white: int | None) -> tuple[int, ...]:
    """Return the ids of a label map's objects, where white is the given one or undecided."""
    if white is not None and ids == (VOID,):
        return (white,)
    return tuple(k for k in ids if k != VOID)


def _starts(ids_by_frame: Mapping[str, tuple[int, ...]]) -> dict[str, tuple[int, ...] | None]:
    """Return the frames on which objects are seen for the first time, with these objects."""
    seen: set[int] = set()
    starts: dict[str, tuple[int, ...] | None] = {}
    for frame, ids in ids_by_frame.items():
        if new := tuple(k for k in ids if k not in seen):
            starts[frame] = new
            seen.update(new)
    return starts


def _folders_in(folder: Path) -> tuple[str, ...]:
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name)))


def _labels_in(folder: Path, names: Collection[str]) -> Path:
    """Return the folder that holds one folder of label maps a sequence. Raises BadDataError where an object has one."""
    expected = "one folder a sequence, with label maps FRAME.png"
    if problem := folder_problem(folder, expected=expected, remedy=_REMEDY):
        raise BadDataError(problem)
    known = [name for name in _folders_in(folder) if name in names]
    if not known:
        return _sequences_in(folder)
    for name in known:
        if not list_images(folder / name) and any(list_images(each) for each in _folders(folder / name)):
            found, remedy = other_files(folder / name, "label map")
            raise BadDataError(Problem(folder / name, found, "label maps FRAME.png", remedy))
    return folder


def _folders(folder: Path) -> list[Path]:
    return [folder / name for name in _folders_in(folder)]


def _advice_on_levels(levels: list[Path]) -> str:
    """Return what to do with folders of folders, which may be anything: objects, resolutions, parts of the data."""
    inside = {name for level in levels for name in _folders_in(level)}
    if len(levels) > 1 and all(inside == {*_folders_in(level)} for level in levels):
        each = f"{levels[0].name}/{min(inside)}"
        return (
            f"all of them hold {shorten(sorted(inside))}: if each is an object, merge the masks of each frame, as "
            f"those of {each}, into one label map, with each object's id as its label; if each is a resolution or a "
            "part of the data, keep one here and move the others elsewhere"
        )
    held = f"{levels[0].name} holds {counted(len(_folders_in(levels[0])), 'folder')} and no image"
    return f"{held}: move these one level up if they are sequences, else {levels[0].name} elsewhere"


def _sequences_in(folder: Path) -> Path:
    """Return the folder that holds one folder a sequence: this one, or the only one in it that holds such folders."""
    remedy = _REMEDY
    if problem := folder_problem(folder, expected="one folder a sequence", remedy=remedy):
        raise BadDataError(problem)
    children = _folders(folder)
    levels = [child for child in children if not list_images(child) and _folders(child)]
    if not children or (levels and len(children) > 1):
        found = f"{len(children)} folders ({shorten(child.name for child in children)})" if children else "no folder"
        if not children and list_images(folder):
            found, remedy = "images", f"move them one level down, into {folder / 'my-video'}"
        elif not children and any(folder.iterdir()):
            found, remedy = other_files(folder)
        elif levels and all(_RESOLUTION.search(level.name) for level in levels):
            remedy = "keep one resolution here and move the others elsewhere"
        elif levels:
            remedy = _advice_on_levels(levels)
        raise BadDataError(Problem(folder, found, "one folder a sequence", remedy))
    return levels[0] if levels else folder
