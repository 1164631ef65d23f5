"""The files that a method consists of: its code, what that imports, and what it reads while it runs."""

import ast
import hashlib
import os
import sys
import sysconfig
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from functools import cache
from importlib.util import find_spec, source_from_cache
from pathlib import Path
from types import FrameType
from typing import Any

import vos_bench
from vos_bench.errors import BadInputError
from vos_bench.files import MOST_HASHED, read_bytes, sha256
from vos_bench.foreign_code import FILE_MODULE

MOST_CODE_BYTES = 1 << 24
"""The largest file of code that is read."""


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


class _Opened:
    """What the code of a method's file, and what that imports, opened to read in the folder of that file.

    Attributes:
        folder: The folder, with a separator at the end.
        paths: The files.
        written: Files that the same code wrote, which are its results and not what it depends on.
        hashes: What they held when they were last asked for.
    """

    def __init__(self, file: str) -> None:
        self.folder = _with_separator(Path(file).parent)
        self.paths: set[str] = set()
        self.written: set[str] = set()
        self.hashes: dict[str, str] = {}


MOST_FILES = 500
"""How many files are noted of one method."""

_NAMED_BY = {"open": 0, "import": 1, "ctypes.dlopen": 0, "os.rename": 1}
"""Events of Python that name a file, and which argument does."""

_READERS = tuple(f"{vos_bench.__name__}.{each}." for each in ("running", "datasets", "scoring"))
"""Modules that read the dataset's files for a method."""

_opened: dict[str, _Opened] = {}


def watch(file: Path) -> None:
    """Note from now on what a method's code opens to read, in this process; before the file itself is imported.

    Modules that it imported earlier and that changed since are dropped, so that they are imported anew.
    """
    name = str(file)
    if not _opened:
        sys.addaudithook(_hear)  # for the life of the process: Python takes none back
    if name not in _opened:
        _opened[name] = _Opened(name)
        return
    changed = {path for path, value in _opened[name].hashes.items() if _hash(path) != value}
    for module, found in [*sys.modules.items()]:
        if getattr(found, "__file__", None) in changed:
            del sys.modules[module]


def _hear(event: str, arguments: tuple[Any, ...]) -> None:
    """Note a file; Python calls this for events of all kinds, and whatever it raised would hit who opens the file."""
    if (position := _NAMED_BY.get(event)) is None:
        return
    with suppress(Exception):
        _note(event, arguments, arguments[position])


def _note(event: str, arguments: tuple[Any, ...], named: Any) -> None:
    if named is None or isinstance(named, int):  # a module without a file, or a file that is open already
        return
    path = os.path.normpath(Path(os.fsdecode(named)).absolute())
    near = {file: found for file, found in _opened.items() if path.startswith(found.folder)}
    if not near:
        return
    writes = event == "os.rename" or bool(event == "open" and arguments[2] & (os.O_WRONLY | os.O_RDWR))
    if path.endswith(".pyc"):
        if writes:
            return  # Python itself does, when it has read the source
        with suppress(ValueError):
            path = source_from_cache(path)
    whose = _asker(sys._getframe(2), tuple(found.folder for found in near.values()))
    for file, found in near.items():
        if whose in (file, ANY):
            (found.written if writes else found.paths).add(path)


ANY = "any"


def _asker(frame: FrameType | None, folders: tuple[str, ...]) -> str:
    """Return which method's file the running code belongs to: `ANY` for code beside it, empty for code elsewhere."""
    asker = ""
    while frame is not None:
        module = str(frame.f_globals.get("__name__", ""))
        if module.startswith(FILE_MODULE):
            return str(frame.f_globals.get("__file__", ""))
        if module.startswith(_READERS):
            break
        if not module.startswith("vos_bench.") and frame.f_code.co_filename.startswith(folders):
            asker = ANY
        frame = frame.f_back
    return asker


