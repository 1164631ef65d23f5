"""What the commands print: tables, messages and JSON. Nothing else in the package writes to the terminal."""

import os
import shutil
import stat
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from vos_bench.commands.streams import is_wide, warn, write_out
from vos_bench.errors import BadInputError
from vos_bench.files import remove_stale_parts, write_text
from vos_bench.names import printable
from vos_bench.progress import Progress
from vos_bench.tables import Format, Orientation, Table, render

__all__ = ["say", "show", "shown_bars", "warn", "write_json", "write_page"]


PIPE = (100, 24)
"""Columns and lines of a text that goes to no terminal, where COLUMNS says nothing else."""


def say(message: str) -> None:
    """Print one line of result."""
    write_out(printable(f"{message}\n"))


def show(table: Table, format: Format = "text", *, orientation: Orientation | None = None) -> None:
    """Print a table; text goes without the least important columns where the terminal is narrower, unless `--wide`."""
    width = None if is_wide() else shutil.get_terminal_size(PIPE).columns
    write_out(render(table, format, width=width, orientation=orientation))


class _Notices(Progress):
    """Draws nothing, and says what of an earlier result is kept or replaced."""

    def resumed(self, message: str) -> None:
        warn(message)


def shown_bars() -> Progress:
    """Return bars for a terminal; elsewhere a listener that draws nothing, so that nothing is loaded to draw them."""
    if not sys.stderr.isatty():
        return _Notices()
    from vos_bench.commands.progress import TerminalProgress  # it loads rich

    return TerminalProgress()


def write_page(path: Path, text: str) -> None:
    """Write a text to a file that an option names. Raises BadInputError where a run's own record lies there."""
    found = path.resolve()
    of_sequence = found.parent.name == "sequences" and (found.parent.parent / "run.json").exists()
    if found.exists() and (found.name == "run.json" or (of_sequence and found.suffix == ".json")):
        raise BadInputError(f"{path}: is the record of a run, which is not written over; give another file")
    if _is_channel(path):
        _write_into(path, text)
        return
    remove_stale_parts(path)
    write_text(path, text)


def _is_channel(path: Path) -> bool:
    """Return whether a device or a pipe lies at a path, or the file that standard output goes to."""
    try:
        found = path.stat()
        return not (stat.S_ISREG(found.st_mode) or stat.S_ISDIR(found.st_mode)) or _is_standard_output(found)
    except (OSError, ValueError):
        return False


def _is_standard_output(found: os.stat_result) -> bool:
    with suppress(OSError, ValueError, AttributeError):
        return os.path.samestat(found, os.fstat(sys.stdout.fileno()))
    return False


def _write_into(path: Path, text: str) -> None:
    """Write a text where no file may take the place of what lies there. Raises BadInputError."""
    try:
        if _is_standard_output(path.stat()):
            write_out(text)
            return
        with path.open("w", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be written: {error.strerror}") from None


def write_json(path: Path | None, data: Mapping[str, Any]) -> None:
    """Write `data` where `--json` asks for it, if it does."""
    if path is not None:
        import json  # here, since few commands are asked for it

        write_page(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
