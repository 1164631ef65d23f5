"""What the commands print: tables, messages and JSON. Nothing else in the package writes to the terminal."""

import json
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from vos_bench.errors import BadInputError
from vos_bench.files import write_text
from vos_bench.names import printable
from vos_bench.tables import Format, Orientation, Table, render


def say(message: str) -> None:
    """Print one line of result."""
    sys.stdout.write(printable(f"{message}\n"))


def warn(message: str) -> None:
    """Print one line that is no result, where it does not mix with results."""
    sys.stderr.write(printable(f"{message}\n"))


def show(table: Table, format: Format = "text", *, orientation: Orientation | None = None) -> None:
    """Print a table; on a terminal, text is wrapped to its width."""
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    sys.stdout.write(render(table, format, width=width, orientation=orientation))


def write_page(path: Path, text: str) -> None:
    """Write a text to a file that an option names. Raises BadInputError where a run's own record lies there."""
    found = path.resolve()
    of_sequence = found.parent.name == "sequences" and (found.parent.parent / "run.json").exists()
    if found.exists() and (found.name == "run.json" or (of_sequence and found.suffix == ".json")):
        raise BadInputError(f"{path}: is the record of a run, which is not written over; give another file")
    write_text(path, text)


def write_json(path: Path | None, data: Mapping[str, Any]) -> None:
    """Write `data` where `--json` asks for it, if it does."""
    if path is not None:
        write_page(path, json.dumps(data, indent=2, allow_nan=False) + "\n")
