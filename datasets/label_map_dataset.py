"""What MOSE, LVOS and VOST share: frames and label maps by sequence, lists beside them, a release of known size."""

import hashlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from vos_bench.api import Problem, ProtocolName, Sequence
from vos_bench.labelmaps import read_label_map
from vos_bench.names import counted, is_leftover, shorten
from vos_bench.plugins import DatasetInfo

from .frames import LABEL_SUFFIXES, image_files
from .inspection import Inspection, require_label_maps
from .label_map_sequence import LabelMapSequence
from .problems import BadDataError
from .split_tree import AGAIN, MACOS_LEFTOVERS, depth_problem, release_problem
from .video_folders import FolderDataset


class LabelMapDataset(FolderDataset):
    """A split of frames and label maps, or its truth alone.

    Attributes:
        info: The dataset's description.
        scored_by: Its protocol.
        releases: Of this dataset and of those it is mistaken for: the number of sequences of each split.
        shares_folders: Whether all splits lie in the same folders.
        lists: The files that name sequences and objects.
        with_frames: False for a truth that comes without frames.
    """

    info: ClassVar[DatasetInfo]
    scored_by: ClassVar[ProtocolName]
    releases: ClassVar[Mapping[str, Mapping[str, int]]]
    shares_folders: ClassVar[bool] = False

    def __init__(
        self,
        root: Path,
        *,
        split: str,
        frames: Path | None,
        annotations: Path,
        sequence_names: tuple[str, ...],
        lists: tuple[Path, ...] = (),
    ) -> None:
        """Keep names and folders; `frames` is None for a truth that comes without them."""
        super().__init__(
            root,
            name=self.info.name,
            split=split,
            protocol=self.scored_by,
            frames=frames or root / "JPEGImages",
            annotations=annotations,
            sequence_names=sequence_names,
        )
        self.lists, self.with_frames = lists, frames is not None

    def _read_files(self, name: str) -> tuple[Mapping[str, Path], Mapping[str, Path]]:
        """Return a sequence's frames and label maps.

        Raises:
            BadInputError: They are missing or do not fit together, or each object has a folder.
        """
        folder = self.annotations_folder / name
        self._require_label_maps(folder)
        if not self.with_frames:
            self._require_truth(name)
            return {}, require_label_maps(folder)
        return self._files(name, "some frames")

    def _require_truth(self, name: str) -> None:
        if not (self.annotations_folder / name).exists():
            listing = self.lists[0].name if self.lists else "the list"
            remedy = f"get the whole truth, or take {name} out of {listing} (the official tool stops here)"
            raise BadDataError(
                Problem(self.annotations_folder / name, "no such folder", f"the label maps of {name}", remedy)
            )

    def _require_label_maps(self, folder: Path) -> None:
        if not folder.is_dir() or image_files(folder, LABEL_SUFFIXES):
            return
        objects = sorted(path.name for path in folder.iterdir() if path.is_dir() and image_files(path, LABEL_SUFFIXES))
        if objects:
            found, expected = (
                f"one folder an object ({shorten(objects)})",
                f"label maps FRAME.png, as {self.name} has them",
            )
            remedy = "merge the masks of each frame into one indexed PNG whose values are the object ids"
            raise BadDataError(Problem(folder, found, expected, remedy))

    def _inspection(self, _name: str, /) -> Inspection:
        return Inspection("some frames", read_label_map)

    def fingerprint(self) -> str:
        """Return a sha256 over frames, label maps and what the lists say of the sequences."""
        digest = hashlib.sha256(super().fingerprint().encode())
        for name in self.sequence_names:
            digest.update(f"\0{name}\0{self._listed_text(name)}".encode())
        return digest.hexdigest()

    def _listed_text(self, _name: str, /) -> str:
        """Return what the lists say of a sequence."""
        return ""

    def _check_sequence(self, name: str) -> list[Problem]:
        if not self._is_there(name):
            return []
        try:
            self._require_label_maps(self.annotations_folder / name)
            if found := self._inspected(name):
                return found
            sequence = self.sequence(name)
        except BadDataError as refusal:
            return [refusal.problem]
        return self._check_objects(sequence)

    def _check_objects(self, sequence: Sequence) -> list[Problem]:
        """Compare the objects that the lists name with those that label maps show."""
        if not isinstance(sequence, LabelMapSequence) or sequence.listed_objects is None:
            return []
        shown, listed = sequence.shown_objects(), {*sequence.listed_objects}
        folder, problems = self.annotations_folder / sequence.name, []
        listing = self.lists[0].name if self.lists else "the list"
        if unlisted := sorted(shown - listed):
            found, expected = (
                f"object {shorten(map(str, unlisted))}, which {listing} lacks",
                shorten(map(str, sorted(listed))),
            )
            remedy = "get list and label maps of one release; objects that the list lacks are neither given nor scored"
            problems.append(Problem(folder, found, f"only {expected}", remedy))
        if lost := sorted(listed - shown):
            found = f"no label map that shows object {shorten(map(str, lost))}"
            problems.append(Problem(folder, found, f"each object that {listing} names", AGAIN))
        return problems

    def _check_tree(self) -> Iterator[Problem]:
        where = self.lists[0] if self.lists else self.annotations_folder
        if problem := release_problem(
            where, count=len(self), split=self.split, dataset=self.name, releases=self.releases
        ):
            yield problem
        told: set[frozenset[str]] = set()
        for folder in (self.frames_folder, self.annotations_folder):
            present = frozenset(path.name for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name))
            if present in told:
                continue  # what is wrong with both folders is said once
            told.add(present)
            if missing := [name for name in self.sequence_names if name not in present]:
                if problem := depth_problem(folder, self.sequence_names):
                    yield problem
                    continue
                have = f"{len(self) - len(missing)} of {counted(len(self), 'sequence')}; missing: {shorten(missing)}"
                yield Problem(folder, have, f"all of {self.name} {self.split}", self._absent_remedy())
            extra = sorted(present - {*self.sequence_names})
            if extra and not self.shares_folders:
                remedy = "two releases or splits may be mixed: unpack one into an empty folder"
                yield Problem(folder, f"also {shorten(extra)}", f"only the sequences of {self.split}", remedy)
        for folder in (self.root, self.annotations_folder.parent, self.frames_folder, self.annotations_folder):
            if (left := folder / MACOS_LEFTOVERS).exists():
                yield Problem(left, "what an archive from macOS leaves behind", "only the data", "remove it")

    def _absent_remedy(self) -> str:
        """Return what to do where listed sequences are not there."""
        return AGAIN

    @abstractmethod
    def _open(self, name: str) -> Sequence:
        """Open one of `sequence_names`, for the first time."""


def whole_truth(labels: Mapping[str, Path], frames: Mapping[str, Path]) -> tuple[str, ...]:
    """Return the label maps as truth when every frame has one; else they only say where objects start."""
    return tuple(labels) if len(labels) > 1 and all(name in labels for name in frames) else ()


def numbered(labels: Mapping[str, Path], folder: Path) -> Mapping[str, Path]:
    """Return label maps in the order of their numbers. Raises BadDataError when a name is no number."""
    if wrong := [name for name in labels if not name.isdecimal()]:
        remedy = "name label maps as the frames: 00000.png, 00001.png"
        raise BadDataError(Problem(folder, f"a label map named {wrong[0]}", "whole numbers as names", remedy))
    return {name: labels[name] for name in sorted(labels, key=int)}
