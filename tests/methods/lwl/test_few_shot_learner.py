"""The learner against linear algebra: dense gradients, and the ridge solution that it converges to."""

import hypothesis.strategies as st
import pytest
import torch
from hypothesis import given, settings
from torch.nn import functional

from vos_bench.methods.lwl.few_shot_learner import FewShotLearner, WeightedSamples, descend
from vos_bench.methods.lwl.target_model import apply_adjoint, apply_target_model

CHANNELS, LABELS = 2, 3


def random_samples(seed, *, objects=2, images=2, size=(4, 5), kernel=3):
    generator = torch.Generator().manual_seed(seed)
    shape = {"features": CHANNELS, "labels": LABELS, "weights": LABELS}
    samples = WeightedSamples(
        **{
            name: torch.randn((objects, images, channels, *size), generator=generator, dtype=torch.float64)
            for name, channels in shape.items()
        }
    )
    filters = torch.randn((objects, LABELS, CHANNELS, kernel, kernel), generator=generator, dtype=torch.float64)
    return samples, filters


def design(features, kernel):
    """The matrix of the target model: one row a pixel of every image, one column a weight of one filter."""
    patches = functional.unfold(features, kernel, padding=kernel // 2)
    return patches.transpose(1, 2).flatten(0, 1)


def ridge_solution(samples, kernel, ridge):
    """The minimum of equation 3 in closed form, filter by filter."""
    solved = []
    for features, labels, weights in zip(*samples, strict=True):
        rows = design(features, kernel)
        filters = []
        for channel in range(LABELS):
            weighted = weights[:, channel].flatten()[:, None] * rows
            target = (weights[:, channel] * labels[:, channel]).flatten()
            normal = weighted.T @ weighted + ridge * torch.eye(rows.shape[1], dtype=rows.dtype)
            filters.append(torch.linalg.solve(normal, weighted.T @ target))
        solved.append(torch.stack(filters).view(LABELS, CHANNELS, kernel, kernel))
    return torch.stack(solved)


def objective(samples, filters, ridge):
    residuals = samples.weights * (apply_target_model(samples.features, filters) - samples.labels)
    return 0.5 * (residuals.square().sum() + ridge * filters.square().sum())


@given(seed=st.integers(0, 10_000), kernel=st.sampled_from([1, 3, 5]))
@settings(max_examples=15, deadline=None)
def test_target_model_is_the_dense_matrix_and_its_adjoint_the_transpose(seed, kernel):
    samples, filters = random_samples(seed, kernel=kernel)
    scores = apply_target_model(samples.features, filters)
    adjoint = apply_adjoint(samples.features, samples.labels, kernel)
    for k in range(len(filters)):
        rows = design(samples.features[k], kernel)
        dense = rows @ filters[k].flatten(1).T
        torch.testing.assert_close(scores[k].movedim(1, -1).flatten(0, 2), dense)
        transposed = samples.labels[k].movedim(1, -1).flatten(0, 2).T @ rows
        torch.testing.assert_close(adjoint[k].flatten(1), transposed)


@given(seed=st.integers(0, 10_000))
@settings(max_examples=15, deadline=None)
def test_one_iteration_goes_down_the_gradient_to_the_lowest_point_of_that_line(seed):
    samples, filters = random_samples(seed, objects=1)
    ridge = torch.tensor(0.3, dtype=torch.float64)
    start = filters.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(objective(samples, start, ridge), start)
    fit = descend(samples, filters, ridge=ridge, iterations=1)
    step = ((filters - fit.filters) / gradient).flatten()
    torch.testing.assert_close(step, step.mean().expand_as(step), rtol=1e-8, atol=1e-10)
    lowest = objective(samples, fit.filters, ridge)
    for factor in (0.999, 1.001):
        assert objective(samples, filters - factor * step.mean() * gradient, ridge) > lowest


@given(seed=st.integers(0, 10_000))
@settings(max_examples=8, deadline=None)
def test_many_iterations_reach_the_ridge_solution(seed):
    samples, filters = random_samples(seed)
    ridge = torch.tensor(20.0, dtype=torch.float64)
    fit = descend(samples, filters, ridge=ridge, iterations=1500)
    torch.testing.assert_close(fit.filters, ridge_solution(samples, 3, 20.0), rtol=1e-6, atol=1e-8)


def test_scores_that_are_carried_along_stay_those_of_the_filters():
    samples, filters = random_samples(3)
    samples, filters = WeightedSamples(*(x.float() for x in samples)), filters.float()
    fit = descend(samples, filters, ridge=torch.tensor(0.01), iterations=1)
    for _ in range(300):
        fit = descend(samples, fit.filters, ridge=torch.tensor(0.01), iterations=3, scores=fit.scores)
    torch.testing.assert_close(fit.scores, apply_target_model(samples.features, fit.filters), rtol=1e-4, atol=1e-4)


def test_objects_are_fitted_as_if_each_were_alone():
    samples, filters = random_samples(7, objects=3)
    together = descend(samples, filters, ridge=torch.tensor(0.1), iterations=4).filters
    for k in range(3):
        alone = WeightedSamples(*(x[k : k + 1] for x in samples))
        torch.testing.assert_close(
            descend(alone, filters[k : k + 1], ridge=torch.tensor(0.1), iterations=4).filters, together[k : k + 1]
        )


def test_gradients_flow_through_all_iterations_to_features_labels_weights_and_regularisation():
    samples, filters = random_samples(5, objects=1, images=1, size=(3, 3))
    inputs = [x.requires_grad_() for x in samples]
    reg = torch.tensor(0.4, dtype=torch.float64, requires_grad=True)

    def fitted(features, labels, weights, reg):
        return descend(WeightedSamples(features, labels, weights), filters, ridge=reg.square(), iterations=3).filters

    assert torch.autograd.gradcheck(fitted, (*inputs, reg))


def test_a_learner_that_is_not_trained_through_gives_the_same_without_gradient():
    samples, filters = random_samples(5)
    samples = WeightedSamples(*(x.requires_grad_() for x in samples))
    fits = {
        differentiable: FewShotLearner(initial_regularisation=0.1, differentiable=differentiable)
        .double()(samples, filters, iterations=3)
        .filters
        for differentiable in (True, False)
    }
    torch.testing.assert_close(fits[True], fits[False])
    assert fits[True].requires_grad
    assert not fits[False].requires_grad


def test_no_iterations_leave_the_filters_as_they_are():
    samples, filters = random_samples(1)
    assert torch.equal(descend(samples, filters, ridge=torch.tensor(0.1), iterations=0).filters, filters)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_memory_layout_changes_nothing(layout):
    samples, filters = random_samples(2)
    features = torch.stack([x.contiguous(memory_format=layout) for x in samples.features])
    torch.testing.assert_close(
        apply_target_model(features, filters), apply_target_model(samples.features, filters), rtol=1e-12, atol=1e-12
    )


@pytest.mark.parametrize("gradients", [False, True])
def test_the_learner_is_as_exact_under_autocast(gradients):
    samples, filters = random_samples(7)
    single, start = WeightedSamples(*(x.float() for x in samples)), filters.float()
    learner = FewShotLearner(initial_regularisation=0.1)
    with torch.set_grad_enabled(gradients):
        exact = learner(single, start, iterations=3)
        exact_scores = apply_target_model(single.features, exact.filters)
        with torch.autocast("cpu", torch.bfloat16):
            fit = learner(single, start, iterations=3)
            scores = apply_target_model(single.features, fit.filters)
            halves = learner(WeightedSamples(*(x.bfloat16() for x in samples)), start, iterations=3)
    assert torch.equal(fit.filters, exact.filters)
    assert torch.equal(scores, exact_scores)
    assert halves.filters.dtype == scores.dtype == torch.float32
