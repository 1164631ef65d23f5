"""FRTM: the fit of the target model against direct solutions, automatic gradients and the whole Jacobian."""

import itertools

import pytest
import torch
from torch.nn import functional

from vos_bench.methods.frtm.config import SolverConfig
from vos_bench.methods.frtm.solver import conjugate_gradients
from vos_bench.methods.frtm.target_model import BothLayersMap, TargetModel, fit_both, fit_filter, score
from vos_bench.methods.frtm.targets import Enlargement, Targets


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def double(*shape):
    return torch.randn(*shape, dtype=torch.float64)


def test_conjugate_gradients_solve_a_system_in_as_many_steps_as_it_has_unknowns():
    root = double(6, 6)
    matrix, right = root @ root.T + torch.eye(6), double(6)

    def curvature(direction):
        return list((matrix @ torch.cat(direction)).split([2, 4]))

    found = conjugate_gradients(curvature, list(right.split([2, 4])), [1.0, 3.0], steps=6)
    torch.testing.assert_close(torch.cat(found), torch.linalg.solve(matrix, right))


def test_directions_after_fletcher_and_reeves_solve_it_too_and_keep_what_polak_and_ribiere_forget():
    root = double(6, 6)
    matrix, right = root @ root.T + torch.eye(6), [double(6)]

    def found(steps, directions, bend=lambda x: x):
        return conjugate_gradients(lambda d: [bend(matrix @ d[0])], right, [1.0], steps=steps, directions=directions)[0]

    torch.testing.assert_close(found(6, "fletcher-reeves"), torch.linalg.solve(matrix, right[0]))
    rounded = [found(3, each, lambda x: x.round(decimals=1)) for each in ("polak-ribiere", "fletcher-reeves")]
    assert not torch.equal(*rounded)


def test_scores_are_enlarged_bilinearly_and_the_way_back_is_the_adjoint():
    x, y = double(2, 1, 4, 5), double(2, 1, 33, 47)
    enlargement = Enlargement((4, 5), (33, 47), x)
    expected = functional.interpolate(x, size=(33, 47), mode="bilinear", align_corners=False)
    torch.testing.assert_close(enlargement.enlarge(x), expected)
    torch.testing.assert_close((enlargement.enlarge(x) * y).sum(), (x * enlargement.adjoint(y)).sum())


def test_a_small_object_weighs_a_tenth_of_all_pixels_and_a_large_one_what_it_has():
    masks = torch.zeros(2, 1, 10, 10)
    masks[0, 0, 0, 0], masks[1, 0, :5] = 1, 1
    plain = Enlargement((10, 10), (10, 10), masks)
    ones = Targets(masks, plain, foreground=0.1).weigh(torch.ones(2, 1, 10, 10))
    assert ones[0, 0, 0, 0] == pytest.approx(10)
    assert ones.sum((1, 2, 3)).tolist() == pytest.approx([100, 100], rel=1e-5)
    torch.testing.assert_close(ones[1], torch.ones(1, 10, 10))


def test_all_pixels_weigh_the_same_where_a_mask_has_fewer_than_ten():
    masks = torch.zeros(2, 1, 10, 10)
    masks[0, 0, 0, :9], masks[1, 0, 0, :10] = 1, 1
    weights = Targets(masks, Enlargement((10, 10), (10, 10), masks), foreground=0.2, smallest=10)._pixel_weights()
    assert set(weights[0].unique().tolist()) == {1}
    assert weights[1].unique().tolist() == pytest.approx([0.8 / 0.9, 2])


def problem(samples=2):
    features, masks = double(samples, 6, 4, 5), (double(samples, 1, 17, 23) > 0.5).double()
    model = TargetModel(double(3, 6), double(1, 3, 3, 3))
    targets = Targets(masks, Enlargement((4, 5), (17, 23), features), foreground=0.1)
    return model, features, masks, targets, torch.tensor([0.25, 0.75], dtype=torch.float64)


def loss(projection, filter, features, masks, targets, weights, config):
    model = TargetModel(projection, filter)
    scores = score(model.project(features), filter)
    enlarged = functional.interpolate(scores, size=masks.shape[2:], mode="bilinear", align_corners=False)
    errors = (targets._pixel_weights() * (enlarged - masks).square()).sum((1, 2, 3))
    ridges = (config.projection_regularisation * projection).square().sum()
    return (weights * errors).sum() + ridges + (config.filter_regularisation * filter).square().sum()


def test_the_adjoint_is_the_gradient_and_the_linear_map_fits_it():
    model, features, *_ = problem()
    linear = BothLayersMap(model, features, model.project(features))
    parameters = [x.clone().requires_grad_() for x in model]
    scores = score(TargetModel(*parameters).project(features), parameters[1])
    y, direction = double(*scores.shape), [double(3, 6), double(1, 3, 3, 3)]
    for found, expected in zip(linear.adjoint(y), torch.autograd.grad(scores, parameters, y), strict=True):
        torch.testing.assert_close(found, expected)
    inner = sum((a * b).sum() for a, b in zip(linear.adjoint(y), direction, strict=True))
    torch.testing.assert_close((linear.forward(direction) * y).sum(), inner)


def test_the_second_layer_is_fitted_to_the_least_of_the_loss():
    model, features, masks, targets, weights = problem()
    config = SolverConfig(filter_steps=60)
    fitted = fit_filter(model.filter, model.project(features), targets, weights, config).requires_grad_()
    loss(model.projection, fitted, features, masks, targets, weights, config).backward()
    assert fitted.grad.abs().max() < 1e-6


def test_a_round_is_the_authors_step_on_the_whole_jacobian():
    """The residual is one vector with its regularisation, its Jacobian autograd's, the preconditioner a diagonal."""
    model, features, masks, targets, weights = problem()
    config = SolverConfig(first_steps=(4,), projection_regularisation=0.02, filter_regularisation=0.3)
    pixels = (weights[:, None, None, None] * targets._pixel_weights()).sqrt()
    scales = torch.cat([torch.full((18,), 0.02), torch.full((27,), 0.3)]).double()

    def residual(flat):
        projected = torch.einsum("dc,nchw->ndhw", flat[:18].view(3, 6), features)
        scores = functional.conv2d(projected, flat[18:].view(1, 3, 3, 3), padding=1)
        enlarged = functional.interpolate(scores, size=masks.shape[2:], mode="bilinear", align_corners=False)
        return torch.cat([(pixels * (enlarged - masks)).flatten(), scales * flat])

    start = torch.cat([x.flatten() for x in model])
    jacobian = torch.autograd.functional.jacobian(residual, start)
    change, rest, last = torch.zeros_like(start), -jacobian.T @ residual(start), None
    for _ in range(4):
        ready = rest / scales
        turn = max(0.0, float(ready @ (rest - last[0]) / (last[0] @ (last[0] / scales)))) if last else 0.0
        direction = ready + turn * last[1] if last else ready
        bent = jacobian.T @ (jacobian @ direction)
        length = (rest @ ready) / (direction @ bent)
        last = rest, direction
        change, rest = change + length * direction, rest - length * bent
    fitted = torch.cat([x.flatten() for x in fit_both(model, features, targets, weights, config)])
    torch.testing.assert_close(fitted, start + change)


def test_rounds_for_both_layers_lower_the_loss():
    model, features, masks, targets, weights = problem()
    config = SolverConfig(first_steps=(5,))
    values = [loss(*model, features, masks, targets, weights, config)]
    for _ in range(4):
        model = fit_both(model, features, targets, weights, config)
        values.append(loss(*model, features, masks, targets, weights, config))
    assert all(later < earlier for earlier, later in itertools.pairwise(values))
