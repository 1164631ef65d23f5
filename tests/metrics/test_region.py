import numpy as np
import pytest

from vos_bench.metrics.measures import J

EMPTY, LEFT, TOP, FULL = (np.zeros((4, 4), np.bool_) for _ in range(4))
LEFT[:, :2] = TOP[:2] = FULL[:] = True


@pytest.mark.parametrize(
    ("truth", "mask", "similarity"),
    [(LEFT, LEFT, 1), (LEFT, TOP, 4 / 12), (LEFT, FULL, 0.5), (EMPTY, EMPTY, 1), (EMPTY, LEFT, 0), (LEFT, EMPTY, 0)],
)
def test_similarity_is_intersection_over_union(truth: np.ndarray, mask: np.ndarray, similarity: float) -> None:
    assert J(mask, truth) == similarity
