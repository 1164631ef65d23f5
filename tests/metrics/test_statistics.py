import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.errors import BadInputError
from vos_bench.metrics.statistics import SCORES, ObjectScores, decay, overall, recall


def values(*numbers: float) -> NDArray[np.float64]:
    return np.array(numbers, np.float64)


def scores(object_id: int, J: NDArray[np.float64], F: NDArray[np.float64]) -> ObjectScores:
    return ObjectScores(object_id, None, tuple(f"{i:05d}" for i in range(len(J))), J, F)


def test_recall_wants_more_than_one_half() -> None:
    assert recall(values(0.5, 0.5000001, 1, 0)) == 0.5


@pytest.mark.parametrize(
    ("length", "first", "last"),
    [
        (1, [0], [0]),
        (2, [0], [1]),
        (3, [0, 1], [2]),
        (5, [0, 1], [3, 4]),
        (8, [0, 1, 2], [5, 6, 7]),
        (9, [0, 1, 2], [6, 7, 8]),
    ],
)
def test_decay_compares_quarters_that_share_their_ends(length: int, first: list[int], last: list[int]) -> None:
    frames = np.sqrt(np.arange(length, dtype=np.float64))
    assert decay(frames) == np.mean(frames[first]) - np.mean(frames[last])


@pytest.mark.parametrize("length", [255, 256, 257, 400, 512, 5000])
def test_decay_of_a_long_sequence_does_not_wrap(length: int) -> None:
    assert decay(np.linspace(1, 0, length)) == pytest.approx(0.75, abs=0.01)


def test_overall_is_the_mean_over_objects_however_long_they_are() -> None:
    long, short = scores(1, np.ones(90), np.ones(90)), scores(1, values(0), values(0.5))
    means = overall([long, short])
    assert tuple(means) == SCORES
    assert means["J"] == 0.5
    assert means["F"] == 0.75
    assert means["J&F"] == 0.625
    assert means["J_recall"] == 0.5


def test_no_object_is_an_error_not_a_nan() -> None:
    with pytest.raises(BadInputError, match="no object to score"):
        overall([])
