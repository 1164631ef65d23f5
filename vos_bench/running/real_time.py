"""Frames that arrive while a method is busy: which of them it misses, as the real-time experiment of VOT has it.

The rules are those of vot-toolkit 0.9.0 (`vot.tracker.RealtimeTrackerRuntime`), and one more for objects that start
later, which that experiment does not have.
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from vos_bench.records import RealTimeEntry

DEFAULT_GRACE = 3
"""How many slow frames are forgiven, as in all real-time experiments of VOT from 2017 on."""


class FrameClock:
    """Says which frames of one sequence a method is given, from how long it took for those before.

    A method that takes longer than the time between two frames falls behind. As long as it is behind by more than that
    time, the frames that arrive are dropped; what is left of it then is forgiven. So a method loses a frame only where
    it takes more than twice as long as the frames last.

    The first slow frames are forgiven altogether (`grace`), that on which the sequence starts among them. A frame on
    which an object starts is never dropped: it waits for the method, which is then as late with it.

    Attributes:
        dropped: The names of the frames that were dropped so far.
    """

    def __init__(self, rules: RealTimeEntry) -> None:
        """Take the rate and the grace."""
        self._interval_ms, self._grace = 1000 / rules.fps, rules.grace
        self._behind_ms = self._waited_ms = 0.0
        self.dropped: list[str] = []

    def taken(self, names: Iterable[str], *, waiting: Collection[str], drop: Callable[[str], None]) -> Iterator[str]:
        """Yield the frames that the method is given; decide on each only when the next one is asked for.

        Args:
            names: All frames, in order.
            waiting: Those that wait for the method and are not dropped.
            drop: Hears of each frame that is dropped.
        """
        for name in names:
            if self._is_taken(waits=name in waiting):
                yield name
            else:
                self.dropped.append(name)
                drop(name)

    def _is_taken(self, *, waits: bool) -> bool:
        is_late = self._behind_ms > self._interval_ms
        if is_late and not waits:
            self._behind_ms -= self._interval_ms
            return False
        self._waited_ms = self._behind_ms if is_late else 0.0
        return True

    def answered(self, milliseconds: float) -> None:
        """Hear how long the method took for the frame that it was given last."""
        late_ms = self._waited_ms + milliseconds - self._interval_ms
        if late_ms > 0 and self._grace > 0:
            self._grace, late_ms = self._grace - 1, 0.0
        self._behind_ms = max(0.0, late_ms)
