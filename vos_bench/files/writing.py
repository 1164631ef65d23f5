"""Writes files whole or not at all, and only where files of vos-bench may lie."""

import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files.durability import make_folder, sync_file, sync_folder
from vos_bench.files.temporary import OwnPart

_DATA_FOLDERS = frozenset({"JPEGImages", "Annotations", "ImageSets", "train", "valid", "test", "val"})
"""Names of the folders that hold data inside a data root. Folders of other names, such as `runs`, may lie there too."""


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


def write_bytes(path: Path, data: bytes, *, durable: bool = True) -> None:
    """Write `data` to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    with replacing(path, durable=durable) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str, *, durable: bool = True) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    write_bytes(path, text.encode("utf-8"), durable=durable)


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
