"""Training curves: JSON lines always, one object a step; TensorBoard too where it is wanted."""

import json
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, write_text

CURVES = "curves.jsonl"

MOST_BYTES = 1 << 28
"""The largest file of curves that is read; 100,000 steps take a tenth of it."""


class Curves:
    """Appends to `curves.jsonl`; lines of later steps than the one resumed from are dropped first."""

    def __init__(self, folder: Path, step: int, *, tensorboard: bool = False) -> None:
        """Open the curves of a training's folder to go on after `step`, with events for TensorBoard if asked for.

        Raises:
            BadInputError: TensorBoard is wanted and not installed, or the folder cannot be written.
        """
        path = self._path = folder / CURVES
        self._events = _event_writer(folder / "tensorboard", step) if tensorboard else None
        write_text(path, "".join(_lines_to(path, step)))
        self._file = path.open("a", encoding="utf-8")

    def __enter__(self) -> "Curves":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):  # `add` has flushed every line, or has said why it could not
            self._file.close()
        if self._events is not None:
            self._events.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write the values of one step, and the hour, which nothing reads.

        Raises:
            BadInputError: They cannot be written.
        """
        try:
            self._file.write(json.dumps({"step": step, "time": round(time.time(), 3), **values}) + "\n")
            self._file.flush()
        except OSError as error:
            raise BadInputError(
                f"{self._path}: cannot be written: {error.strerror}; expected a writable folder with free space\n"
                "  the last checkpoint is kept: once that is fixed, --resume goes on from there"
            ) from error
        if self._events is not None:
            for name, value in values.items():
                self._events.add_scalar(name, value, step)


def read_curves(path: Path) -> list[dict[str, float]]:
    """Return the lines of a training's curves: the step, the time and the values of each. Raises BadInputError."""
    try:
        lines = read_bytes(path, most=MOST_BYTES).decode("utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read: {error}; expected the curves of a training") from None
    found: list[dict[str, float]] = []
    for number, line in enumerate(lines, start=1):
        try:
            found.append(json.loads(line))
        except ValueError:
            raise BadInputError(f"{path}:{number}: is damaged, expected one JSON object a line") from None
    return found


def _lines_to(path: Path, step: int) -> list[str]:
    """Return the lines of the file up to a step; those after a damaged one, which a power cut may leave, are lost."""
    if not path.exists():
        return []
    kept: list[str] = []
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        try:
            found = json.loads(line)["step"]
        except (ValueError, LookupError, TypeError):
            break
        if found <= step and line.endswith("\n"):
            kept.append(line)
    return kept


def _event_writer(folder: Path, step: int) -> Any:
    try:
        from torch.utils.tensorboard import SummaryWriter
    except ImportError as error:
        raise BadInputError(
            f"tensorboard=true needs {error.name or 'tensorboard'}: pip install '.[tensorboard]'"
        ) from None
    return SummaryWriter(str(folder), purge_step=step + 1)
