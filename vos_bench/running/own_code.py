"""The code of a method that runs as `FILE.py:CLASS`: that file, and what it imports from its own folder."""

import ast
import hashlib
from collections.abc import Iterator
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes

MOST_BYTES = 1 << 24
"""The largest file of code that is read."""


def code_sha256(file: Path) -> str:
    """Return the sha256 of a file alone, or of it and all modules of its folder that it imports, however indirectly.

    Imports are read and not made, so that it is the same whether or not one was made yet, in whatever order. Modules
    that lie elsewhere, and those imported by a name that is only known when the code runs, do not enter.

    Raises:
        BadInputError: A file cannot be read.
    """
    found = {file: _read(file)}
    waiting = [file]
    while waiting:
        path = waiting.pop()
        for module in _imported(path, found[path], file.parent):
            if module not in found:
                found[module] = _read(module)
                waiting.append(module)
    if len(found) == 1:
        return hashlib.sha256(found[file]).hexdigest()
    digest = hashlib.sha256()
    for path in sorted(found):
        digest.update(f"{path.relative_to(file.parent).as_posix()}\0".encode())
        digest.update(hashlib.sha256(found[path]).digest())
    return digest.hexdigest()


def _read(path: Path) -> bytes:
    try:
        return read_bytes(path, most=MOST_BYTES)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror}; expected a file") from None


def _imported(path: Path, code: bytes, folder: Path) -> Iterator[Path]:
    """Yield the files of a folder that the code of `path` may import, packages on the way included."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # what imports it says so
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for each in node.names:
                yield from _files(folder, each.name.split("."))
        elif isinstance(node, ast.ImportFrom):
            base = folder
            if node.level:
                base = path.parents[node.level - 1] if node.level <= len(path.parents) else folder
                if not base.is_relative_to(folder):
                    continue
            parts = node.module.split(".") if node.module else []
            for each in node.names:
                yield from _files(base, [*parts, each.name])


def _files(base: Path, parts: list[str]) -> Iterator[Path]:
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
