"""SA-V of Segment Anything 2: images at 24 frames a second, masks at 6, one folder of masks an object."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from vos_bench.api import FramesSeen, Problem, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import read_label_map

from .catalogue import SAV
from .frames import LABEL_SUFFIXES, file_damage, image_files
from .inspection import Inspection, require_frames, require_label_maps, require_partners
from .label_map_sequence import LabelMapSequence
from .name_list import read_name_list
from .object_folders import ObjectFolderSequence, list_object_folders
from .problems import BadDataError
from .split_tree import (
    AGAIN,
    depth_problem,
    find_file,
    find_split,
    find_truth,
    release_problem,
    require_folder,
    sequence_folders,
)
from .video_folders import FolderDataset

FRAMES, LABELS = "JPEGImages_24fps", "Annotations_6fps"


class Sav(FolderDataset):
    """SA-V val and test, and those videos of train whose frames and masks were extracted into the same layout.

    The masks of train may also lie there as published, one `SEQUENCE_manual.json` a video.

    A method sees 24 frames a second; masks are asked for on the 6 a second that have a truth. A sequence may also lie
    there as label maps, one a frame, as the official tool takes it.
    """

    scored_by: ClassVar[ProtocolName] = "sav"
    releases: ClassVar[Mapping[str, Mapping[str, int]]] = {SAV.name: {"val": 155, "test": 150}}

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Find the split's folders and list.

        Args:
            root: The folder that holds `sav_val`, `sav_test` or `sav_train`; of a truth alone, the one that holds one
                folder a sequence.
            split: `val`, `test` or `train`.
            truth_alone: Whether it comes without frames.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        self.listing: Path | None = None
        if truth_alone:
            frames, labels = None, find_truth(root, dataset=SAV.name, folder=LABELS, splits=(f"sav_{split}",))
            names = sequence_folders(labels)
        else:
            folder = find_split(root, (f"sav_{split}",), dataset=SAV.name, other=split)
            frames = require_folder(folder / FRAMES, expected="frames SEQUENCE/FRAME.jpg, 24 a second")
            labels = folder / LABELS
            if split != "train":
                require_folder(labels, expected="masks SEQUENCE/OBJECT/FRAME.png, 6 a second")
            names = self._read_names(folder, frames, split)
        self.with_frames = frames is not None
        super().__init__(
            root,
            name=SAV.name,
            split=split,
            protocol=self.scored_by,
            frames=frames or root / FRAMES,
            annotations=labels,
            sequence_names=names,
        )

    def _read_names(self, folder: Path, frames: Path, split: str) -> tuple[str, ...]:
        if split == "train" and not (folder / f"sav_{split}.txt").is_file():
            return sequence_folders(frames)
        remedy = f"unpack sav_{split}.tar again: its list lies beside the folders"
        self.listing = find_file([folder / f"sav_{split}.txt"], expected="the list of sequences", remedy=remedy)
        return read_name_list(self.listing)

    def _open(self, name: str) -> Sequence:
        folder = self.annotations_folder / name
        frames = require_frames(self.frames_folder / name) if self.with_frames else {}
        if file := self._masklets(name):
            from .masklets import MaskletSequence  # here, since it loads pydantic

            return MaskletSequence(name, frames=frames, file=file)
        if _is_label_map_layout(folder):
            labels = require_label_maps(folder)
            if frames:
                require_partners(self.frames_folder / name, frames, labels, "some frames")
            return LabelMapSequence(name, frames=frames, labels=labels, truth=tuple(labels), output=tuple(labels))
        masks = list_object_folders(_require_sequence(folder))
        if not masks:
            raise BadDataError(Problem(folder, "no object's folder", "folders 000, 001, … of masks", AGAIN))
        for files in masks.values() if frames else ():
            require_partners(self.frames_folder / name, frames, files, "some frames")
        return ObjectFolderSequence(name, frames=frames, masks=masks)

    def _masklets(self, name: str) -> Path | None:
        """Return the published file of a train video's masks; None where they were extracted into folders."""
        if self.split != "train" or (self.annotations_folder / name).is_dir():
            return None
        folder, file = self.annotations_folder.parent, f"{name}_manual.json"
        places = [folder / file, self.annotations_folder / file, *sorted(folder.glob(f"*/{file}"))]
        remedy = f"get {file} of the download, or extract its masks into {self.annotations_folder / name}/OBJECT"
        return find_file(places, expected="the masks of the video", remedy=remedy)

    def _inspection(self, _name: str, /) -> Inspection:
        return Inspection("some frames", read_label_map)

    def _label_files(self, name: str) -> list[Path]:
        if file := self._masklets(name):
            return [file]
        return [*super()._label_files(name), *sorted((self.annotations_folder / name).glob("*/*.png"))]

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Return why a method cannot see 24 frames a second, or None; those of 6 it always can."""
        if seen == "annotated":
            return None
        for name in self.sequence_names:
            numbers = self._frame_numbers(name)
            steps, remedy = len(numbers) - 1, f"get {FRAMES} as published"
            expected = "frames numbered one by one, four for each annotated one"
            if self._is_renumbered(name):
                found = f"as many frames as masks of an object, {len(numbers)}: 6 a second, not 24"
                return Problem(self.frames_folder / name, found, expected, f"{remedy}, or extract all of the video")
            if steps > 0 and numbers[-1] - numbers[0] > 2 * steps:
                found = f"frames numbered {numbers[0]}, {numbers[1]}, …: 6 a second, not 24"
                remedy += "; or run with --frames annotated, which is recorded and never compared with all frames"
                return Problem(self.frames_folder / name, found, expected, remedy)
        return None

    def _frame_numbers(self, name: str) -> list[int]:
        return [int(path.stem) for path in image_files(self.frames_folder / name) if path.stem.isdecimal()]

    def _is_renumbered(self, name: str) -> bool:
        """Say whether a video has one frame for each mask of its first object, numbered one by one."""
        folders = sorted(path for path in (self.annotations_folder / name).glob("*") if path.is_dir())
        masks = {path.stem for path in image_files(folders[0], LABEL_SUFFIXES)} if folders else set[str]()
        frames = {path.stem for path in image_files(self.frames_folder / name)}
        return len(masks) == len(frames) > 1 and masks != frames

    def check(self) -> list[Problem]:
        """Compare with the list and the release, then look at every file; return what is wrong."""
        problems = [*filter(None, [self._count_problem(), self.frames_problem("all")])]
        if any(map(self._is_renumbered, self.sequence_names)):
            return problems  # no frame has a mask of its name
        for folder in (self.frames_folder, self.annotations_folder):
            if problem := depth_problem(folder, self.sequence_names):
                return [*problems, problem]
        for name in self.sequence_names:
            problems += self._check_sequence(name)
        return problems

    def _count_problem(self) -> Problem | None:
        where = self.listing or self.frames_folder
        return release_problem(where, count=len(self), split=self.split, dataset=SAV.name, releases=self.releases)

    def _check_sequence(self, name: str) -> list[Problem]:
        folder = self.annotations_folder / name
        if _is_label_map_layout(folder):
            remedy = "get Annotations_6fps as published; objects overlap, which label maps cannot show"
            return [Problem(folder, "label maps of all objects", "one folder an object: 000, 001, …", remedy)]
        try:
            sequence = self.sequence(name)
            for path in image_files(self.frames_folder / name):
                if damage := file_damage(path):
                    raise BadDataError(Problem(path, damage, "a whole image", AGAIN))
            return _mask_problems(sequence, folder)
        except BadInputError as refusal:
            if isinstance(refusal, BadDataError):
                return [refusal.problem]
            return [Problem(folder, f"masks that cannot be read ({refusal})", "masks of 0 and 1", AGAIN)]

    def package(self, masks: Path, archive: Path) -> None:
        """Refuse: the truth is public, and the official tool reads a run's masks as they are."""
        raise BadInputError(
            f"{self.name} {self.split}: there is no server that takes a zip of {masks} as {archive.name}\n"
            f"  {self._scored_here(masks)}\n"
            "  the official tool takes the same folder as --pred_root"
        )


def _require_sequence(folder: Path) -> Path:
    return require_folder(folder, expected="one folder of masks an object")


def _is_label_map_layout(folder: Path) -> bool:
    """Say whether a sequence's folder holds label maps and nothing else, by the rule of the official tool."""
    return folder.is_dir() and bool(image_files(folder, LABEL_SUFFIXES)) and not any(map(Path.is_dir, folder.iterdir()))


def _mask_problems(sequence: Sequence, folder: Path) -> list[Problem]:
    """Read all masks of a sequence; return the first that does not fit its object's others, and objects never shown."""
    problems: list[Problem] = []
    for object_id, frames in sequence.object_frames.items():
        shown = False
        for frame in frames:
            shown |= bool(sequence.read_truth_mask(frame, object_id).any())
        if not shown:
            path = folder / sequence.object_names[object_id]
            problems.append(Problem(path, f"{len(frames)} empty masks", "at least one that shows the object", AGAIN))
    return problems
