"""Writes files whole or not at all, and reads only regular files of an expected size."""

import codecs
import errno
import glob
import hashlib
import os
import re
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple, Self

from vos_bench.errors import BadInputError
from vos_bench.files.durability import make_folder, sync_file, sync_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

AnyPath = Path | str
"""Where a file lies. A text is for thousands of small files: to make a path of each takes longer than to read it."""

MOST_LIST_BYTES = 1 << 24
"""The largest list of names that is read."""

_DATA_FOLDERS = frozenset({"JPEGImages", "Annotations", "ImageSets", "train", "valid", "test", "val"})
"""Names of the folders that hold data inside a data root. Folders of other names, such as `runs`, may lie there too."""

MOST_HASHED = 1 << 34
"""The largest file that is hashed, unless there is a reason for less: parameters, of which no larger ones are read."""


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[Path]:
    """Yield a temporary file beside `path` and move it there when the block ends well; else leave nothing.

    A reader sees the old file or the new one, never a part, even after a kill; and even after a power cut if `durable`.

    Args:
        path: Where the file is to lie.
        durable: Whether to wait until it is on the disk. Who says no syncs it later, as label maps are.

    Raises:
        BadInputError: The folder cannot be written, the disk is full, or something else than a file lies at `path`.
    """
    part: OwnPart | None = None
    try:
        _require_replaceable(path)
        make_folder(path.parent)
        part = OwnPart.beside(path)
        yield part.path
        if durable:
            sync_file(part.path)
        part.path.replace(path)
        if durable:
            sync_folder(path.parent)
    except BaseException as error:
        if part is not None:
            with suppress(OSError):
                part.path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            reason = error.strerror or str(error)
            raise BadInputError(
                f"{path}: cannot be written: {reason}; expected a writable folder with free space"
            ) from error
        raise
    finally:
        if part is not None:
            part.close()


def _require_replaceable(path: Path) -> None:
    """Raise BadInputError where a device or a pipe lies, which a file would take the place of, or the name is none."""
    if not path.name:
        raise BadInputError(f"found {str(path)!r}, which names no file; expected the name of a file to write")
    try:
        kind = path.stat().st_mode
    except ValueError as error:
        raise BadInputError(f"{str(path)!r:.200}: cannot be a file's name: {error}; give another one") from None
    except OSError:  # nothing lies there, or a link that leads nowhere
        return
    if not (stat.S_ISREG(kind) or stat.S_ISDIR(kind)):
        raise BadInputError(f"{path}: is a device or a pipe, which is not replaced; expected a file, or nothing")


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


def read_bytes(path: AnyPath, *, most: int, first: int | None = None) -> bytes:
    """Return what a file holds, or its `first` bytes. One that has more than `most` bytes is an attack or an accident.

    Raises:
        OSError: It cannot be read, is a device or a pipe, or larger; `strerror` says which.
    """
    size = require_regular(path, most=most)
    if first is None:
        return _whole(path, size)
    with Path(path).open("rb", buffering=0) as file:
        return file.read(first)


_AT_ONCE, _PIECE = 1 << 30, 1 << 20
"""The most that the system is asked for at once: of what a file should hold, and of what it holds beyond that."""


def _whole(path: AnyPath, size: int) -> bytes:
    """Return what a file holds, which had `size` bytes a moment ago. Raises OSError.

    An open file object would make twice as many calls of the system, which matters for thousands of small files.
    """
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_BINARY", 0))
    try:
        data = os.read(descriptor, min(size + 1, _AT_ONCE))
        if len(data) == size:  # one byte more was asked for, so that this is all
            return data
        parts = [data]
        while parts[-1]:
            parts.append(os.read(descriptor, _PIECE))
        return b"".join(parts)
    finally:
        os.close(descriptor)


