from typing import get_args

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from vos_bench.errors import BadInputError
from vos_bench.parts.merging import MergeRule, label_map, merge


def answers(*planes: list[float]) -> NDArray[np.float32]:
    return np.array([[plane] for plane in planes], np.float32)


def test_soft_aggregation_is_the_softmax_of_logits_with_the_product_as_background() -> None:
    p = np.random.default_rng(0).uniform(0.01, 0.99, (3, 4, 5))
    background = (1 - p).prod(axis=0)
    logits = np.log(np.stack([background, *p]) / (1 - np.stack([background, *p])))
    expected = np.exp(logits) / np.exp(logits).sum(axis=0)
    np.testing.assert_allclose(merge(p.astype(np.float32), rule="soft-aggregation"), expected, rtol=2e-5)


def test_soft_aggregation_of_one_object_doubles_its_logit() -> None:
    logits = np.linspace(-5, 5, 11)
    merged = merge((1 / (1 + np.exp(-logits))).astype(np.float32)[None, None], rule="soft-aggregation")
    np.testing.assert_allclose(merged[1, 0], 1 / (1 + np.exp(-2 * logits)), rtol=1e-5)


def test_soft_aggregation_survives_answers_of_exactly_zero_and_one() -> None:
    merged = merge(answers([0, 1, 1, 0], [0, 0, 1, 1]), rule="soft-aggregation")
    assert np.isfinite(merged).all()
    assert label_map(merged, [4, 9]).tolist() == [[0, 4, 4, 9]]


def test_argmax_takes_the_highest_object_above_one_half() -> None:
    merged = merge(answers([0.4, 0.6, 0.7, 0.5], [0.45, 0.3, 0.8, 0.1]), rule="argmax")
    assert label_map(merged, [1, 2]).tolist() == [[0, 1, 2, 0]]


def test_soft_aggregation_can_find_an_object_where_argmax_does_not() -> None:
    p = answers([0.48, 0.1], [0.45, 0.1])
    assert label_map(merge(p, rule="argmax"), [1, 2]).tolist() == [[0, 0]]
    assert label_map(merge(p, rule="soft-aggregation"), [1, 2]).tolist() == [[1, 0]]


@given(st.integers(0, 4), st.integers(0, 2**32 - 1), st.sampled_from(get_args(MergeRule)))
def test_every_rule_gives_float32_shares_that_sum_to_one(objects: int, seed: int, rule: str) -> None:
    p = np.random.default_rng(seed).random((objects, 3, 2)).astype(np.float32)
    merged = merge(p, rule=rule)  # type: ignore[arg-type]
    assert merged.dtype == np.float32
    assert merged.shape == (1 + objects, 3, 2)
    np.testing.assert_allclose(merged.sum(axis=0), 1, rtol=1e-5)


@pytest.mark.parametrize("rule", get_args(MergeRule))
def test_a_rule_leaves_its_input_alone(rule: str) -> None:
    p = answers([0.2, 0.9], [0.7, 0.1])
    before = p.copy()
    merge(p, rule=rule)  # type: ignore[arg-type]
    np.testing.assert_array_equal(p, before)


def test_an_unknown_rule_is_refused_with_the_known_ones() -> None:
    with pytest.raises(BadInputError, match="soft-aggregation, odds-softmax, odds-share, argmax"):
        merge(answers([0.5]), rule="vote")  # type: ignore[arg-type]


@pytest.mark.parametrize("ids", [(300,), (7, 300)])
def test_a_label_map_carries_the_ids_and_gives_ties_to_the_background(ids: tuple[int, ...]) -> None:
    merged = np.zeros((1 + len(ids), 1, 2), np.float32)
    merged[-1] = [[0.5, 0.9]]
    merged[0] = [[0.5, 0.1]]
    labels = label_map(merged, ids)
    assert labels.dtype == np.uint16
    assert labels.tolist() == [[0, 300]]


def test_odds_softmax_takes_the_odds_as_they_are() -> None:
    p = np.array([0.3, 0.75])
    odds = np.array([0.25 / 0.75, *(p / (1 - p))])
    expected = np.exp(odds) / np.exp(odds).sum()
    merged = merge(answers([p[0]], [p[1]]), rule="odds-softmax")
    np.testing.assert_allclose(merged[:, 0, 0], expected, rtol=1e-5)


def test_odds_share_is_soft_aggregation_with_the_least_background() -> None:
    p = np.random.default_rng(0).uniform(0.01, 0.99, (3, 4, 5))
    planes = np.concatenate([(1 - p).min(axis=0, keepdims=True), p])
    odds = planes / (1 - planes)
    np.testing.assert_allclose(merge(p.astype(np.float32), rule="odds-share"), odds / odds.sum(axis=0), rtol=2e-5)


def test_odds_share_gives_ties_of_certain_objects_equal_shares() -> None:
    merged = merge(answers([0, 1, 1, 0], [0, 0, 1, 1]), rule="odds-share")
    np.testing.assert_allclose(merged[1:, 0, 2], [0.5, 0.5], atol=1e-6)
    assert label_map(merged, [4, 9]).tolist() == [[0, 4, 4, 9]]
