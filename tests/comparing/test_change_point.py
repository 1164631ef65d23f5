"""The likeliest change of level in a history."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from vos_bench.comparing.change_point import LEAST, LEVEL, change_point
from vos_bench.errors import BadInputError


def test_a_step_is_found_where_it_is() -> None:
    found = change_point([0.80, 0.81, 0.80, 0.82, 0.81, 0.70, 0.71, 0.69, 0.70])
    assert found.is_found
    assert found.first == 5
    assert (found.before, found.after) == (pytest.approx(0.808), pytest.approx(0.70))


def test_one_outlier_is_no_change_of_level() -> None:
    assert not change_point([0.8, 0.81, 0.8, 0.1, 0.81, 0.8, 0.82, 0.8, 0.81, 0.8]).is_found


def test_a_constant_history_has_no_change() -> None:
    assert change_point([0.8] * 20).p == 1.0


def test_noise_is_taken_for_a_change_about_as_often_as_the_level_says() -> None:
    rng = np.random.default_rng(0)
    found = sum(change_point(rng.normal(size=12).tolist()).is_found for _ in range(200))
    assert found <= 2 * LEVEL * 200


@given(st.permutations(range(LEAST)))
def test_the_smallest_p_is_that_of_a_history_in_two_halves(values: list[int]) -> None:
    halves = change_point([*range(LEAST // 2), *range(LEAST // 2 + 10, LEAST + 10)])
    assert halves.is_found
    assert change_point(values).p >= halves.p


def test_too_short_a_history_is_refused() -> None:
    with pytest.raises(BadInputError, match="at least 8"):
        change_point([0.5] * (LEAST - 1))
