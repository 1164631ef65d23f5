"""Any folders of frames and label maps: a user's own video."""

from collections.abc import Mapping
from pathlib import Path

from vos_bench.api import Problem, Sequence
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, object_ids, read_label_map, read_narrow
from vos_bench.names import shorten

from .catalogue import FOLDER
from .frames import LABEL_SUFFIXES, list_images
from .inspection import Inspection, require_frames, require_label_maps, require_partners
from .masks import LabelReader, read_white
from .problems import BadDataError, folder_problem, require_file_names, root_problem
from .video_folders import FolderDataset, FolderSequence


class Folder(FolderDataset):
    """Sequences in `JPEGImages/SEQUENCE` with label maps of the same names in `Annotations/SEQUENCE`.

    One level between, such as `480p`, is accepted. An object starts on the first frame whose label map shows it.
    All label maps are the truth, be they dense or sparse, unless they show nothing but objects on the frame where they
    start (empty ones beside them do not count, since some tools write them for frames nobody labelled): then there is
    no truth. Where all label maps of a sequence hold only 0 and 255, white is object 1; elsewhere 255 marks
    undecided pixels. The protocol is `all-frames`, which scores every frame that has a truth: `davis` leaves out the
    last frame and wants a truth on every frame.
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
        frames, labels = _sequences_in(root / "JPEGImages"), _sequences_in(root / "Annotations")
        names = _folders_in(frames)
        require_file_names(frames, names)
        if lost := [name for name in names if not (labels / name).is_dir()]:
            remedy = f"draw at least the first mask of each, as {labels / lost[0]}/FRAME.png, or move them elsewhere"
            raise BadDataError(Problem(labels, f"no label maps for {shorten(lost)}", "a folder a sequence", remedy))
        if lost := [name for name in _folders_in(labels) if name not in names]:
            remedy = f"put the frames into {frames / lost[0]}, or move the label maps elsewhere"
            raise BadDataError(
                Problem(frames, f"no folder of frames for {shorten(lost)}", "a folder a sequence", remedy)
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
        folder = self.frames_folder / name
        frames = require_frames(folder)
        labels = require_label_maps(self.annotations_folder / name)
        require_partners(folder, frames, labels, "some frames")
        return open_sequence(name, frames, labels)

    def _inspection(self, name: str, /) -> Inspection:
        try:
            labels = list_images(self.annotations_folder / name, LABEL_SUFFIXES)
            white = _is_white(_ids_by_frame(labels))
        except BadInputError:
            white = False  # a damaged label map; the inspection names it
        return Inspection("some frames", read_white if white else read_label_map)


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
        BadInputError: A label map is damaged, or none holds an object.
    """
    present = _ids_by_frame(labels)
    white = _is_white(present)
    reader: LabelReader = read_white if white else read_label_map
    ids_by_frame = {frame: (1,) * bool(ids) if white else _without_void(ids) for frame, ids in present.items()}
    starts = _starts(ids_by_frame)
    if not starts:
        found = f"{len(labels)} label maps, all empty"
        remedy = "draw each object on the frame where it starts, with its id as the label"
        raise BadDataError(Problem(next(iter(labels.values())).parent, found, "at least one object", remedy))
    return FolderSequence(
        name,
        frames=frames,
        annotations=labels,
        starts=starts,
        has_truth=any(starts.get(frame, ()) != ids for frame, ids in ids_by_frame.items()),
        read_labels=reader,
    )


def _ids_by_frame(labels: Mapping[str, Path]) -> dict[str, tuple[int, ...]]:
    return {frame: object_ids(read_narrow(path)) for frame, path in labels.items()}


def _is_white(ids_by_frame: Mapping[str, tuple[int, ...]]) -> bool:
    """Say whether label maps are 0/255 masks of one object."""
    return {k for ids in ids_by_frame.values() for k in ids} == {VOID}


def _without_void(ids: tuple[int, ...]) -> tuple[int, ...]:
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
    return tuple(sorted(path.name for path in folder.iterdir() if path.is_dir() and not path.name.startswith(".")))


def _sequences_in(folder: Path) -> Path:
    """Return the folder that holds one folder a sequence: this one, or the only one in it that holds such folders."""
    remedy = "put frames into JPEGImages/SEQUENCE and label maps into Annotations/SEQUENCE"
    if problem := folder_problem(folder, expected="one folder a sequence", remedy=remedy):
        raise BadDataError(problem)
    children = sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith("."))
    levels = [child for child in children if not list_images(child) and any(path.is_dir() for path in child.iterdir())]
    if not children or (levels and len(children) > 1):
        found = f"{len(children)} folders ({shorten(child.name for child in children)})" if children else "no folder"
        if not children and list_images(folder):
            found, remedy = "images", f"move them one level down, into {folder / 'my-video'}"
        elif levels:
            remedy = "keep one resolution here and move the others elsewhere"
        raise BadDataError(Problem(folder, found, "one folder a sequence", remedy))
    return levels[0] if levels else folder
