"""A slow, independent account of the measures to test against."""

from collections.abc import Callable

import numpy as np
import pytest
from numpy.typing import NDArray

Labels = NDArray[np.uint8] | NDArray[np.uint16]
NaiveCounts = dict[int, tuple[int, ...]]


def naive_boundary(mask: NDArray[np.bool_]) -> set[tuple[int, int]]:
    height, width = mask.shape
    found = set()
    for y, x in np.ndindex(height, width):
        down, right = min(y + 1, height - 1), min(x + 1, width - 1)
        if not mask[y, x] == mask[y, right] == mask[down, x] == mask[down, right]:
            found.add((y, x))
    return found


def naive_matches(pixels: set[tuple[int, int]], others: set[tuple[int, int]], radius: float) -> int:
    if not pixels or not others:
        return 0
    a, b = np.array(sorted(pixels)), np.array(sorted(others))
    distances = ((a[:, None] - b[None]) ** 2).sum(axis=2)
    return int((distances.min(axis=1) <= radius**2).sum())


def naive_counts(truth: Labels, masks: Labels) -> NaiveCounts:
    radius = float(np.ceil(0.008 * np.linalg.norm(truth.shape)))
    counts = {}
    for label in sorted({*truth.ravel().tolist(), *masks.ravel().tolist()} - {0}):
        one, other = truth == label, masks == label
        edge, other_edge = naive_boundary(one), naive_boundary(other)
        areas = (int((one & other).sum()), int(one.sum()), int(other.sum()))
        matches = (naive_matches(edge, other_edge, radius), naive_matches(other_edge, edge, radius))
        counts[label] = (*areas, len(edge), len(other_edge), *matches, *matches)
    return counts


@pytest.fixture(scope="session")
def count_naively() -> Callable[[Labels, Labels], NaiveCounts]:
    return naive_counts
