"""Where exports come from: a run, a folder of `vos-bench segment`, or any folder of label maps."""

import shlex
from collections.abc import Callable, Generator, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path

from vos_bench.api import LabelMap
from vos_bench.errors import BadInputError
from vos_bench.files.listing import files_in, folders_in
from vos_bench.formats.mask_folders import object_folders
from vos_bench.labelmaps import VOID, WHITE_NOTE, object_ids, read_label_map, read_narrow, read_size, white_object
from vos_bench.names import counted, did_you_mean
from vos_bench.records import Run, load_run, run_file
from vos_bench.records.data import RunData
from vos_bench.segmenting.inputs import FOLDER_RATE, open_input
from vos_bench.segmenting.record import FILE, SegmentedSequence, read_segment_record
from vos_bench.video import TimedFrame

NamedFrames = Generator[tuple[str, TimedFrame], None, None]
"""Frames with their names, in order."""


@dataclass(frozen=True)
class LabelMapFolder:
    """The label maps of one sequence.

    Attributes:
        name: The sequence's name.
        paths: Frame name to label map, in order.
        rate: Frames a second.
        frames: Opens the frames.
    """

    name: str
    paths: dict[str, Path]
    rate: Fraction
    frames: Callable[[], NamedFrames]

    @cached_property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return read_size(next(iter(self.paths.values())))

    @cached_property
    def _ids(self) -> dict[str, tuple[int, ...]]:
        """The ids in each label map."""
        return {name: object_ids(read_narrow(path)) for name, path in self.paths.items()}

    @property
    def notes(self) -> tuple[str, ...]:
        """How white (255) was understood."""
        if not (where := [name for name, ids in self._ids.items() if VOID in ids]):
            return ()
        if self._white:
            return (f"{self.name}: {WHITE_NOTE}",)
        return (f"{self.name}: 255 marks undecided pixels on {counted(len(where), 'frame')}, which became background",)

    @cached_property
    def _white(self) -> int:
        """What white (255) becomes: the one object of the sequence, or background."""
        return white_object(self._ids.values()) or 0

    def read(self, frame: str) -> LabelMap:
        """Read one label map. Raises BadInputError where it has another size than the first."""
        path = self.paths[frame]
        labels = read_label_map(path)
        if labels.shape != self.size:
            raise BadInputError(
                f"{path}: is {labels.shape[1]}x{labels.shape[0]}, and others of {self.name} {self.size[1]}x"
                f"{self.size[0]}; expected one size"
            )
        labels[labels == VOID] = self._white
        return labels

    def labels(self) -> Iterator[tuple[str, LabelMap]]:
        """Read the label maps one by one."""
        return ((frame, self.read(frame)) for frame in self.paths)

    def object_ids(self) -> tuple[int, ...]:
        """Return the ids of all objects that are on any frame."""
        found = {k for ids in self._ids.values() for k in ids if k != VOID}
        return tuple(sorted({*found, self._white} - {0}))


def label_map_folders(
    folder: Path, *, root: Path | None = None, sequences: tuple[str, ...] | None = None
) -> list[LabelMapFolder]:
    """Find the sequences of a folder.

    Args:
        folder: Of a run, of `vos-bench segment`, or of label maps, SEQUENCE/FRAME.png.
        root: Where the dataset of a run lies, None to find it as every command does.
        sequences: Which sequences; None for all.

    Raises:
        BadInputError: It holds no label maps, or not those that are asked for.
    """
    if run_file(folder).is_file():
        found = _of_run(load_run(folder), root)
    elif (folder / FILE).is_file():
        found = [_of_segment(folder, each) for each in read_segment_record(folder).sequences]
    else:
        found = [_plain(path) for path in _folders(folder)]
    known = {each.name: each for each in found if each.paths}
    if not known:
        raise BadInputError(f"{folder}: {_found_instead(folder)}")
    for name in sequences or ():
        if name not in known:
            raise BadInputError(f"--sequences {name}: {did_you_mean(name, known)}")
    return [each for name, each in known.items() if sequences is None or name in sequences]


def _found_instead(folder: Path) -> str:
    """Say what a folder without label maps holds, and what to do."""
    base = folder / "masks" if (folder / "masks").is_dir() else folder
    for path in _folders(folder):
        for name in object_folders(path).values():
            return (
                f"holds one folder of masks an object ({path.name}/{name}/FRAME.png), the form `per-object` already\n"
                "  expected label maps: for other forms, export FOLDER/Annotations of\n"
                f"  vos-bench import-masks {shlex.quote(str(base))} --from sav --out FOLDER"
            )
    return "holds no label maps; expected a run, or SEQUENCE/FRAME.png"


def _folders(folder: Path) -> list[Path]:
    base = folder / "masks" if (folder / "masks").is_dir() else folder
    if not base.is_dir():
        raise BadInputError(f"{folder}: is no folder; expected a run, or SEQUENCE/FRAME.png")
    return folders_in(base)


def _paths(folder: Path) -> dict[str, Path]:
    return {path.stem: path for path in files_in(folder, ".png")}


def _plain(folder: Path) -> LabelMapFolder:
    def frames() -> NamedFrames:
        raise BadInputError(f"{folder}: has no frames beside it; give a run, or a folder of vos-bench segment")
        yield

    return LabelMapFolder(folder.name, _paths(folder), FOLDER_RATE, frames)


def _of_segment(folder: Path, sequence: SegmentedSequence) -> LabelMapFolder:
    def frames() -> NamedFrames:
        path = Path(sequence.path).expanduser()
        video = open_input(path, Fraction(sequence.rate) if path.is_dir() else None)
        for number, frame in enumerate(video.frames()):
            yield video.frame_name(number), frame

    paths = _paths(folder / "masks" / sequence.name)
    return LabelMapFolder(sequence.name, paths, Fraction(sequence.rate), frames)


def _of_run(run: Run, root: Path | None) -> list[LabelMapFolder]:
    data = RunData(root, of_one_run=True)

    def reader(name: str) -> Callable[[], NamedFrames]:
        def frames() -> NamedFrames:
            video = data.seen(run).sequence(name)  # only who shows frames needs the data
            for number, frame in enumerate(video.frame_names):
                yield frame, TimedFrame(video.read_frame(frame), number / FOLDER_RATE)

        return frames

    folders = _folders(run.folder)
    return [LabelMapFolder(path.name, _paths(path), FOLDER_RATE, reader(path.name)) for path in folders]
