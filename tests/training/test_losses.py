import itertools

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from vos_bench.training.losses import (
    boundary_weights,
    jaccard,
    lovasz,
    lovasz_by_sequence,
    weighted_cross_entropy,
)


def jaccard_loss_of_errors(wrong: set[int], truth: np.ndarray) -> float:
    """1 - J of the answer that differs from the truth on the pixels `wrong`."""
    answer = truth.copy()
    for pixel in wrong:
        answer[pixel] = not answer[pixel]
    union = (answer | truth).sum()
    return 1 - (answer & truth).sum() / union if union else 0.0


def brute_force(errors: np.ndarray, truth: np.ndarray) -> float:
    """The Lovasz extension by its definition: the convex closure, a maximum over all orders of the pixels."""
    best = -np.inf
    for order in itertools.permutations(range(len(errors))):
        gains = [
            jaccard_loss_of_errors(set(order[: k + 1]), truth) - jaccard_loss_of_errors(set(order[:k]), truth)
            for k in range(len(order))
        ]
        best = max(best, sum(errors[pixel] * gain for pixel, gain in zip(order, gains, strict=True)))
    return best


@settings(max_examples=30, deadline=None)
@given(
    st.lists(st.tuples(st.booleans(), st.floats(0.0, 1.0, allow_nan=False, width=32)), min_size=1, max_size=5).filter(
        lambda pairs: any(truth for truth, _ in pairs)
    )
)
def test_lovasz_is_the_convex_closure_of_the_jaccard_loss(pairs):
    truth = np.array([each for each, _ in pairs])
    probabilities = torch.tensor([p for _, p in pairs], dtype=torch.float64)
    errors = np.abs(truth - probabilities.numpy())
    loss = lovasz(probabilities, torch.tensor(truth))
    assert float(loss) == pytest.approx(brute_force(errors, truth), abs=1e-9)


def test_lovasz_has_the_recorded_value_and_gradient(golden):
    units = golden("units")
    logits = units["lov_logits"].clone().requires_grad_(True)
    loss = lovasz(logits.sigmoid(), units["lov_target"])
    loss.backward()
    torch.testing.assert_close(loss, units["lov_value"])
    torch.testing.assert_close(logits.grad, units["lov_grad"], rtol=1e-5, atol=1e-9)


def test_lovasz_of_an_empty_target_is_the_largest_error(golden):
    units = golden("units")
    loss = lovasz(units["lov_logits"].sigmoid(), torch.zeros_like(units["lov_target"]))
    torch.testing.assert_close(loss, units["lov_value_empty_target"])


def test_sequence_scope_is_the_mean_over_frames_and_sequences():
    torch.manual_seed(0)
    p, y = torch.rand(3, 2, 1, 4, 5), (torch.rand(3, 2, 1, 4, 5) > 0.5).float()
    each = [lovasz(p[f, b], y[f, b]) for f in range(3) for b in range(2)]
    torch.testing.assert_close(lovasz_by_sequence(p, y), torch.stack(each).mean())
    assert not torch.isclose(lovasz_by_sequence(p, y), lovasz(p, y))


def test_boundary_pixels_weigh_more_within_the_radius():
    target = torch.zeros(1, 1, 12, 12)
    target[..., 4:, :] = 1
    weights = boundary_weights(target, radius=2, factor=3.0)
    assert weights[0, 0, :, 6].tolist() == [1, 1, 3, 3, 3, 3, 1, 1, 1, 1, 1, 1]


def test_weighted_cross_entropy_with_equal_weights_is_the_plain_mean():
    logits, target = torch.randn(2, 1, 4, 4), (torch.rand(2, 1, 4, 4) > 0.5).float()
    plain = torch.nn.functional.binary_cross_entropy_with_logits(logits, target)
    torch.testing.assert_close(weighted_cross_entropy(logits, target, torch.full_like(target, 2.0)), plain)


def test_jaccard_of_two_empty_masks_is_one():
    logits = torch.full((1, 2, 1, 2, 2), -1.0)
    target = torch.zeros(1, 2, 1, 2, 2)
    target[0, 1, 0, 0] = 1
    assert float(jaccard(logits, target)) == 0.5
