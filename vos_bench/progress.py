"""Progress of any work: one listener for runs, timings, trainings, ablations and everything that is counted."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:  # every layer reports progress; only the type of a record comes from above
    from vos_bench.records.sequence_record import SequenceRecord


class Progress:
    """Hears how work goes. This base class does nothing; a subclass overrides what it wants to hear.

    Calls come one at a time. With several jobs they do not come from the thread that started the work.
    """

    def __enter__(self) -> Self:
        """The work starts."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """The work has ended, well or not."""

    def resumed(self, message: str) -> None:
        """Something lies in the folder from before; `message` says what of it is kept or replaced, and what made it."""

    def run_started(self, sequences: tuple[str, ...], finished: int, work: Callable[[str], float]) -> None:
        """A run will process these sequences.

        Args:
            sequences: Their names.
            finished: How many more were finished before.
            work: Sequence name to the amount of its work, in any unit; raises BadInputError where it cannot be read.
        """

    def sequence_started(self, name: str, frames: int) -> None:
        """A sequence starts; the method will see this many frames."""

    def frame_done(self, name: str) -> None:
        """One frame of a sequence is finished."""

    def sequence_finished(self, record: "SequenceRecord") -> None:
        """A sequence is done or failed; its file is written."""

    def pass_started(self, name: str, what: str, frames: int) -> None:
        """A timing starts a pass over a sequence; `what` is `warm-up` or, for example, `repeat 2 of 3`."""

    def step_done(self, step: int, steps: int, values: Mapping[str, float], seconds_left: float) -> None:
        """A training finished step `step` of `steps`; `values` holds the losses by name. First process only."""

    def job_started(self, name: str, jobs: int) -> None:
        """An ablation of this many jobs starts one of them."""

    def counting(self, what: str, total: int) -> AbstractContextManager[Callable[[], None]]:
        """Return a block in which `total` things are done; what it yields is called after each, from any thread."""
        del what, total
        return nullcontext(lambda: None)
