"""Making sure that what was written is still there after a power cut: `rename` alone does not.

The order matters: a record that vouches for other files is synced after them. The kernel may otherwise write it first.
"""

import errno
import os
from pathlib import Path

_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EBADF})
"""What file systems answer that cannot sync a folder, or that do not let it be opened."""


def make_folder(folder: Path) -> None:
    """Make a folder and those above it that are missing, and sync the names of all new ones. Raises OSError."""
    if folder.is_dir():
        return
    new = [each for each in (folder, *folder.parents) if not each.exists()]
    folder.mkdir(parents=True, exist_ok=True)
    for each in new:
        sync_folder(each.parent)


def sync_file(path: Path) -> None:
    """Wait until what a file holds is on the disk. Raises OSError where the disk says that it cannot be."""
    _sync(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)


def sync_folder(folder: Path) -> None:
    """Wait until the names in a folder are on the disk, where its file system can do that. Raises OSError."""
    if os.name != "posix":
        return
    try:
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise


def sync_contents(folder: Path) -> None:
    """Sync every file of a folder and of those in it, then their names; nothing where there is none. Raises OSError."""
    if not folder.is_dir():
        return
    with os.scandir(folder) as found:
        entries = list(found)
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            sync_contents(Path(entry.path))
        elif entry.is_file(follow_symlinks=False):
            sync_file(Path(entry.path))
    sync_folder(folder)


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
