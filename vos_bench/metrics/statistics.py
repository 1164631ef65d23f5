"""Mean, recall and decay of one object's frames, and their mean over objects."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Generic, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from vos_bench.errors import BadInputError

Function = TypeVar("Function", bound=Callable[..., object])


class Rule(NamedTuple, Generic[Function]):
    """One rule of a protocol: the words that a record keeps of it, and what it computes."""

    text: str
    apply: Function


RECALL_THRESHOLD = 0.5
"""A frame counts as found when its value is strictly greater."""

DECAY_BINS = 4

STATISTICS = ("J", "J_recall", "J_decay", "F", "F_recall", "F_decay")
"""The names of one object's numbers, in the order of tables."""

SCORES = ("J&F", *STATISTICS)
"""The names of a run's numbers, in the order of tables."""


class ObjectScores(NamedTuple):
    """One object's value on each of its scored frames.

    Attributes:
        object_id: The object's id in the dataset.
        group: `seen` or `unseen`; None where the dataset has no groups.
        frames: The names of the scored frames, in order.
        J: Region similarity of each frame, in [0, 1].
        F: Contour accuracy of each frame, in [0, 1]; empty where the protocol has none.
        F_dot: F within the distance that shrinks with the object, likewise.
        extra: What the protocol says of an object besides mean, recall and decay, by name.
        name: What the dataset calls the object where that is not its id, such as `000` of SA-V.
    """

    object_id: int
    group: str | None
    frames: tuple[str, ...]
    J: NDArray[np.float64]
    F: NDArray[np.float64] = np.empty(0)
    F_dot: NDArray[np.float64] = np.empty(0)
    extra: Mapping[str, float] = {}
    name: str = ""

    def statistics(self) -> dict[str, float]:
        """Return mean, recall and decay of J and of the F that there is, by the names of `STATISTICS`, and `extra`."""
        found = _statistics("J", self.J)
        if self.F.size:
            found |= _statistics("F", self.F)
        return {**found, **self.extra}


def _statistics(measure: str, values: NDArray[np.float64]) -> dict[str, float]:
    return {measure: mean(values), f"{measure}_recall": recall(values), f"{measure}_decay": decay(values)}


def mean(values: NDArray[np.float64]) -> float:
    """Return the mean over frames."""
    return float(np.mean(values))


def recall(values: NDArray[np.float64]) -> float:
    """Return the share of frames whose value is strictly greater than one half."""
    return float(np.mean(values > RECALL_THRESHOLD))


def decay(values: NDArray[np.float64]) -> float:
    """Return the mean of the first quarter of the frames minus that of the last: what is lost over time.

    The quarters are those of davis2017-evaluation: both ends belong to a quarter, so that neighbours share a frame.
    That tool keeps the ends in 8 bits, so that they wrap, and decay is NaN or wrong, from 256 frames on; here they
    do not, and decay means the same at any length.
    """
    edges = np.round(np.linspace(1, len(values), DECAY_BINS + 1) + 1e-10).astype(np.intp) - 1
    first = values[edges[0] : edges[1] + 1]
    last = values[edges[-2] : edges[-1] + 1]
    return float(np.mean(first) - np.mean(last))


def variability(scores: ObjectScores, _shown: NDArray[np.bool_]) -> dict[str, float]:
    """Return V of LVOS: how much J&F varies over the frames of an object."""
    values = (scores.J + scores.F) / 2
    variance = np.mean((values - np.mean(values)) ** 2)
    # Rounded before the root, and by NumPy, as lvos-evaluation does: 0.15375 becomes 0.1538 there, in Python 0.1537.
    return {"V": float(np.sqrt(np.round(variance, 4)))}


LAST_PART = 0.75
"""Where VOST's last quarter begins, as a share of the scored frames."""


def last_quarter(scores: ObjectScores, _shown: NDArray[np.bool_]) -> dict[str, float]:
    """Return mean, recall and decay of J over the last quarter of the frames, rounded down: VOST's J_last."""
    return _statistics("J_last", scores.J[int(LAST_PART * len(scores.J)) :])


def absences(scores: ObjectScores, shown: NDArray[np.bool_]) -> dict[str, float]:
    """Return MOSEv2's F_dot and J&F_dot of an object, and J&F_dot of the times it is gone and of those it is back.

    A time is a run of frames whose truth is empty, or is not. Gone counts from the first time on that the truth showed
    the object; back counts also the time of its first appearance, after frames without it.

    Args:
        scores: The object's values.
        shown: Whether the truth of each frame shows it.
    """
    times = [*_runs(shown)]
    found = {"F_dot": mean(scores.F_dot), "J&F_dot": (mean(scores.J) + mean(scores.F_dot)) / 2}
    for name, present in (("J&F_dot_disappear", False), ("J&F_dot_reappear", True)):
        # The first time of all is neither an absence after a presence nor a presence after an absence.
        values = [
            (mean(scores.J[time]) + mean(scores.F_dot[time])) / 2 for time in times[1:] if shown[time.start] == present
        ]
        if values:
            found[name] = float(np.mean(values))
    return found


def _runs(shown: NDArray[np.bool_]) -> Iterator[slice]:
    """Yield the runs of equal values."""
    ends = [*(np.flatnonzero(shown[1:] != shown[:-1]) + 1).tolist(), len(shown)]
    start = 0
    for end in ends:
        yield slice(start, end)
        start = end


def overall(objects: Iterable[ObjectScores]) -> dict[str, float]:
    """Return the mean of every statistic over objects, and J&F, under the names of `SCORES`.

    All objects of all sequences weigh the same, however long their sequences are.

    Raises:
        BadInputError: There is no object.
    """
    return mean_of_statistics([scores.statistics() for scores in objects])


def mean_of_statistics(statistics: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return what `overall` returns, from the statistics of each object. Raises BadInputError without any."""
    if not statistics:
        raise BadInputError("found no object to score; expected at least one in the first truth of some sequence")
    means = {name: float(np.mean([row[name] for row in statistics])) for name in STATISTICS}
    return {"J&F": (means["J"] + means["F"]) / 2, **means}
