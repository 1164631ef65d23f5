"""Progress bars on the terminal: one for the whole work, one for each sequence at work, with the time left."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich import progress as bars
from rich.console import Console

from vos_bench.commands.streams import write_out
from vos_bench.errors import VosBenchError
from vos_bench.names import printable
from vos_bench.progress import Progress
from vos_bench.records import SequenceRecord


class TerminalProgress(Progress):
    """Draws progress on the terminal's error stream; elsewhere says only how much time a run still needs."""

    def __init__(self) -> None:
        """Prepare the bars."""
        console = Console(stderr=True)
        self._bars = bars.Progress(
            bars.TextColumn("{task.description}", markup=False),
            bars.BarColumn(),
            bars.MofNCompleteColumn(),
            bars.TimeElapsedColumn(),
            bars.TimeRemainingColumn(),
            console=console,
            disable=not console.is_terminal,
        )
        self._clear()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def _clear(self) -> None:
        """Forget the work before: an ablation trains and runs, and a timing has many passes."""
        for task in self._bars.task_ids:
            self._bars.remove_task(task)
        self._whole: bars.TaskID | None = None
        self._running: dict[str, bars.TaskID] = {}
        self._started: set[str] = set()
        self._left: dict[str, None] = {}
        self._work: Callable[[str], float] = lambda _: 1.0
        self._estimated = False

    def resumed(self, message: str) -> None:
        """Say it, also where no bars are drawn."""
        self._bars.console.print(printable(message), markup=False, highlight=False, soft_wrap=True)

    def run_started(self, sequences: tuple[str, ...], finished: int, work: Callable[[str], float]) -> None:
        """Draw the run's bar."""
        self._clear()
        self._left, self._work = dict.fromkeys(sequences), work
        done = f" ({finished} done before)" if finished else ""
        self._whole = self._bars.add_task(f"sequences{done}", total=len(sequences))

    def sequence_started(self, name: str, frames: int) -> None:
        """Add a sequence's bar."""
        self._started.add(name)
        if name in self._running:  # its worker was lost
            self._bars.remove_task(self._running.pop(name))
        self._running[name] = self._bars.add_task(name, total=frames)

    def frame_done(self, name: str) -> None:
        """Move a sequence's bar."""
        self._bars.advance(self._running[name])

    def sequence_finished(self, record: SequenceRecord) -> None:
        """Remove a sequence's bar and move the run's."""
        if record.name in self._running:
            self._bars.remove_task(self._running.pop(record.name))
        if self._whole is not None:
            self._bars.advance(self._whole)
        self._left.pop(record.name, None)
        if not self._estimated and self._left and record.status == "done" and record.name in self._started:
            self._estimated = True
            self._say_time_left(record)
        if record.status == "failed" and not self._bars.disable:
            self._bars.console.print(f"failed: {record.name}: {record.error}", markup=False, highlight=False)

    def _say_time_left(self, record: SequenceRecord) -> None:
        at_once = 1 + len(self._running)  # the sequences at work, and the one that takes the free place now
        seconds = time_left(record, self._left, work=self._work) / min(at_once, len(self._left))
        sequences = f"{len(self._left)} sequence{'s' if len(self._left) > 1 else ''}"
        self._bars.console.print(f"about {duration(seconds)} left for {sequences}", markup=False, highlight=False)

    def pass_started(self, name: str, what: str, frames: int) -> None:
        """Draw the bar of one pass in place of the one before."""
        self._clear()
        self._running[name] = self._bars.add_task(what, total=frames)

    def step_done(self, step: int, steps: int, values: Mapping[str, float], seconds_left: float) -> None:
        """Move a training's bar; the bar itself estimates the time left."""
        del seconds_left
        if self._whole is None:
            self._whole = self._bars.add_task("steps", total=steps)
        losses = "  ".join(f"{name} {value:.3f}" for name, value in values.items())
        self._bars.update(self._whole, completed=step, total=steps, description=losses)

    def job_started(self, name: str, jobs: int) -> None:
        """Say which job of an ablation starts."""
        self._bars.stop()  # while bars are drawn, rich sends standard output to their stream
        self._clear()
        write_out(printable(f"{name} (one of {jobs} jobs)\n"))
        self._bars.start()

    @contextmanager
    def counting(self, what: str, total: int) -> Iterator[Callable[[], None]]:
        """Draw one bar, and yield a function that moves it by one."""
        with self._bars:
            task = self._bars.add_task(what, total=total)
            yield lambda: self._bars.advance(task)


def time_left(record: SequenceRecord, names: Iterable[str], *, work: Callable[[str], float]) -> float:
    """Return the seconds that other sequences need one after the other if they go on as this one went."""
    return record.seconds / max(_work_of(record.name, work), 1.0) * sum(_work_of(name, work) for name in names)


def _work_of(name: str, work: Callable[[str], float]) -> float:
    try:
        return work(name)
    except VosBenchError:
        return 0.0  # it fails when its turn comes, and is reported then


def duration(seconds: float) -> str:
    """Return a duration in its two largest units: `3 h 20 min`, `5 min`, `12 s`."""
    minutes = round(seconds / 60)
    if minutes >= 60 * 24:
        return f"{minutes // 1440} d {minutes % 1440 // 60} h"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if seconds >= 90 else f"{max(1, round(seconds))} s"
