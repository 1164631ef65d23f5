"""Progress bars: one for the sequences, one for the frames, each with the time left."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

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

from vos_bench.api import FramesSeen, Sequence
from vos_bench.errors import VosBenchError
from vos_bench.names import printable
from vos_bench.records import SequenceRecord


class Step(Protocol):
    """What a training tells of each of its steps."""

    @property
    def step(self) -> int:
        """Steps done."""

    @property
    def steps(self) -> int:
        """Steps in all."""

    @property
    def values(self) -> Mapping[str, float]:
        """What was measured, by name."""


class RunProgress:
    """Draws a run's progress on the terminal's error stream; elsewhere says only how much time is left.

    Attributes:
        out: The run's folder, known once the run has started.
    """

    def __init__(self, *, weigh: Callable[[str], float] = lambda _: 1.0) -> None:
        """Prepare the bars.

        Args:
            weigh: Sequence name to how much work it is, in any unit; asked for once, after the first sequence.
        """
        self.out = Path()
        self._weigh = weigh
        self._left: dict[str, None] = {}
        self._estimated = False
        self._bars = _bars()
        self._all = self._bars.add_task("sequences", total=None)
        self._running: dict[str, TaskID] = {}
        self._begun: set[str] = set()

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def taken_over(self, message: str) -> None:
        """Say it, also where no bars are drawn."""
        self._bars.console.print(printable(message), markup=False, highlight=False, soft_wrap=True)

    def run_started(self, out: Path, sequences: tuple[str, ...], skipped: int) -> None:
        """Take the run's size."""
        self.out = out
        self._left = dict.fromkeys(sequences)
        done = f" ({skipped} done before)" if skipped else ""
        self._bars.update(self._all, total=len(sequences), description=f"sequences{done}")

    def sequence_started(self, name: str, frames: int) -> None:
        """Add a sequence's bar."""
        self._begun.add(name)
        if name in self._running:  # its worker was lost
            self._bars.remove_task(self._running.pop(name))
        self._running[name] = self._bars.add_task(name, total=frames)

    def frame_done(self, name: str) -> None:
        """Move a sequence's bar."""
        self._bars.advance(self._running[name])

    def sequence_finished(self, record: SequenceRecord) -> None:
        """Take a sequence's bar away and move the run's."""
        if record.name in self._running:
            self._bars.remove_task(self._running.pop(record.name))
        self._bars.advance(self._all)
        self._left.pop(record.name, None)
        if not self._estimated and self._left and record.status == "done" and record.name in self._begun:
            self._estimated = True
            self._say_time_left(record)
        if record.status == "failed" and not self._bars.disable:
            self._bars.console.print(f"failed: {record.name}: {record.error}", markup=False, highlight=False)

    def _say_time_left(self, record: SequenceRecord) -> None:
        at_once = 1 + len(self._running)  # who else is at work, and the place that is free now
        seconds = time_left(record, self._left, weigh=self._weigh) / min(at_once, len(self._left))
        sequences = f"{len(self._left)} sequence{'s' if len(self._left) > 1 else ''}"
        self._bars.console.print(f"about {duration(seconds)} left for {sequences}", markup=False, highlight=False)


class BenchProgress:
    """Draws one bar for each pass of a timing over a sequence."""

    def __init__(self) -> None:
        self._bars = _bars()
        self._task = self._bars.add_task("", total=None)

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._bars.stop()

    def pass_started(self, what: str, frames: int) -> None:
        """Begin the bar again."""
        self._bars.reset(self._task, description=what, total=frames)

    def frame_done(self) -> None:
        """Move the bar."""
        self._bars.advance(self._task)


def object_frames(sequence: Sequence, *, frames: FramesSeen) -> float:
    """Return how much work a sequence is: the frames of each object from its first one on, or just the frames."""
    seen = sequence.frame_names if frames == "all" else sequence.output_names
    firsts = sequence.first_frames.values()
    return float(sum(sum(name >= first for name in seen) for first in firsts) if firsts else len(seen))


def time_left(record: SequenceRecord, names: Iterable[str], *, weigh: Callable[[str], float]) -> float:
    """Return the seconds that other sequences will take if they go on as this one went, one after the other."""
    return record.seconds / max(_weight(record.name, weigh), 1.0) * sum(_weight(name, weigh) for name in names)


def _weight(name: str, weigh: Callable[[str], float]) -> float:
    try:
        return weigh(name)
    except VosBenchError:
        return 0.0  # it fails when its turn comes, and is reported then


def duration(seconds: float) -> str:
    """Return a duration in the two largest units that matter: `3 h 20 min`, `5 min`, `12 s`."""
    minutes = round(seconds / 60)
    if minutes >= 60 * 24:
        return f"{minutes // 1440} d {minutes % 1440 // 60} h"
    if minutes >= 60:
        return f"{minutes // 60} h {minutes % 60} min"
    return f"{minutes} min" if seconds >= 90 else f"{max(1, round(seconds))} s"


@contextmanager
def counting(what: str, total: int) -> Iterator[Callable[[], None]]:
    """Draw one bar, and yield what moves it by one."""
    with _bars() as bars:
        task = bars.add_task(what, total=total)
        yield lambda: bars.advance(task)


@contextmanager
def training() -> Iterator[Callable[[Step], None]]:
    """Draw a training's bar, and yield what is told of every step."""
    with _bars() as bars:
        task = bars.add_task("steps", total=None)

        def listen(step: Step) -> None:
            values = "  ".join(f"{name} {value:.3f}" for name, value in step.values.items())
            bars.update(task, completed=step.step, total=step.steps, description=values)

        yield listen


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
