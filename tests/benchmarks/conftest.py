"""Label maps as large and as rough as those of DAVIS at 480p."""

import time
from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Labels = NDArray[np.uint8]


TimesFaster = Callable[..., float]


@pytest.fixture(scope="session")
def times_faster() -> TimesFaster:
    """How many times faster ours is: processor time of this thread, the best of each.

    Measured in turns, so that what else the machine does meanwhile hits both; ours is called `calls` times a round.
    """

    def seconds(function: Callable[[], object]) -> float:
        started = time.thread_time()
        function()
        return time.thread_time() - started

    def measure(
        ours: Callable[[], object], obvious: Callable[[], object], *, calls: int = 1, rounds: int = 10
    ) -> float:
        best = best_obvious = float("inf")
        for _ in range(rounds):
            best_obvious = min(best_obvious, seconds(obvious))
            best = min(best, *(seconds(ours) for _ in range(calls)))
        return best_obvious / best

    return measure


@pytest.fixture(scope="session")
def pair() -> tuple[Labels, Labels]:
    """A truth with four objects, and a prediction that is off by a few pixels."""
    rng = np.random.default_rng(0)
    noise, fine = gaussian_filter(rng.random((480, 854)), 25), gaussian_filter(rng.random((480, 854)), 2)
    truth = np.zeros((480, 854), np.uint8)
    for label, (top, left) in enumerate(((40, 60), (60, 500), (260, 150), (280, 560)), 1):
        window = (slice(top, top + 150), slice(left, left + 220))
        truth[window][(noise + 0.02 * fine)[window] > np.median(noise[window])] = label
    return truth, np.roll(truth, (2, -3), (0, 1))
