"""DAVIS 2016 (single object) and DAVIS 2017 (several objects), at 480p and at full resolution."""

from abc import abstractmethod
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from vos_bench.api import Problem, Sequence
from vos_bench.files import MOST_LIST_BYTES, decode_text, read_bytes
from vos_bench.labelmaps import WHITE_NOTE, read_label_map
from vos_bench.plugins import DatasetInfo

from .catalogue import DAVIS16, DAVIS17
from .frames import LABEL_SUFFIXES, image_files
from .inspection import Coverage, Inspection
from .manifest import Manifest, count_problem, list_problem, read_manifests
from .masks import LabelReader, read_union, read_white, shows_white
from .problems import BadDataError, folder_problem, require_file_names, root_problem
from .server_zip import write_server_zip
from .video_folders import FolderDataset, FolderSequence

_FULL = "@full"
_TEST_SPLITS = ("test-dev", "test-challenge")
_FULL_FOLDERS = ("Full-Resolution", "1080p")


class _Davis(FolderDataset):
    """What both years share: lists in `ImageSets`, a folder for each resolution, prompts on the first frame."""

    info: ClassVar[DatasetInfo]
    year: ClassVar[str]

    def __init__(self, root: Path, *, split: str) -> None:
        """Find the split's folders and list.

        Args:
            root: The folder that holds `ImageSets`, `JPEGImages` and `Annotations`.
            split: One of `info.splits`.

        Raises:
            BadInputError: The tree is not that of DAVIS; the message names the likely right root.
        """
        self.subset = split.removesuffix(_FULL)
        if problem := root_problem(root, "JPEGImages", dataset=self.info.name):
            raise BadDataError(problem)
        resolution = _resolution(root / "JPEGImages", split)
        self.lists = tuple(self._list(root, subset) for subset in _parts(self.subset))
        names = dict.fromkeys(name for path in self.lists for name in _names(path))
        super().__init__(
            root,
            name=self.info.name,
            split=split,
            protocol="davis",
            frames=_require(root / "JPEGImages" / resolution),
            annotations=_require(root / "Annotations" / resolution),
            sequence_names=tuple(names),
        )

    def _list(self, root: Path, subset: str) -> Path:
        """Return the file that lists a split's sequences."""
        folder = root / "ImageSets"
        remedy = f"unpack the whole archive (vos-bench fetch {self.info.name})"
        if problem := folder_problem(folder, expected="the lists of sequences", remedy=remedy):
            raise BadDataError(problem)
        places = [folder / name / f"{subset}.txt" for name in self._list_folders()]
        if path := next((path for path in places if path.is_file()), None):
            return path
        held = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/*.txt"))
        if subset in _TEST_SPLITS:
            remedy = f"{subset} is a download of its own: put its files into the same folders"
        elif other := [path for path in held if path.endswith(f"/{subset}.txt")]:
            remedy = f"{other[0]} is there: is this {'davis17' if other[0].startswith('2017') else 'davis16'}?"
        raise BadDataError(
            Problem(places[0], f"no such file (there are: {', '.join(held) or 'none'})", "a list", remedy)
        )

    def _list_folders(self) -> tuple[str, ...]:
        return (self.year,)

    def _coverage(self) -> Coverage:
        return "first frame" if self.subset in _TEST_SPLITS else "every frame"

    def _inspection(self, name: str, /) -> Inspection:
        labels = image_files(self.annotations_folder / name, LABEL_SUFFIXES)
        return Inspection(self._coverage(), read_white if self._is_white(labels) else self._reader())

    def _is_white(self, labels: Iterable[Path]) -> bool:
        return self._reader() is read_label_map and shows_white(labels)

    @abstractmethod
    def _reader(self) -> LabelReader:
        """Return what reads this year's label maps."""

    def _open(self, name: str) -> Sequence:
        frames, labels = self._files(name, self._coverage())
        white = self._is_white(labels.values())
        return FolderSequence(
            name,
            frames=frames,
            annotations=labels,
            starts={next(iter(frames)): None},
            has_truth=len(labels) == len(frames) > 1 or self.subset not in _TEST_SPLITS,
            read_labels=read_white if white else self._reader(),
            notes={WHITE_NOTE: ""} if white else {},
        )

    def _check_tree(self) -> Iterator[Problem]:
        official = _official(self.info.name, self.subset)
        if problem := list_problem(self.lists[0], self.sequence_names, official):
            yield problem
        for name in self.sequence_names:
            frames = image_files(self.frames_folder / name)
            if frames and (problem := count_problem(self.frames_folder / name, len(frames), official)):
                yield problem


def _official(dataset: str, subset: str) -> Manifest:
    manifests = read_manifests(dataset)
    parts = [manifests[part] for part in _parts(subset)]
    known = all(part.frames for part in parts)
    counts = {name: count for part in parts for name, count in part.frames.items()} if known else {}
    return Manifest(sequences=sum(part.sequences for part in parts), frames=counts)


class Davis16(_Davis):
    """DAVIS 2016: one object a sequence.

    Label maps may be 0/255 grey, with or without alpha, 0/1 indexed, or hold the several ids of the 2017 package,
    which are united. The 2017 package drew some outlines again, so scores on it can differ a little from scores on the
    2016 release.
    """

    info = DAVIS16
    year = "2016"

    def _reader(self) -> LabelReader:
        return read_union

    def _list_folders(self) -> tuple[str, ...]:
        # The 2016 release has one list a resolution, with the paths of every frame and mask.
        return (self.year, "480p", "1080p")


class Davis17(_Davis):
    """DAVIS 2017: several objects a sequence, all of which start on its first frame."""

    info = DAVIS17
    year = "2017"

    def _reader(self) -> LabelReader:
        return read_label_map

    def package(self, masks: Path, archive: Path) -> None:
        """Write the server's zip of a test split: the sequences' folders at its root."""
        if self.subset not in _TEST_SPLITS:
            super().package(masks, archive)
        write_server_zip(self, masks, archive)


def _parts(subset: str) -> tuple[str, ...]:
    return ("train", "val") if subset == "trainval" else (subset,)


def _names(path: Path) -> tuple[str, ...]:
    """Return the sequences that a list names, one a line or as paths of every frame."""
    try:
        lines = decode_text(read_bytes(path, most=MOST_LIST_BYTES)).split("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise BadDataError(
            Problem(path, f"a file that cannot be read ({error})", "names, one a line", "get it again")
        ) from None
    entries = [line.split()[0] for line in lines if line.strip()]
    names = tuple(dict.fromkeys(Path(entry).parent.name if "/" in entry else entry for entry in entries))
    if not names:
        raise BadDataError(Problem(path, "an empty list", "names of sequences, one a line", "get it again"))
    require_file_names(path, names)
    return names


def _resolution(frames: Path, split: str) -> str:
    """Return the folder of the split's resolution."""
    wanted = _FULL_FOLDERS if split.endswith(_FULL) else ("480p",)
    if found := next((name for name in wanted if (frames / name).is_dir()), None):
        return found
    held = sorted(path.name for path in frames.iterdir() if path.is_dir())
    other = split.removesuffix(_FULL) if split.endswith(_FULL) else split + _FULL
    if any(name in ("480p", *_FULL_FOLDERS) for name in held):
        remedy = f"use --split {other}, or get the other resolution"
    elif any(image_files(frames / name) for name in held[:1]):
        remedy = (
            f"the sequences lie one level too high: move them into {wanted[0]}/ there and in Annotations, or use folder"
        )
    else:
        remedy = "unpack the whole archive again"
    raise BadDataError(
        Problem(
            frames / wanted[0],
            f"no such folder ({frames.name} holds {', '.join(held[:5]) or 'nothing'})",
            "frames by sequence",
            remedy,
        )
    )


def _require(folder: Path) -> Path:
    if problem := folder_problem(folder, expected="one folder a sequence", remedy="unpack the whole archive again"):
        raise BadDataError(problem)
    return folder
