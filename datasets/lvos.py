"""LVOS (here `lvos1`) and LVOS v2: long videos at 6 frames a second, whose objects come and go."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import ClassVar

from vos_bench.api import FrameRange, Problem, ProtocolName, Sequence
from vos_bench.errors import BadInputError
from vos_bench.plugins import DatasetInfo

from .catalogue import LVOS, LVOS1, LVOS2
from .label_map_dataset import LabelMapDataset
from .label_map_sequence import LabelMapSequence
from .meta_lists import LvosMeta, LvosRange, read_list
from .name_list import read_name_list
from .problems import BadDataError
from .server_zip import write_server_zip
from .split_tree import FRAMES, LABELS, find_file, find_split, find_truth, require_folder

UNSEEN = "unseen_videos.txt"
"""Names the videos whose objects no training video has; one list serves both versions."""

SHIPPED_UNSEEN = Path(__file__).parent / "manifests" / "lvos-unseen-videos.txt"
"""The 51 names of lvos-evaluation, for a tree that has no such list."""

STEP = 5
"""Frame numbers step by five: videos of 30 frames a second are shown at 6."""

_DIGITS = 8

RELEASES: Mapping[str, Mapping[str, int]] = {
    LVOS1.name: {"train": 120, "valid": 50, "test": 50},
    LVOS2.name: {"train": 420, "valid": 140, "test": 160},
}


class _Lvos(LabelMapDataset):
    """What both versions share: sequences, objects and their frames are those of `SPLIT_meta.json`.

    An object is given where the list says that it starts. Seen and unseen go by the sequence.
    """

    scored_by: ClassVar[ProtocolName] = "lvos"
    releases = RELEASES

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Find the split's folders and read its list of objects.

        Args:
            root: The folder that holds `train`, `val` (or `valid`) and `test`; of a truth alone, the one that holds
                `Annotations` and the list.
            split: `valid`, `train` or `test`.
            truth_alone: Whether it comes without frames.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        names = ("val", "valid") if split == "valid" else (split,)
        if truth_alone:
            frames, labels = None, find_truth(root, dataset=self.info.name, splits=names)
            places: tuple[Path, ...] = (root, labels, root.parent)
        else:
            folder = find_split(root, names, dataset=self.info.name)
            frames = require_folder(folder / FRAMES, expected="frames SEQUENCE/FRAME.jpg")
            labels = require_folder(folder / LABELS, expected="label maps SEQUENCE/FRAME.png")
            places = (folder, root)
        listing = _find_list(places, split)
        expected = '{"videos": {VIDEO: {"objects": {ID: {"frame_range": {"start", "end", "frame_nums"}}}}}}'
        self._videos = read_list(listing, LvosMeta, expected=expected).videos
        self.unseen_list = next((place / UNSEEN for place in places if (place / UNSEEN).is_file()), SHIPPED_UNSEEN)
        self._unseen = frozenset(read_name_list(self.unseen_list, may_be_empty=True))
        super().__init__(
            root,
            split=split,
            frames=frames,
            annotations=labels,
            sequence_names=tuple(sorted(self._videos)),
            lists=(listing,),
        )

    def _listed_text(self, name: str, /) -> str:
        return f"{self._group(name)} {self._videos[name].model_dump_json()}"

    def _group(self, name: str) -> str:
        return "unseen" if name in self._unseen else "seen"

    def _open(self, name: str) -> Sequence:
        frames, labels = self._read_files(name)
        ranges = {k: listed.frame_range for k, listed in sorted(self._videos[name].objects.items())}
        first_frames = {k: _frame_name(listed.start) for k, listed in ranges.items()}
        has_truth = not frames or len(labels) > len(set(first_frames.values()))
        return LabelMapSequence(
            name,
            frames=frames,
            labels=labels,
            truth=tuple(labels) if has_truth else (),
            first_frames=first_frames,
            frame_ranges={k: FrameRange(_frame_names(listed), listed.frame_nums) for k, listed in ranges.items()},
            group=self._group(name),
        )

    def _check_tree(self) -> Iterator[Problem]:
        yield from super()._check_tree()
        for name in self.sequence_names:
            yield from self._check_ranges(name)

    def _check_ranges(self, name: str) -> Iterator[Problem]:
        for object_id, listed in sorted(self._videos[name].objects.items()):
            found = _frame_names(listed.frame_range)
            # The end is the last frame or up to five numbers more: both mean the same frames to the official tool.
            if listed.frame_range.frame_nums not in (len(found), len(found) + 1):
                said = f"object {object_id} of {name} with frame_nums {listed.frame_range.frame_nums}"
                remedy = "get the list again; the official tool would average frames in that do not exist, or stop"
                yield Problem(self.lists[0], said, f"{len(found)}, the frames from its start to its end", remedy)

    def _check_objects(self, sequence: Sequence) -> list[Problem]:
        problems = super()._check_objects(sequence)
        if self.split != "test" and not sequence.truth_names:
            folder = self.annotations_folder / sequence.name
            remedy = "get Annotations as published; a converter for methods keeps first masks alone"
            problems.append(Problem(folder, "only the first mask of each object", "label maps of all frames", remedy))
        return problems

    def package(self, masks: Path, archive: Path) -> None:
        """Write the server's zip of test, `Annotations/SEQUENCE/FRAME.png`."""
        if self.split != "test":
            super().package(masks, archive)
        write_server_zip(self, masks, archive, top=LABELS)


class Lvos1(_Lvos):
    """LVOS as of 2023."""

    info: ClassVar[DatasetInfo] = LVOS1
    version = "1"


class Lvos2(_Lvos):
    """LVOS v2."""

    info: ClassVar[DatasetInfo] = LVOS2
    version = "2"


class Lvos(_Lvos):
    """A truth of either version, for scoring alone: rules and list of unseen videos are the same."""

    info: ClassVar[DatasetInfo] = LVOS

    def __init__(self, root: Path, *, split: str, truth_alone: bool = False) -> None:
        """Open a truth. Raises BadInputError where frames are wanted, because a run names the version."""
        if not truth_alone:
            raise BadInputError(
                f"{LVOS.name}: stands for both versions where label maps are scored with --truth; expected --dataset "
                f"{LVOS1.name} or {LVOS2.name} for {root}"
            )
        super().__init__(root, split=split, truth_alone=True)


def _find_list(places: tuple[Path, ...], split: str) -> Path:
    names = ("valid_meta.json", "val_meta.json") if split == "valid" else (f"{split}_meta.json",)
    lists = [place / name for place in places for name in names]
    if not any(path.is_file() for path in lists):
        _require_other_split(places, split)
    remedy = f"{names[0]} is a download of its own: put it there"
    return find_file(lists, expected="the list of objects of LVOS", remedy=remedy)


def _require_other_split(places: tuple[Path, ...], split: str) -> None:
    """Say so when the list of another split lies there."""
    others = [path for place in places for path in sorted(place.glob("*_meta.json")) if "expression" not in path.name]
    if others:
        path, name = others[0], others[0].name.removesuffix("_meta.json")
        remedy = f"use --split {'valid' if name == 'val' else name}, or get {split}_meta.json"
        raise BadDataError(Problem(path, f"the list of {name}", f"{split}_meta.json for --split {split}", remedy))


def _frame_name(number: int) -> str:
    return str(number).zfill(_DIGITS)


def _frame_names(listed: LvosRange) -> tuple[str, ...]:
    return tuple(map(_frame_name, range(listed.start, listed.end, STEP)))
