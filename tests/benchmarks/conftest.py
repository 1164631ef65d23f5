"""Label maps as large and as rough as those of DAVIS at 480p."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter

Labels = NDArray[np.uint8]


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
