"""Files are written whole or not at all, and read only where they are files of a size that one expects."""

import ast
import errno
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

from vos_bench.errors import BadInputError

MOST_LIST_BYTES = 1 << 24
"""The largest list of names that is read."""

MOST_CODE_BYTES = 1 << 24
"""The largest file of code that is read."""

MOST_HASHED = 1 << 34
"""The largest file that is hashed, unless there is a reason for less: parameters, of which no larger ones are read."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path beside `path` and move it there when the block ends well; else leave nothing.

    A reader sees the old file or the new one, never a part, even after a kill.

    Raises:
        BadInputError: The folder cannot be written, the disk is full, or a folder lies at `path`.
    """
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        part.replace(path)
    except OSError as error:
        with suppress(OSError):
            part.unlink(missing_ok=True)
        reason = error.strerror or str(error)
        raise BadInputError(
            f"{path}: cannot be written: {reason}; expected a writable folder with free space"
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def read_bytes(path: Path, *, most: int, first: int | None = None) -> bytes:
    """Return what a file holds, or its `first` bytes. One that has more than `most` bytes is an attack or an accident.

    Raises:
        OSError: It cannot be read, is a device or a pipe, or larger; `strerror` says which.
    """
    require_regular(path, most=most)
    with path.open("rb", buffering=0) as file:
        return file.read() if first is None else file.read(first)


def require_regular(path: Path, *, most: int) -> int:
    """Check that something is a file of at most `most` bytes before anything opens it, and return how many it has.

    Raises:
        OSError: As `read_bytes`.
    """
    try:
        found = path.stat()  # before it is opened: a pipe would wait for somebody who writes into it
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


def sha256(path: Path, *, most: int = MOST_HASHED) -> str:
    """Return the hash of what a file of at most `most` bytes holds, in hex digits.

    Raises:
        BadInputError: It cannot be read, is a device or a pipe, or larger.
    """
    try:
        require_regular(path, most=most)
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file") from None


def read_names(path: Path, *, asked: str) -> list[str]:
    """Return the names of a list, one a line, without empty lines; messages begin with `asked`, the option.

    Raises:
        BadInputError: It cannot be read, or is no text in UTF-8.
    """
    try:
        lines = read_bytes(path, most=MOST_LIST_BYTES).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{asked}{path}: cannot be read: {error}; expected one name a line") from None
    return [name for line in lines if (name := line.strip())]


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    write_bytes(path, text.encode("utf-8"))


def code_sha256(file: Path) -> str:
    """Return the sha256 of a file alone, or of it and all modules of its folder that it imports, however indirectly.

    Imports are read and not made, so that it is the same whether or not one was made yet, in whatever order. Modules
    that lie elsewhere, and those imported by a name that is only known when the code runs, do not enter.

    Raises:
        BadInputError: A file cannot be read.
    """
    found = {file: _read_code(file)}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        for module in _imported_files(path, found[path], file.parent):
            if module not in found:
                found[module] = _read_code(module)
                waiting.append(module)
    if len(found) == 1:
        return hashlib.sha256(found[file]).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(file.parent).as_posix()}\0".encode())
        digest.update(hashlib.sha256(found[path]).digest())
    return digest.hexdigest()


def _read_code(path: Path) -> bytes:
    try:
        return read_bytes(path, most=MOST_CODE_BYTES)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file") from None


def _imported_files(path: Path, code: bytes, folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that the code of `path` may import, packages on the way included."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what imports it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _module_files(folder, each.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = folder
            if node.level:
                base = path.parents[node.level - 1] if node.level <= len(path.parents) else folder
                if not base.is_relative_to(folder):
                    continue
            parts = node.module.split(".") if node.module else []
            for each in node.names:
                yield from _module_files(base, [*parts, each.name])


def _module_files(base: Path, parts: list[str]) -> Iterator[Path]:
    """Yield what an import of a dotted name reads below a folder; the last part may be a name inside a module."""
    if parts[0] == "vos_bench":  # whose version and commit every record has
        return
    for part in parts:
        if (module := base / f"{part}.py").is_file():
            yield module
            return
        base = base / part
        if (start := base / "__init__.py").is_file():
            yield start
        elif not base.is_dir():
            return
