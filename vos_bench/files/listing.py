"""Lists what people put into a folder, without what programs leave there."""

from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.names import counted, is_leftover

ARCHIVES = frozenset({".zip", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".7z", ".rar", ".zst"})
"""What the names of archives end with."""


def folders_in(folder: Path) -> list[Path]:
    """Return the folders in a folder, sorted by name; none where it is no folder."""
    return [path for path in _listed(folder) if path.is_dir()]


def files_in(folder: Path, *suffixes: str) -> list[Path]:
    """Return what bears one of these suffixes (in small letters), sorted by name; none where it is no folder.

    Without suffixes, it is all but folders.
    """
    if not suffixes:
        return [path for path in _listed(folder) if not path.is_dir()]
    return [path for path in _listed(folder) if path.suffix.lower() in suffixes]


def files_below(folder: Path, suffix: str) -> list[Path]:
    """Return what bears a suffix in a folder and in all folders below it, sorted by path."""
    found = files_in(folder, suffix)
    for each in folders_in(folder):
        if not each.is_symlink():
            found += files_below(each, suffix)
    return sorted(found)


def only_file(path: Path, suffix: str, *, expected: str) -> Path:
    """Return a file, or the one of a suffix that lies in a folder or below it. Raises BadInputError with `expected`."""
    if path.is_file():
        return path
    files = files_below(path, suffix)
    if len(files) != 1:
        held = counted(len(files), f"{suffix.removeprefix('.').upper()} file")
        raise BadInputError(f"{path}: holds {held}; expected {expected}")
    return files[0]


def _listed(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not is_leftover(path.name)) if folder.is_dir() else []
