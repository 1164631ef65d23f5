"""Progress bars: one for the sequences, one for the frames, each with the time left."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from vos_bench.records import SequenceRecord


class RunProgress:
    """Draws a run's progress on the terminal's error stream; silent where that is no terminal.

    Attributes:
        out: The run's folder, known once the run has started.
    """

    def __init__(self) -> None:
        self.out = Path()
        self._bars = _bars()
        self._all = self._bars.add_task("sequences", total=None)
        self._running: dict[str, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def run_started(self, out: Path, sequences: int, skipped: int) -> None:
        """Take the run's size."""
        self.out = out
        done = f" ({skipped} done before)" if skipped else ""
        self._bars.update(self._all, total=sequences, description=f"sequences{done}")

    def sequence_started(self, name: str, frames: int) -> None:
        """Add a sequence's bar."""
        self._running[name] = self._bars.add_task(name, total=frames)

    def frame_done(self, name: str) -> None:
        """Move a sequence's bar."""
        self._bars.advance(self._running[name])

    def sequence_finished(self, record: SequenceRecord) -> None:
        """Take a sequence's bar away and move the run's."""
        if record.name in self._running:
            self._bars.remove_task(self._running.pop(record.name))
        self._bars.advance(self._all)
        if record.status == "failed" and not self._bars.disable:
            self._bars.console.print(f"failed: {record.name}: {record.error}", markup=False, highlight=False)


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Draw one bar, and yield what moves it by one."""
    with _bars() as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


def _bars() -> Progress:
    console = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console,
        disable=not console.is_terminal,
    )
