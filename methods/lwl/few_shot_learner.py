"""The few-shot learner A: steepest descent on the weighted ridge objective of equation 3."""

from contextlib import nullcontext
from typing import NamedTuple

import torch
from torch import Tensor, nn

from .target_model import apply_adjoint, apply_target_model, in_float32

_SMALLEST_CURVATURE = 1e-8


class WeightedSamples(NamedTuple):
    """The few-shot training set of S objects with N samples each.

    Attributes:
        features: S x N x C x h x w.
        labels: S x N x D x h x w, E(y) of equation 3.
        weights: Broadcastable to `labels`: W(y) times the sample's own weight. It multiplies the residual, so that
            its square acts in the loss.
    """

    features: Tensor
    labels: Tensor
    weights: Tensor


class Fit(NamedTuple):
    """A target model and what it says of the samples it was fitted to.

    Attributes:
        filters: S x D x C x K x K.
        scores: S x N x D x h x w, the target model applied to every sample.
    """

    filters: Tensor
    scores: Tensor


class FewShotLearner(nn.Module):
    """Finds the target model of one or several objects. The square of its one learned number is lambda of equation 3.

    It is free of sign and bound, as in the reference.
    """

    def __init__(self, *, initial_regularisation: float, differentiable: bool = True) -> None:
        super().__init__()
        self.regularisation = nn.Parameter(torch.tensor([initial_regularisation]))
        self._differentiable = differentiable

    def forward(
        self, samples: WeightedSamples, filters: Tensor, *, iterations: int, scores: Tensor | None = None
    ) -> Fit:
        """Run `iterations` of steepest descent from `filters`; see `descend`.

        It runs in float32 under autocast too: its step lengths are ratios of large sums.
        """
        samples, filters = WeightedSamples(*map(in_float32, samples)), in_float32(filters)
        scores = None if scores is None else in_float32(scores)
        gradients = nullcontext() if self._differentiable else torch.no_grad()
        with gradients, torch.autocast(filters.device.type, enabled=False):
            return descend(samples, filters, ridge=self.regularisation.square(), iterations=iterations, scores=scores)


def descend(
    samples: WeightedSamples, filters: Tensor, *, ridge: Tensor, iterations: int, scores: Tensor | None = None
) -> Fit:
    """Minimise equation 3 by steepest descent with exact line search (equation 4), for each object on its own.

    The target model is linear, so T(x) moves by -alpha T_g(x) when tau moves by -alpha g. T_g(x) is needed for alpha
    anyway: the scores of all samples are carried along and never computed afresh. All operations are differentiable,
    also by the samples.

    Args:
        samples: What to fit.
        filters: Where to start, S x D x C x K x K.
        ridge: lambda of equation 3, a scalar.
        iterations: N.
        scores: `filters` applied to the samples, where the caller knows it; computed where not.

    Returns:
        The fitted filters and their scores.
    """
    features, labels, weights = samples
    if scores is None:
        scores = apply_target_model(features, filters)
    for _ in range(iterations):
        weighted = weights.square() * (scores - labels)
        gradient = apply_adjoint(features, weighted, filters.shape[-1]) + ridge * filters
        change = apply_target_model(features, gradient)
        slope = _sum_of_squares(gradient)
        curvature = _sum_of_squares(weights * change) + ridge * slope
        step = slope / curvature.clamp(min=_SMALLEST_CURVATURE)
        filters = filters - step * gradient
        scores = scores - step * change
    return Fit(filters, scores)


def _sum_of_squares(x: Tensor) -> Tensor:
    return x.square().sum(dim=(1, 2, 3, 4), keepdim=True)
