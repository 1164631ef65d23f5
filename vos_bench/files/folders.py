"""Writes folders whole or not at all, beside the place that they are to take."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files import OwnPart, remove_stale_parts
from vos_bench.files.durability import make_folder, sync_contents, sync_folder


@contextmanager
def part_folder(folder: Path) -> Iterator[Path]:
    """Yield an empty temporary folder beside another one, and remove it in the end with all that is still in it.

    What killed processes left beside that one is removed too. Raises OSError.
    """
    make_folder(folder.parent)
    remove_stale_parts(folder)
    part = OwnPart.folder_beside(folder)
    try:
        yield part.path
    finally:
        part.close()
        shutil.rmtree(part.path, ignore_errors=True)


@contextmanager
def replacing_folder(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder and put it in the place of another when the block ends well; else leave nothing.

    The old folder stays until the new one is whole, then they change places, in one step where the system can do that
    (Linux). What killed processes left beside it is removed.

    Raises:
        BadInputError: The place cannot be written.
    """
    try:
        with part_folder(folder) as part:
            yield part
            sync_contents(part)
            _exchange(part, folder)  # what is removed in the end is the old folder
            sync_folder(folder.parent)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be written: {error.strerror or error}") from error


_EXCHANGE, _HERE = 2, -100
"""Linux's flag for a rename of two things in place of each other, and its number for the current folder."""


def _exchange(new: Path, old: Path) -> None:
    """Let two folders change places; where the system cannot do that in one step, the old one goes first."""
    if old.exists():
        with suppress(AttributeError, OSError, TypeError):  # not Linux, or an older libc
            library = ctypes.CDLL(None, use_errno=True)
            if library.renameat2(_HERE, os.fsencode(new), _HERE, os.fsencode(old), _EXCHANGE) == 0:
                return
        aside = new.with_name(f"{old.name}.{os.urandom(8).hex()}.part")
        old.rename(aside)
        try:
            new.rename(old)
        except BaseException:  # nothing took its place
            aside.rename(old)
            raise
        aside.rename(new)
        return
    new.rename(old)
