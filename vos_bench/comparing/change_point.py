"""Where in a history of runs the score moved, if it did: Pettitt's test, as a hint to whoever searches the cause."""

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np
from numpy.typing import NDArray

from vos_bench.errors import BadInputError

Ranks = NDArray[np.float64]

LEAST = 8
"""With fewer values no order of them is rarer than one in twenty, so that nothing could be found."""

LEVEL = 0.05
"""The p-value from which on a change counts as found."""

_SHUFFLES = 9_999
_SEED = 19790101
"""Fixed, so that the same history gives the same p-value every time."""


@dataclass(frozen=True)
class ChangePoint:
    """The place at which the values before and after differ most in rank.

    Attributes:
        first: Index of the first value after it.
        before: Mean of the values before.
        after: Mean of the others.
        p: How often shuffled values differ as much somewhere, 0 to 1.
    """

    first: int
    before: float
    after: float
    p: float

    @property
    def is_found(self) -> bool:
        """Whether chance is an unlikely explanation."""
        return self.p <= LEVEL


def change_point(values: Sequence[float]) -> ChangePoint:
    """Find the likeliest single change of level, by ranks: outliers and the form of the noise do not matter.

    The statistic is Pettitt's (A non-parametric approach to the change-point problem, Applied Statistics 28, 1979),
    K = max over t of |2 (R_1 + … + R_t) - t (n + 1)|, R the ranks, ties sharing theirs. Its p-value is counted over
    9,999 shuffles and not taken from his approximation, which is poor for histories as short as these.

    Args:
        values: At least `LEAST`, in the order of time.

    Raises:
        BadInputError: There are fewer.
    """
    if len(values) < LEAST:
        raise BadInputError(f"found {len(values)} values, expected at least {LEAST} to look for a change in")
    from scipy.stats import rankdata  # here, since it takes a while and few commands need it

    ranks = rankdata(values)
    found = _differences(ranks[None])[0]
    first = int(found.argmax()) + 1
    shuffled = np.random.default_rng(_SEED).permuted(np.tile(ranks, (_SHUFFLES, 1)), axis=1)
    as_large = np.count_nonzero(_differences(shuffled).max(axis=1) >= found.max())
    p = (1 + int(as_large)) / (1 + _SHUFFLES)
    return ChangePoint(first, fmean(values[:first]), fmean(values[first:]), p)


def _differences(ranks: Ranks) -> Ranks:
    """Return |U_t| of rows of ranks, M x n -> M x (n - 1)."""
    n = ranks.shape[1]
    found: Ranks = np.abs(2 * ranks.cumsum(axis=1) - np.arange(1, n + 1) * (n + 1))[:, :-1]
    return found
