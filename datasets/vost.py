"""VOST: objects that are cut, broken and poured; images at 10 frames a second, label maps at 5."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from vos_bench.api import FramesSeen, Problem, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.names import counted, shorten

from .catalogue import VOST
from .frames import image_files
from .label_map_dataset import LabelMapDataset
from .label_map_sequence import LabelMapSequence
from .name_list import read_name_list
from .problems import BadDataError, root_problem
from .split_tree import AGAIN, FRAMES, LABELS, find_file, find_truth, require_folder, require_no_zip

DENSE = "JPEGImages_10fps"


class Vost(LabelMapDataset):
    """VOST: the objects are those of the first label map; 255 in label maps marks pixels that nobody could decide.

    A method sees the images at 10 frames a second, where every second one has a label map, or with `--frames annotated`
    those at 5.
    """

    info = VOST
    scored_by: ClassVar[ProtocolName] = "vost"
    shares_folders = True
    releases: ClassVar[Mapping[str, Mapping[str, int]]] = {VOST.name: {"train": 572, "val": 70, "test": 71}}

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Find the split's list and folders.

        Args:
            root: The folder that holds `ImageSets`, `Annotations` and, unless it is a truth alone, images.
            split: `val`, `train` or `test`.
            truth_alone: Whether it comes without images.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        require_no_zip(root)
        if problem := root_problem(root, LABELS, dataset=VOST.name, option="--truth" if truth_alone else "--root"):
            raise BadDataError(problem)
        labels = find_truth(root, dataset=VOST.name)
        listing = _find_list(root / "ImageSets", split)
        names = read_name_list(listing)
        frames = None if truth_alone else _frames(root, split, names)
        super().__init__(
            root,
            split=split,
            frames=frames,
            annotations=labels,
            sequence_names=names,
            lists=(listing,),
        )

    def _open(self, name: str) -> Sequence:
        frames, labels = self._read_files(name)
        if dotted := [frame for frame in labels if "." in frame]:
            found = f"a frame named {dotted[0]}"
            remedy = "rename frames and label maps alike; the official tool drops the dot and finds no prediction"
            raise BadDataError(Problem(self.annotations_folder / name, found, "names without a dot", remedy))
        several = len(labels) > 1  # of test only the first label map is public
        return LabelMapSequence(
            name,
            frames=frames,
            labels=labels,
            truth=tuple(labels) if several or not frames else (),
            given_on=tuple(labels)[:1],
            output=tuple(labels) if several else self._annotated(name, tuple(frames or labels)),
        )

    def _annotated(self, name: str, frames: tuple[str, ...]) -> tuple[str, ...]:
        """Return the frames of 5 a second, whose label maps the authors keep back, where those images are there."""
        sparse = {path.stem for path in image_files(self.root / FRAMES / name)}
        return tuple(frame for frame in frames if frame in sparse) or frames

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Return why a method cannot see the images of 10 frames a second, or None; those of 5 it always can.

        The published archive has those of 10 for val alone, so that methods see 5 frames a second of train.
        """
        folder = self.root / DENSE
        remedy = (
            f"get {DENSE} of the download; or run with --frames annotated, which is recorded and never compared with "
            "runs on all frames"
        )
        if seen == "annotated" or (self.split != "val" and self.frames_folder != folder):
            return None
        if not folder.is_dir():
            return Problem(folder, "no such folder", "the images that VOST gives to methods, 10 a second", remedy)
        for name in self.sequence_names:
            frames = {path.stem for path in image_files(folder / name)}
            labels = sorted(path.stem for path in image_files(self.annotations_folder / name))
            if not frames:
                return Problem(folder / name, "no image", "images of 10 frames a second", remedy)
            if len(labels) > 2 and len(frames) <= len(labels):
                found = f"{counted(len(frames), 'image')} for {counted(len(labels), 'label map')}: 5 frames a second"
                return Problem(folder / name, found, "images of 10 frames a second, about two a label map", remedy)
        return None

    def _check_tree(self) -> Iterator[Problem]:
        yield from super()._check_tree()
        if problem := self.frames_problem("all"):
            yield problem
        given = self.root / FRAMES
        for name in self.sequence_names if given.is_dir() else ():
            frames, labels = image_files(given / name), image_files(self.annotations_folder / name)
            if len(labels) > 2 and len(frames) > 1.5 * len(labels):
                found = f"{counted(len(frames), 'image')} for {counted(len(labels), 'label map')}: 10 frames a second"
                remedy = f"rename the folder {given} to {DENSE}"
                yield Problem(given / name, found, "images of 5 frames a second, one a label map", remedy)
                return

    def _absent_remedy(self) -> str:
        return "its authors release the videos of test apart: put them there" if self.split == "test" else AGAIN

    def package(self, masks: Path, archive: Path) -> None:
        """Raise BadInputError: nobody takes label maps of VOST."""
        if self.split != "test":
            super().package(masks, archive)
        raise BadInputError(
            f"{self.name} {self.split}: its authors keep the truth back and name no server that takes {archive.name}\n"
            f"  expected --split val, which is scored here\n  the label maps are in {masks}"
        )


def _find_list(folder: Path, split: str) -> Path:
    """Return the file that names a split's sequences. Raises BadDataError, which names the split that is there."""
    others = [other for other in VOST.splits if other != split and (folder / f"{other}.txt").is_file()]
    remedy = f"{AGAIN}: VOST has ImageSets/train.txt, val.txt and test.txt"
    if others:
        remedy = f"use --split {others[0]}, or get {split}.txt"
    return find_file([folder / f"{split}.txt"], expected="the list of sequences", remedy=remedy)


def _frames(root: Path, split: str, names: tuple[str, ...]) -> Path:
    """Return the images of 10 frames a second; those of 5 where the archive has no others, as for train."""
    dense = root / DENSE
    if dense.is_dir() and (split == "val" or any((dense / name).is_dir() for name in names)):
        return dense
    held = shorten(sorted(path.name for path in root.iterdir() if path.is_dir()), 5)
    return require_folder(root / FRAMES, expected=f"images in {DENSE} or {FRAMES} ({root.name} holds {held})")