def method_files(factory: str, *, apart: Iterable[Path] = ()) -> dict[str, str]:
    """Return the files that a method's results depend on besides `code_sha256`, by name, each with its sha256.

    Of a method `FILE.py:CLASS` these are the files of its folder that its code opened to read in this process, and
    those that a text in its code names; of an installed one, the modules of its package that are loaded, unless that is
    vos-bench, whose version records have.
    What that code itself wrote is left out, and so are installed packages.

    Args:
        factory: See `vos_bench.plugins.MethodInfo`.
        apart: Files and folders in that folder that do not count: data, weights and results, of which records have
            fingerprints.
    """
    place = factory.rpartition(":")[0]
    if not place.endswith(".py"):
        return _named(_modules(place), _folder(place))
    found = _opened.get(place)
    if found is None:
        return {}
    others = [each for path in (*apart, *_packages()) if (each := str(path)).startswith(found.folder)]
    named = {name for path in (place, *found.paths) if path.endswith(".py") for name in _named_in(path, _hash(path))}
    inside = {path for name in named if Path(path := f"{found.folder}{name}").is_file()}
    paths = {path for path in {*found.paths, *inside} - found.written - {place} if not _is_apart(path, others)}
    found.hashes = {path: _hash(path) for path in paths}
    return _named(paths, found.folder)


@cache
def _named_in(path: str, _hash: str, /) -> frozenset[str]:
    """Return the texts in a file's code that may name a file, which libraries in C open unheard."""
    try:
        tree = ast.parse(_read_code(Path(path)))
    except (SyntaxError, ValueError, RecursionError, MemoryError, BadInputError):
        return frozenset()
    texts = {each.value for each in ast.walk(tree) if isinstance(each, ast.Constant) and isinstance(each.value, str)}
    return frozenset(text for text in texts if text.isprintable() and 0 < len(text) < MOST_NAME and ".." not in text)


def _is_apart(path: str, others: Iterable[str]) -> bool:
    return "site-packages" in path or any(path == each or path.startswith(f"{each}{os.sep}") for each in others)


def _packages() -> Iterator[str]:
    """Yield where Python and vos-bench lie themselves."""
    yield sysconfig.get_path("stdlib")
    for folder in map(Path, vos_bench.__path__):
        yield from (str(folder / name) for name in ("vos_bench", "methods", "datasets", "reports"))


def _modules(place: str) -> set[str]:
    package = place.partition(".")[0]
    if package == vos_bench.__name__:
        return set()
    modules = [each for name, each in [*sys.modules.items()] if name.partition(".")[0] == package]
    return {os.path.realpath(file) for each in modules if (file := getattr(each, "__file__", None))}


def _folder(place: str) -> str:
    """Return the folder that names of files are relative to: of a package the one that it lies in."""
    if place.endswith(".py"):
        return _with_separator(Path(place).parent)
    spec = None
    with suppress(ImportError, ValueError, AttributeError):
        spec = find_spec(place.partition(".")[0])
    folders = list(spec.submodule_search_locations or ()) if spec else []
    origin = folders[0] if folders else (spec.origin if spec else None) or ""
    return _with_separator(Path(origin).resolve().parent)


def _with_separator(folder: Path) -> str:
    return f"{folder}{os.sep}"


def _named(paths: Iterable[str], folder: str) -> dict[str, str]:
    hashes = {path.removeprefix(folder).replace(os.sep, "/"): _hash(path) for path in sorted(paths)[:MOST_FILES]}
    return {name: value for name, value in hashes.items() if value}


MOST_NAME = 200
"""How long a text in code may be that is taken for the name of a file."""

_hashes: dict[tuple[str, int, int], str] = {}


def _hash(path: str) -> str:
    """Return the hash of a file, empty where there is none; it is read once as long as its size and time stay."""
    try:
        found = Path(path).stat()
        key = path, found.st_size, found.st_mtime_ns
        if key not in _hashes:
            _hashes[key] = sha256(Path(path), most=MOST_HASHED)
    except (OSError, ValueError, BadInputError):
        return ""
    return _hashes[key]


def changed_files(factory: str, before: Mapping[str, str]) -> list[str]:
    """Return the names of those files of a method that hold something else than before, or are gone."""
    folder = _folder(factory.rpartition(":")[0])
    return [name for name, value in before.items() if _hash(f"{folder}{name}") != value]
