"""What is wrong with a dataset's folder, and where the right one seems to lie."""

import errno
import os
import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

from vos_bench.api import Problem
from vos_bench.errors import BadInputError
from vos_bench.files.listing import ARCHIVES
from vos_bench.names import is_file_name, is_leftover, shorten

_MOST_FOLDERS = 400
"""How many folders are looked at when the right root is searched for, so that a whole disk is never walked."""


class BadDataError(BadInputError):
    """A problem as the exception that stops a command."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.message)
        self.problem = problem

    def __reduce__(self) -> tuple[type["BadDataError"], tuple[Problem]]:
        """Let it travel between processes."""
        return BadDataError, (self.problem,)


def require_file_names(source: Path, names: Iterable[str]) -> None:
    """Check that names, of sequences or frames, that `source` lists can be those of files. Raises BadDataError."""
    bad = next((name for name in names if not is_file_name(name)), None)
    if bad is not None:
        expected = "names of one part, without control characters, of at most 200 bytes"
        raise BadDataError(
            Problem(source, f"the name {bad!r:.100}", expected, "rename it, frames and label maps alike")
        )


def folder_problem(folder: Path, *, expected: str, remedy: str) -> Problem | None:
    """Return what keeps a folder from being listed, or None when nothing does."""
    try:
        with os.scandir(folder):
            return None
    except OSError as error:
        return Problem(folder, _reason(error, folder), expected, remedy)


def _reason(error: OSError, folder: Path) -> str:
    if error.errno == errno.ENOENT:
        return "no such folder"
    if error.errno == errno.ENOTDIR:
        return "a file" if folder.is_file() else "a file higher up in the path"
    return f"a folder that cannot be read ({error.strerror})"


def likely_root(root: Path, marker: str) -> Path | None:
    """Return the folder near `root` that holds `marker`: first higher up, then up to three levels down."""
    absolute = root.absolute()
    for parent in list(absolute.parents)[:4]:
        if (parent / marker).is_dir():
            return parent
        if parent.name == marker:
            return parent.parent
    return next((folder for folder in _below(root) if (folder / marker).is_dir()), None)


def _below(root: Path, depth: int = 3) -> Iterator[Path]:
    """Yield folders below `root`, the nearest first."""
    level, seen = [root], 0
    for _ in range(depth):
        following: list[Path] = []
        for folder in level:
            for child in _children(folder):
                yield child
                following.append(child)
                seen += 1
                if seen >= _MOST_FOLDERS:
                    return
        level = following


def _children(folder: Path) -> list[Path]:
    try:
        with os.scandir(folder) as entries:
            return sorted(Path(entry.path) for entry in entries if entry.is_dir() and not is_leftover(entry.name))
    except OSError:
        return []


def root_problem(root: Path, marker: str, *, dataset: str, option: str = "--root") -> Problem | None:
    """Return what is wrong with a root that has to hold the folder `marker`, with the likely right root.

    Args:
        root: The folder.
        marker: What it has to hold.
        dataset: The dataset's name.
        option: The option that named it.
    """
    remedy = f"give the folder that holds {marker} as {option}"
    if problem := folder_problem(root, expected=f"the root of {dataset}, a folder with {marker} in it", remedy=remedy):
        found = likely_root(root, marker)
        return problem._replace(remedy=_did_you_mean(found, marker, option)) if found else problem
    if (root / marker).is_dir():
        return None
    if (root / marker).exists():
        remedy = "unpack the archive again: this may be what a failed unpacking left"
        return Problem(root / marker, "a file", "a folder", remedy)
    if found := likely_root(root, marker):
        return Problem(
            root / marker, "no such folder", f"{marker} directly in {option}", _did_you_mean(found, marker, option)
        )
    if archives := sorted(path.name for path in root.iterdir() if path.suffix.lower() in ARCHIVES and path.is_file()):
        found_instead = f"no such folder, but {shorten(archives)} beside its place"
        remedy = f"unpack what was downloaded, so that {root / marker} is there"
        return Problem(root / marker, found_instead, f"the root of {dataset}", remedy)
    holds = ", ".join(child.name for child in _children(root)[:5]) or "no folder"
    return Problem(root / marker, f"no such folder ({root} holds {holds})", f"the root of {dataset}", remedy)


def _did_you_mean(root: Path, marker: str, option: str) -> str:
    return f"there is {root / marker}: did you mean {option} {shlex.quote(str(root))} ?"
