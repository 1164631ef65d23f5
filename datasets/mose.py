"""MOSE (here `mosev1`) and MOSEv2: crowded scenes, objects that vanish and come back; valid has first masks alone."""

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from vos_bench.api import Problem, ProtocolName, Sequence
from vos_bench.names import counted, shorten
from vos_bench.plugins import DatasetInfo

from .catalogue import MOSEV1, MOSEV2
from .label_map_dataset import LabelMapDataset, numbered, whole_truth
from .label_map_sequence import LabelMapSequence
from .meta_lists import MoseMeta, MoseVideo, read_list
from .problems import BadDataError
from .server_zip import write_server_zip
from .split_tree import FRAMES, LABELS, find_file, find_split, find_truth, require_folder, sequence_folders

RELEASES: Mapping[str, Mapping[str, int]] = {
    MOSEV1.name: {"train": 1507, "valid": 311},
    MOSEV2.name: {"train": 3666, "valid": 433},
}


class _Mose(LabelMapDataset):
    """What both versions share: `ROOT/SPLIT/JPEGImages`, and label maps beside, of all frames in train."""

    releases = RELEASES

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Find the split's folders and lists.

        Args:
            root: The folder that holds `train` and `valid`; of a truth without frames, the one that holds
                `Annotations`, or one folder of label maps a sequence.
            split: One of `info.splits`.
            truth_alone: Whether it is such a truth.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        if truth_alone:
            frames, labels = None, find_truth(root, dataset=self.info.name, splits=(split,))
            lists = self._read_lists((root, labels, root.parent), split)
            self._require_listed(labels)
            names = sequence_folders(labels)
        else:
            folder = find_split(root, (split,), dataset=self.info.name, other="val" if split == "valid" else "")
            frames = require_folder(folder / FRAMES, expected="frames SEQUENCE/FRAME.jpg")
            labels = require_folder(folder / LABELS, expected="label maps SEQUENCE/FRAME.png")
            lists = self._read_lists((folder, root), split)
            names = self._listed_names() or sequence_folders(frames)
        super().__init__(
            root,
            split=split,
            frames=frames,
            annotations=labels,
            sequence_names=names,
            lists=lists,
        )

    def _read_lists(self, _places: tuple[Path, ...], _split: str, /) -> tuple[Path, ...]:
        """Read the list of objects where the version has one, and return its file."""
        return ()

    def _listed_names(self) -> tuple[str, ...]:
        return ()

    def _require_listed(self, labels: Path) -> None:
        """Refuse a truth of videos that the version's list lacks. Raises BadDataError."""
        listed = self._listed_names()
        if listed and (others := [name for name in sequence_folders(labels) if name not in listed]):
            found = f"{counted(len(others), 'video')} that the list of objects lacks: {shorten(others)}"
            remedy = "get list and label maps of one release (the official tool stops here)"
            raise BadDataError(Problem(labels, found, f"only the {len(listed)} that it names", remedy))

    def _truth(self, frames: Mapping[str, Path], labels: Mapping[str, Path]) -> tuple[str, ...]:
        return whole_truth(labels, frames) if frames else tuple(labels)

    def package(self, masks: Path, archive: Path) -> None:
        """Write the server's zip of valid: the sequences' folders at its root."""
        if self.split != "valid":
            super().package(masks, archive)
        write_server_zip(self, masks, archive)


class Mosev1(_Mose):
    """MOSE as of 2023: an object starts on the first label map that shows it."""

    info: ClassVar[DatasetInfo] = MOSEV1
    scored_by: ClassVar[ProtocolName] = "mosev1"
    version = "1"

    def _open(self, name: str) -> Sequence:
        frames, labels = self._read_files(name)
        return LabelMapSequence(name, frames=frames, labels=labels, truth=self._truth(frames, labels))


class Mosev2(_Mose):
    """MOSEv2: sequences, objects and lengths are those of its list, which lies beside the folders.

    Train may come without a list: then every object counts that a label map shows.
    """

    info: ClassVar[DatasetInfo] = MOSEV2
    scored_by: ClassVar[ProtocolName] = "mosev2"
    version = "2"

    def _read_lists(self, places: tuple[Path, ...], split: str, /) -> tuple[Path, ...]:
        lists = [place / name for place in places for name in (f"meta_{split}.json", "meta.json")]
        self._videos: Mapping[str, MoseVideo] = {}
        if split == "train" and not any(path.is_file() for path in lists):
            return ()
        listed = _find_list(lists)
        expected = '{"videos": {VIDEO: {"objects": [ID, …], "length": N}}}'
        self._videos = read_list(listed, MoseMeta, expected=expected).videos
        return (listed,)

    def _listed_names(self) -> tuple[str, ...]:
        return tuple(sorted(self._videos))

    def _listed_text(self, name: str, /) -> str:
        return self._videos[name].model_dump_json() if self._videos else ""

    def _open(self, name: str) -> Sequence:
        frames, labels = self._read_files(name)
        labels = numbered(labels, self.annotations_folder / name)
        video = self._videos.get(name)
        truth = self._truth(frames, labels)
        if video is not None:
            self._require_length(name, video, len(frames) if frames else len(labels))
        return LabelMapSequence(
            name,
            frames=frames,
            labels=labels,
            truth=truth,
            first_frames=None if video is None else dict.fromkeys(sorted(video.objects), next(iter(labels))),
            notes=self._shortage(),
        )

    def _shortage(self) -> dict[str, str]:
        """Say that the truth holds fewer videos than the list names: the official tool scores those without a word."""
        held, listed = len(self.sequence_names), len(self._videos)
        return {f"the truth holds {held} of the {listed} videos of its list": ""} if held < listed else {}

    def _require_length(self, name: str, video: MoseVideo, count: int) -> None:
        """Compare the number of files with the list's: the official tool stops where they differ."""
        if count == video.length:
            return
        folder = (self.frames_folder if self.with_frames else self.annotations_folder) / name
        what = "frames" if self.with_frames else "label maps"
        remedy = "get the list and the data of one release"
        raise BadDataError(Problem(folder, f"{count} {what}", f"{video.length} as {self.lists[0].name} says", remedy))


def _find_list(places: list[Path]) -> Path:
    remedy = f"put {places[0].name} of the download there; for MOSE as of 2023, which has no list, use {MOSEV1.name}"
    return find_file(places, expected="the list of objects of MOSEv2", remedy=remedy)
