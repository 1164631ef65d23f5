"""Mean, recall and decay of one object's frames, and their mean over objects."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vos_bench.errors import BadInputError

RECALL_THRESHOLD = 0.5
"""A frame counts as found when its value is strictly greater."""

DECAY_BINS = 4

STATISTICS = ("J", "J_recall", "J_decay", "F", "F_recall", "F_decay")
"""The names of one object's numbers, in the order of tables."""

SCORES = ("J&F", *STATISTICS)
"""The names of a run's numbers, in the order of tables."""


@dataclass(frozen=True)
class ObjectScores:
    """One object's value on each of its scored frames.

    Attributes:
        object_id: The object's id in the dataset.
        group: `seen` or `unseen`; None where the dataset has no groups.
        frames: The names of the scored frames, in order.
        J: Region similarity of each frame, in [0, 1].
        F: Contour accuracy of each frame, in [0, 1].
    """

    object_id: int
    group: str | None
    frames: tuple[str, ...]
    J: NDArray[np.float64]
    F: NDArray[np.float64]

    def statistics(self) -> dict[str, float]:
        """Return mean, recall and decay of J and F under the names of `STATISTICS`."""
        return {
            "J": mean(self.J),
            "J_recall": recall(self.J),
            "J_decay": decay(self.J),
            "F": mean(self.F),
            "F_recall": recall(self.F),
            "F_decay": decay(self.F),
        }


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


def overall(objects: Iterable[ObjectScores]) -> dict[str, float]:
    """Return the mean of every statistic over objects, and J&F, under the names of `SCORES`.

    All objects of all sequences weigh the same, however long their sequences are.

    Raises:
        BadInputError: There is no object.
    """
    return mean_of_statistics([scores.statistics() for scores in objects])


def mean_of_statistics(statistics: list[Mapping[str, float]] | list[dict[str, float]]) -> dict[str, float]:
    """Return what `overall` returns, from the statistics of each object."""
    if not statistics:
        raise BadInputError("found no object to score; expected at least one in the first truth of some sequence")
    means = {name: float(np.mean([row[name] for row in statistics])) for name in STATISTICS}
    return {"J&F": (means["J"] + means["F"]) / 2, **means}
