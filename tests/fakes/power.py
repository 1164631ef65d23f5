"""A disk that loses at a power cut whatever was not synced, for commands that run in this process.

It watches `os.fsync`: a file's content counts from the moment on when the file was synced, a name from the moment on
when its folder was. A real disk may keep more than that, and then usually the names: `names_kept` is such a cut, after
which files without synced content are there and empty, as on ext4.
"""

import os
import shutil
import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

Names = Mapping[str, int]
"""What lies in a folder: names, each with the number of its file or folder."""


Tree = dict[str, Any]
"""Names with the bytes of files and the trees of folders."""


class Moment(NamedTuple):
    """What a disk would hold if the power failed now.

    Attributes:
        contents: Of files that were synced, by number.
        names: Of folders that were synced, by number.
        now: Names of all folders as they are, synced or not, by number.
        folders: The numbers of folders.
    """

    contents: Mapping[int, bytes]
    names: Mapping[int, Names]
    now: Mapping[int, Names]
    folders: frozenset[int]


class Disk:
    """Everything below a folder, which counts as synced itself with all that it holds at first."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.moments: list[Moment] = []
        self._held: dict[int, int] = {}  # open by number, so that no other file gets the number
        self._contents: dict[int, bytes] = {}
        self._names: dict[int, Names] = {}
        self._now: dict[int, Names] = {}
        self._root = root.stat().st_ino
        self._folders = {self._root}
        for folder, _, files in os.walk(root):
            number = Path(folder).stat().st_ino
            self._folders.add(number)
            self._names[number] = self._hold(folder)
            for name in files:
                path = Path(folder) / name
                self._contents[path.stat().st_ino] = path.read_bytes()
        self._note()

    @contextmanager
    def watched(self) -> Iterator["Disk"]:
        """Note what every sync of this process keeps."""
        with mock.patch("os.fsync", self._sync):
            yield self
        for descriptor in self._held.values():
            os.close(descriptor)
        self._held.clear()

    def _sync(self, descriptor: int) -> None:
        found, path = os.fstat(descriptor), f"/proc/self/fd/{descriptor}"
        if stat.S_ISDIR(found.st_mode):
            self._names[found.st_ino] = self._hold(path)
        else:
            self._contents[found.st_ino] = Path(path).read_bytes()
            self._held.setdefault(found.st_ino, os.dup(descriptor))
        self._note()

    def _hold(self, folder: str) -> Names:
        names = _names(folder)
        for name, number in names.items():
            if number not in self._held:
                self._held[number] = os.open(Path(folder) / name, os.O_RDONLY)
        return names

    def _note(self) -> None:
        now = {}
        for folder, _, _ in os.walk(self.root):
            number = Path(folder).stat().st_ino
            self._folders.add(number)
            now[number] = self._hold(folder)
        self.moments.append(Moment(dict(self._contents), dict(self._names), now, frozenset(self._folders)))

    def after_cuts(self, target: Path, *, names_kept: bool) -> Iterator[Path]:
        """Write what is left after a cut at each moment, one after the other; where a sync changed nothing, once."""
        before: object = None
        for moment in self.moments:
            left = _tree(moment, self._root, moment.now if names_kept else moment.names)
            if left != before:
                before = left
                yield self.after_a_cut(moment, target, names_kept=names_kept)

    def after_a_cut(self, moment: Moment, target: Path, *, names_kept: bool) -> Path:
        """Write to a new folder what the disk holds after the power failed at a moment."""
        shutil.rmtree(target, ignore_errors=True)
        _write(_tree(moment, self._root, moment.now if names_kept else moment.names), target)
        return target


def _names(folder: str) -> Names:
    with os.scandir(folder) as entries:
        return {entry.name: entry.inode() for entry in entries}


def _tree(moment: Moment, number: int, names: Mapping[int, Names]) -> Tree:
    return {
        name: _tree(moment, inner, names) if inner in moment.folders else moment.contents.get(inner, b"")
        for name, inner in names.get(number, {}).items()
        if not name.endswith(".lock")
    }


def _write(tree: Tree, target: Path) -> None:
    target.mkdir()
    for name, inner in tree.items():
        if isinstance(inner, bytes):
            (target / name).write_bytes(inner)
        else:
            _write(inner, target / name)
