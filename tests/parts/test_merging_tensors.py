"""Soft aggregation on tensors: the recorded values, and the same rule as NumPy's."""

from typing import get_args

import numpy as np
import pytest
import torch

from vos_bench.parts.merging import MergeRule, merge, shares_of_odds, soft_aggregate_logits, soft_aggregate_one


@pytest.fixture(scope="module")
def units(shared):
    return torch.load(shared / "golden" / "lwl" / "units.pt", weights_only=True)


def test_three_objects_one_of_them_just_given_merge_as_recorded(units):
    given = 100.0 * (2.0 * units["merge_in_initmask"] - 1)
    merged = soft_aggregate_logits(torch.cat([units["merge_in"], given[None]]))
    torch.testing.assert_close(merged[1:], units["merge_prob"], rtol=1e-5, atol=1e-6)
    ids = torch.tensor([0, 1, 3, 7], dtype=units["merge_labels"].dtype)
    assert torch.equal(ids[merged.max(dim=0).indices], units["merge_labels"])


def test_one_object_becomes_sharper_as_recorded(units):
    merged = soft_aggregate_logits(units["merge_in"][:1])[1]
    torch.testing.assert_close(merged, units["merge_single_prob"], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(merged, torch.sigmoid(2 * units["merge_in"][0]), rtol=1e-3, atol=1e-5)


def test_one_object_has_a_quicker_form():
    spread = torch.linspace(-120, 120, 4801)[None, None]
    found, expected = soft_aggregate_one(spread), soft_aggregate_logits(spread)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-6)
    assert torch.equal(found[1] > found[0], expected[1] > expected[0])


@pytest.mark.parametrize("objects", [1, 2, 20])
def test_planes_sum_to_one_and_follow_the_rule_for_arrays(objects):
    scores = 2 * torch.randn((objects, 9, 7), generator=torch.Generator().manual_seed(objects))
    merged = soft_aggregate_logits(scores)
    torch.testing.assert_close(merged.sum(dim=0), torch.ones(9, 7))
    expected = merge(torch.sigmoid(scores).numpy(), rule="soft-aggregation")
    np.testing.assert_allclose(merged.numpy(), expected, rtol=1e-3, atol=1e-5)


def test_the_background_wins_nowhere_inside_a_mask_that_was_just_given():
    scores = torch.stack([torch.full((4, 4), 30.0), torch.full((4, 4), -100.0)])
    scores[1, :2] = 100.0
    labels = soft_aggregate_logits(scores).max(dim=0).indices
    assert (labels[:2] == 2).all()
    assert (labels[2:] == 1).all()


@pytest.mark.parametrize("rule", get_args(MergeRule))
@pytest.mark.parametrize("objects", [1, 3])
def test_each_rule_is_that_for_arrays(rule, objects):
    probabilities = torch.rand((objects, 9, 7), generator=torch.Generator().manual_seed(objects))
    probabilities[:, 0, 0], probabilities[0, 0, 1] = 0, 1
    merged = merge(probabilities, rule=rule)
    np.testing.assert_allclose(merged.numpy(), merge(probabilities.numpy(), rule=rule), rtol=2e-3, atol=1e-5)


def test_an_objects_own_background_counts_where_its_probability_rounds_to_one():
    objects, backgrounds = torch.tensor([[[1.0]], [[0.5]]]), torch.tensor([[[4e-7]], [[0.5]]])
    merged = shares_of_odds(objects, backgrounds)
    torch.testing.assert_close(merged[1] / merged[2], torch.tensor([[1 / 4e-7]]), rtol=1e-4, atol=0)
    assert merged[0] < 1e-12
