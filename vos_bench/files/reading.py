"""Reads only regular files, of an expected size: a device, a pipe or a file that never ends is refused."""

import codecs
import errno
import hashlib
import os
import stat
from pathlib import Path
from typing import NamedTuple

from vos_bench.errors import BadInputError

AnyPath = Path | str
"""Where a file lies. A text is for thousands of small files: to make a path of each takes longer than to read it."""

MOST_LIST_BYTES = 1 << 24
"""The largest list of names that is read."""

MOST_HASHED = 1 << 34
"""The largest file that is hashed, unless there is a reason for less: parameters, of which no larger ones are read."""


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
