"""The target model, two small convolutions for one object, and how it is fitted: Gauss-Newton, conjugate gradients."""

import math
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from .config import Directions, SolverConfig
from .solver import Direction, Linearised, conjugate_gradients
from .targets import Targets


class TargetModel(NamedTuple):
    """The target model's parameters.

    Attributes:
        projection: D x C, the 1 x 1 convolution.
        filter: 1 x D x 3 x 3.
    """

    projection: Tensor
    filter: Tensor

    def project(self, features: Tensor) -> Tensor:
        """N x C x h x w -> N x D x h x w."""
        return functional.conv2d(features, self.projection[:, :, None, None])


def random_model(channels: int, config: SolverConfig, generator: torch.Generator) -> TargetModel:
    """Return a model as PyTorch's convolutions start: uniform within one over the root of how many inputs a sum has."""
    shapes = (config.channels, channels), (1, config.channels, 3, 3)
    projection, filter = ((2 * torch.rand(x, generator=generator) - 1) / math.prod(x[1:]) ** 0.5 for x in shapes)
    return TargetModel(projection, filter)


def score(projected: Tensor, filter: Tensor) -> Tensor:
    """Apply the second layer: N x D x h x w -> N x 1 x h x w."""
    return functional.conv2d(projected, filter, padding=1)


class FilterMap:
    """Scores as a linear function of the second layer."""

    def __init__(self, projected: Tensor) -> None:
        """Take the samples behind the first layer, N x D x h x w."""
        self._projected = projected

    def forward(self, direction: Direction) -> Tensor:
        """See `Linearised.forward`."""
        return score(self._projected, direction[0])

    def adjoint(self, scores: Tensor) -> Direction:
        """See `Linearised.adjoint`."""
        shape = [1, self._projected.shape[1], 3, 3]
        return [conv2d_weight(self._projected, shape, scores, padding=1)]  # type: ignore[no-untyped-call]


class BothLayersMap:
    """How scores change with both layers, to first order around a model."""

    def __init__(self, model: TargetModel, features: Tensor, projected: Tensor) -> None:
        """Take the model, the samples, N x C x h x w, and what its first layer makes of them."""
        self._filter, self._features = model.filter, features
        self._second = FilterMap(projected)

    def forward(self, direction: Direction) -> Tensor:
        """See `Linearised.forward`."""
        projection, filter = direction
        first = score(functional.conv2d(self._features, projection[:, :, None, None]), self._filter)
        return first + self._second.forward([filter])

    def adjoint(self, scores: Tensor) -> Direction:
        """See `Linearised.adjoint`."""
        projected = functional.conv_transpose2d(scores, self._filter, padding=1)
        return [torch.einsum("ndhw,nchw->dc", projected, self._features), *self._second.adjoint(scores)]


def fit_both(
    model: TargetModel, features: Tensor, targets: Targets, weights: Tensor, config: SolverConfig
) -> TargetModel:
    """Fit both layers by Gauss-Newton rounds.

    The loss is the sum over samples and pixels of weight times squared error, plus each layer's parameters times its
    regularisation, squared (Robinson et al., CVPR 2020, section 3.2).

    Args:
        model: Where to start.
        features: N x C x h x w.
        targets: Targets of the N samples.
        weights: Weights of the N samples.
        config: Regularisation, and the steps of each round.
    """
    for steps in config.first_steps:
        projected = model.project(features)
        linear = BothLayersMap(model, features, projected)
        scales = [config.projection_regularisation, config.filter_regularisation]
        model = TargetModel(
            *_improved(
                linear,
                list(model),
                score(projected, model.filter),
                targets,
                weights,
                scales,
                steps=steps,
                directions=config.directions or "polak-ribiere",
            )
        )
    return model


def fit_filter(filter: Tensor, projected: Tensor, targets: Targets, weights: Tensor, config: SolverConfig) -> Tensor:
    """Fit the second layer to N samples behind the first, N x D x h x w; the same loss."""
    scores = score(projected, filter)
    scales = [config.filter_regularisation]
    [fitted] = _improved(
        FilterMap(projected),
        [filter],
        scores,
        targets,
        weights,
        scales,
        steps=config.filter_steps,
        directions=config.directions or "polak-ribiere",
    )
    return fitted


def _improved(
    linear: Linearised,
    at: Direction,
    scores: Tensor,
    targets: Targets,
    weights: Tensor,
    scales: list[float],
    *,
    steps: int,
    directions: Directions,
) -> Direction:
    """Go some steps of conjugate gradients towards the best parameters of the problem linearised around `at`.

    Each layer's regularisation is a residual, its scale times the layer, so that the squared norm weighs the scale's
    square; the preconditioner is the scale itself, as the authors have it.
    """
    gamma, ridges = weights[:, None, None, None], [scale**2 for scale in scales]

    def curvature(direction: Direction) -> Direction:
        bent = linear.adjoint(gamma * targets.weigh(linear.forward(direction)))
        return [b + ridge * d for b, ridge, d in zip(bent, ridges, direction, strict=True)]

    slope = linear.adjoint(gamma * (targets.wanted - targets.weigh(scores)))
    down = [s - ridge * x for s, ridge, x in zip(slope, ridges, at, strict=True)]
    change = conjugate_gradients(curvature, down, scales, steps=steps, directions=directions)
    return [x + d for x, d in zip(at, change, strict=True)]