def require_regular(path: AnyPath, *, most: int) -> int:
    """Check that something is a file of at most `most` bytes before anything opens it, and return how many it has.

    Raises:
        OSError: As `read_bytes`.
    """
    try:
        # before it is opened: a pipe would wait for somebody who writes into it
        found = os.stat(path)  # noqa: PTH116 - of a text too
    except ValueError as error:
        raise OSError(errno.EINVAL, f"its name cannot be one ({error})", str(path)) from None
    if stat.S_ISDIR(found.st_mode):
        raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR), str(path))
    if not stat.S_ISREG(found.st_mode):
        raise OSError(errno.EINVAL, "it is a device or a pipe", str(path))
    if found.st_size > most:
        raise OSError(errno.EFBIG, f"it has {found.st_size} bytes, more than the {most} that are read", str(path))
    return found.st_size


def require_no_link(path: Path) -> None:
    """Raise BadInputError where a symbolic link lies: what is written or removed there would be somebody else's."""
    try:
        linked = path.is_symlink()
    except OSError:  # what comes next meets the same, and says so
        return
    if linked:
        raise BadInputError(
            f"{path}: is a symbolic link, expected a folder of the run's own, or nothing; remove the link (the whole "
            "folder of a run may be one)"
        )


def require_apart(out: Path, root: Path) -> None:
    """Raise BadInputError where a run's folder is the data root itself, or one of the folders in it that hold data."""
    if root == Path():  # of data without a folder
        return
    folder, data = out.resolve(), root.resolve()
    inside = folder.relative_to(data).parts if folder.is_relative_to(data) else None
    if inside is None or data == Path(data.anchor):
        return
    if not inside or inside[0] in _DATA_FOLDERS:
        raise BadInputError(
            f"{out}: lies among the data of {root}, into which nothing is written; give another folder with --out"
        )


class Ends(NamedTuple):
    """How many bytes a file has, its first ones and its last ones."""

    size: int
    head: bytes
    tail: bytes


def read_ends(path: Path, *, most: int, head: int, tail: int) -> Ends:
    """Return the first and the last bytes of a file, as far as it has so many. Raises OSError as `read_bytes`."""
    size = require_regular(path, most=most)
    with path.open("rb", buffering=0) as file:
        first = file.read(head)
        file.seek(max(0, size - tail))
        return Ends(size, first, file.read(tail))


BLOCKS, BLOCK_BYTES = 16, 256
"""How many blocks of a file `read_blocks` returns, and how long each is."""


def read_blocks(path: Path, *, most: int) -> bytes:
    """Return blocks that are spread evenly over a file, from its first byte to its last. Raises OSError."""
    size = require_regular(path, most=most)
    step = max(BLOCK_BYTES, (size - BLOCK_BYTES) // (BLOCKS - 1))
    with path.open("rb", buffering=0) as file:
        found = []
        for number in range(BLOCKS):
            file.seek(number * step)
            found.append(file.read(BLOCK_BYTES))
    return b"".join(found)


_SMALL = 1 << 20
"""A file of so many bytes is read at once, which takes a quarter of the time that reading it in parts does."""


def sha256(path: AnyPath, *, most: int = MOST_HASHED) -> str:
    """Return the hash of what a file of at most `most` bytes holds, in hex digits.

    Raises:
        BadInputError: It cannot be read, is a device or a pipe, or larger.
    """
    try:
        if (size := require_regular(path, most=most)) <= _SMALL:
            return hashlib.sha256(_whole(path, size)).hexdigest()
        with Path(path).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file") from None


def decode_text(data: bytes) -> str:
    """Return the text of a file that a person wrote: UTF-8, or UTF-16 with the mark that editors put before it.

    Raises:
        UnicodeDecodeError: It is neither.
    """
    return data.decode("utf-16" if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8-sig")


def read_names(path: Path, *, asked: str) -> list[str]:
    """Return the names of a list, one a line, without empty lines; messages begin with `asked`, the option.

    Raises:
        BadInputError: It cannot be read, or is no text in UTF-8 or UTF-16.
    """
    try:
        lines = decode_text(read_bytes(path, most=MOST_LIST_BYTES)).splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{asked}{path}: cannot be read: {error}; expected one name a line") from None
    return [name for line in lines if (name := line.strip())]


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    with replacing(path, durable=durable) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    write_bytes(path, text.encode("utf-8"), durable=durable)
