"""YouTube-VOS 2018 and 2019, and the hold-out of train that LWL's ablation is made on."""

import hashlib
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import ClassVar, NamedTuple

from vos_bench.api import FramesSeen, Problem, Sequence
from vos_bench.formats.meta_json import META_NAME, Meta, read_meta, training_categories
from vos_bench.labelmaps import read_label_map
from vos_bench.names import counted, is_leftover, shorten
from vos_bench.plugins import DatasetInfo

from .catalogue import YTVOS18, YTVOS19, YTVOS19_HOLDOUT
from .inspection import Inspection
from .masks import read_white
from .name_list import read_name_list
from .problems import BadDataError
from .server_zip import write_server_zip
from .video_folders import FolderDataset
from .youtube_vos_holdout import find_list, list_problem
from .youtube_vos_sequence import YouTubeVosSequence
from .youtube_vos_tree import MACOS_LEFTOVERS, all_frames_problem, find_tree


class Release(NamedTuple):
    """What youtube-vos.org says of a year's release: the number of sequences of each split."""

    train: int
    valid: int
    test: int


RELEASES: Mapping[str, Release] = {"2018": Release(3471, 474, 508), "2019": Release(3471, 507, 541)}


class _YouTubeVos(FolderDataset):
    """What both years share: `ROOT/SPLIT` with a list of objects, and all frames in `ROOT/SPLIT_all_frames`.

    Sequences, objects and the frames on which they are annotated are those of `meta.json`, whatever else lies in the
    folders. Groups are known where `meta.json` names categories and either marks the unseen ones or lies in a root
    with the `meta.json` of train; else there are none, and no G.
    """

    info: ClassVar[DatasetInfo]

    def __init__(self, root: Path, *, split: str) -> None:
        """Find the split's folders and read its list of objects.

        Args:
            root: The folder that holds `train`, `valid`, `valid_all_frames` and so on.
            split: One of `info.splits`.

        Raises:
            BadInputError: The tree is another; the message names the likely right root.
        """
        self.tree = find_tree(root, split, dataset=self.info.name)
        self.meta = read_meta(self.tree.meta)
        self._groups = self._read_groups()
        super().__init__(
            root,
            name=self.info.name,
            split=split,
            protocol="ytvos",
            frames=self.tree.frames,
            annotations=self.tree.labels,
            sequence_names=self._names(root, self.meta),
        )

    def _names(self, _root: Path, meta: Meta, /) -> tuple[str, ...]:
        return tuple(sorted(meta.videos))

    def _read_groups(self) -> Mapping[str, Mapping[int, str]]:
        if not self.meta.categories:
            return {}
        is_train = self.tree.folder.name == "train"
        return self.meta.groups(self.meta.categories if is_train else training_categories(self.tree.meta))

    def _open(self, name: str) -> Sequence:
        frames, labels = self._files(name, "some frames")
        video, groups = self.meta.videos[name], self._groups.get(name, {})
        return YouTubeVosSequence(name, frames=frames, labels=labels, video=video, groups=groups)

    def _inspection(self, name: str, /) -> Inspection:
        given = self.meta.videos[name].first_frames
        white = partial(read_white, object_id=next(iter(given))) if len(given) == 1 else None
        return Inspection("some frames", white or read_label_map)

    def fingerprint(self) -> str:
        """Return a sha256 over the frames' names, sizes and ends, all label maps, and the list of objects."""
        digest = hashlib.sha256(super().fingerprint().encode())
        for name in self.sequence_names:
            digest.update(f"\0{name}\0{self.meta.videos[name].model_dump_json()}".encode())
        return digest.hexdigest()

    def frames_problem(self, seen: FramesSeen, /) -> Problem | None:
        """Return why all frames cannot be seen, with what is lost; the annotated ones always can."""
        return all_frames_problem(self.tree, self.sequence_names, dataset=self.name) if seen == "all" else None

    def _check_sequence(self, name: str) -> list[Problem]:
        return (self._inspected(name) or self._check_objects(name)) if self._is_there(name) else []

    def _check_objects(self, name: str) -> list[Problem]:
        try:
            sequence = self.sequence(name)
        except BadDataError as refusal:
            return [refusal.problem]
        return sequence.object_problems() if isinstance(sequence, YouTubeVosSequence) else []

    def _check_tree(self) -> Iterator[Problem]:
        if problem := self._count_problem():
            yield problem
        if problem := self.frames_problem("all"):
            yield problem
        again = "unpack the archive again"
        for folder in self._folders():
            present = {path.name for path in folder.iterdir() if not is_leftover(path.name)}
            if missing := [name for name in self.sequence_names if name not in present]:
                have = f"{len(self) - len(missing)} of {counted(len(self), 'sequence')}; missing: {shorten(missing)}"
                yield Problem(folder, have, f"all that {META_NAME} lists", again)
            if extra := sorted(present - {*self.meta.videos}):
                remedy = "two releases may be mixed: unpack one into an empty folder"
                yield Problem(folder, f"also {shorten(extra)}", f"only what {META_NAME} lists", remedy)
        for folder in (self.root, self.tree.folder, self.tree.all_frames.parent, *self._folders()):
            if (left := folder / MACOS_LEFTOVERS).exists():
                yield Problem(left, "what an archive from macOS leaves behind", "only the data", "remove it")

    def _folders(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.frames_folder, self.annotations_folder)))

    def _count_problem(self) -> Problem | None:
        """Return a problem when the list is not as long as the release's: its scores would compare with no paper's."""
        count, wanted = len(self.meta.videos), getattr(RELEASES[self.version], self.tree.folder.name)
        if count == wanted:
            return None
        others = [year for year, release in RELEASES.items() if getattr(release, self.tree.folder.name) == count]
        if others:
            found, remedy = (
                f"{counted(count, 'sequence')}, as {others[0]} has",
                f"use ytvos{others[0][2:]}, or another --root",
            )
        else:
            found, remedy = (
                counted(count, "sequence"),
                "get the whole release; scores on a part compare with no paper's",
            )
        return Problem(self.tree.meta, found, f"{wanted} as YouTube-VOS {self.version} {self.split} has", remedy)

    def package(self, masks: Path, archive: Path) -> None:
        """Write the server's zip of valid or test, `Annotations/SEQUENCE/FRAME.png`: the annotated frames alone."""
        if self.tree.folder.name == "train":
            super().package(masks, archive)
        write_server_zip(self, masks, archive, top="Annotations")


class YouTubeVos18(_YouTubeVos):
    """YouTube-VOS 2018."""

    info = YTVOS18
    version = "2018"


class YouTubeVos19(_YouTubeVos):
    """YouTube-VOS 2019."""

    info = YTVOS19
    version = "2019"


class YouTubeVos19Holdout(_YouTubeVos):
    """The sequences of YouTube-VOS 2019 train that a list names: pytracking's, or another in the root."""

    info = YTVOS19_HOLDOUT
    version = "2019"

    def _names(self, root: Path, meta: Meta, /) -> tuple[str, ...]:
        self._list = find_list(root)
        names = read_name_list(self._list)
        if unknown := [name for name in names if name not in meta.videos]:
            found = f"{len(unknown)} of {len(names)} names that train does not have: {shorten(unknown)}"
            remedy = "give the root of YouTube-VOS 2019 with the whole of train"
            raise BadDataError(Problem(self._list, found, f"sequences of {self.tree.meta}", remedy))
        return tuple(sorted(names))

    def check(self) -> list[Problem]:
        """Compare the list with the published one, then look at the sequences it names."""
        problem = list_problem(self._list)
        return [*([problem] if problem else []), *super().check()]
