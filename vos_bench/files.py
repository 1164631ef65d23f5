"""Files are written whole or not at all."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from vos_bench.errors import BadInputError


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


def write_bytes(path: Path, data: bytes) -> None:
    """Write `data` to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    with replacing(path) as part:
        part.write_bytes(data)


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 to `path`, whole or not at all. Raises BadInputError as `replacing` does."""
    write_bytes(path, text.encode("utf-8"))
