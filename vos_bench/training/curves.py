"""Training curves as JSON lines: one object a step, with its number, the time and named values."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType

from vos_bench.files import write_text

NAME = "curves.jsonl"


class Curves:
    """Appends to `curves.jsonl`; lines of later steps than the one resumed from are dropped first."""

    def __init__(self, folder: Path, step: int) -> None:
        """Open the curves of `folder` to go on after `step`."""
        self._path = folder / NAME
        write_text(self._path, "".join(line for line in _lines(self._path) if json.loads(line)["step"] <= step))
        self._file = self._path.open("a", encoding="utf-8")

    def __enter__(self) -> "Curves":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def add(self, step: int, values: Mapping[str, float]) -> None:
        """Write one line."""
        self._file.write(json.dumps({"step": step, "time": round(time.time(), 3), **values}) + "\n")
        self._file.flush()


def _lines(path: Path) -> list[str]:
    """Return the whole lines of the file; one that a kill cut short is left out."""
    if not path.exists():
        return []
    return [line for line in path.read_text(encoding="utf-8").splitlines(keepends=True) if line.endswith("\n")]
