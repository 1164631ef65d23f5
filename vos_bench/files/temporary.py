"""Temporary files and folders, which become others once they are whole; those of killed processes are removed."""

import glob
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


_PART = re.compile(r"(?P<name>.+)\.(?:[0-9a-f]{16}|[0-9]{1,10})\.part")
"""What temporary files are called; those of earlier versions had the number of a process in place of random digits."""

_NEW_PART = re.compile(r"(?P<name>.+)\.[0-9a-f]{16}\.part")


class OwnPart(NamedTuple):
    """A temporary file or folder of this process; it is locked, so that nobody takes it for the rest of a killed one.

    Attributes:
        path: `NAME.DIGITS.part`, with digits that nobody can foretell.
        descriptor: The open file that holds the lock; None where there are no locks.
    """

    path: Path
    descriptor: int | None

    @classmethod
    def beside(cls, path: Path) -> Self:
        """Make one for a file. Raises OSError, also where anything, even a link, has its name already."""
        flags = os.O_CREAT | os.O_EXCL | os.O_WRONLY | getattr(os, "O_NOFOLLOW", 0)
        part = path.with_name(f"{path.name}.{os.urandom(8).hex()}.part")
        descriptor = os.open(part, flags, 0o666)
        if fcntl is None:  # Windows moves no file that is open
            os.close(descriptor)
            return cls(part, None)
        _lock(descriptor)
        return cls(part, descriptor)

    @classmethod
    def folder_beside(cls, path: Path) -> Self:
        """Make a folder in place of a file. Raises OSError, as `beside`."""
        part = path.with_name(f"{path.name}.{os.urandom(8).hex()}.part")
        part.mkdir()
        if fcntl is None:
            return cls(part, None)
        descriptor = os.open(part, os.O_RDONLY)
        _lock(descriptor)
        return cls(part, descriptor)

    def close(self) -> None:
        """Let go of the lock."""
        if self.descriptor is not None:
            os.close(self.descriptor)


def _lock(descriptor: int) -> bool:
    """Lock a file for this process; return False where another one holds it, or nothing can be said."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def part_of(path: Path) -> str | None:
    """Return the name of the file that a temporary one was to become; None for a file of somebody else."""
    found = _PART.fullmatch(path.name)
    return found["name"] if found else None


def remove_stale_parts(path: Path) -> None:
    """Remove what killed processes left beside a file that they were writing; what another one writes now stays.

    Only names with random digits are ours here: others call the pieces of a file `NAME.1.part`.
    """
    with suppress(OSError, ValueError):
        for part in path.parent.glob(f"{glob.escape(path.name)}.*.part"):
            found = _NEW_PART.fullmatch(part.name)
            if found and found["name"] == path.name and not part.is_symlink():
                _remove_if_stale(part)


def remove_stale_parts_below(folder: Path, *suffixes: str) -> None:
    """Remove what killed processes left in a folder, and below it, of files with these suffixes, as `.png`.

    What another process writes now stays, and so does everything under a name that is not ours.
    """
    with suppress(OSError):
        for part in folder.rglob("*.part"):
            found = _NEW_PART.fullmatch(part.name)
            if found and Path(found["name"]).suffix in suffixes and part.is_file() and not part.is_symlink():
                _remove_if_stale(part)


def _remove_if_stale(part: Path) -> None:
    import shutil  # here, since few need it

    with suppress(OSError):
        descriptor = os.open(part, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0))
        try:
            if _lock(descriptor):
                shutil.rmtree(part) if part.is_dir() else part.unlink()
        finally:
            os.close(descriptor)
