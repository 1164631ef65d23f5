"""What background and object look like: one Gaussian each, and one each for what these take wrongly (section 3.1)."""

from typing import NamedTuple, Self

import torch
from torch import Tensor, nn
from torch.nn import functional

COMPONENTS = 4
"""Background, object, wrongly taken for background, wrongly taken for object; in this order everywhere."""


class Mixture(NamedTuple):
    """The Gaussians of K objects with diagonal covariances: both K x 4 x C x 1 x 1."""

    means: Tensor
    variances: Tensor

    def moved(self, other: Self, rate: float) -> "Mixture":
        """Return this mixture moved towards another one by the share `rate`."""
        mine = 1 - rate
        return Mixture(*(mine * old + rate * new for old, new in zip(self, other, strict=True)))

    def of(self, chosen: slice) -> "Mixture":
        """Return that of some objects."""
        return Mixture(self.means[chosen], self.variances[chosen])

    def scores(self, features: Tensor) -> Tensor:
        """Return the logarithm of each density but for a constant: B x C x h x w features -> K x 4 x h x w.

        It is a sum over channels, so that its values are hundreds. B is K, or 1 where all objects are on one frame.
        """
        return torch.cat([_score(features, *each) for each in zip(*(x.unbind(1) for x in self), strict=True)], dim=1)


def _score(features: Tensor, mean: Tensor, variance: Tensor) -> Tensor:
    """Return K x 1 x h x w for one component: mean and variance K x C x 1 x 1."""
    return -0.5 * (variance.log() + (features - mean).square() / variance).sum(dim=1, keepdim=True)


class AppearanceModel(nn.Module):
    """Fits the mixtures to features and soft masks; `cov_reg` is what variances are at least, before softplus."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.conv_in = nn.Conv2d(channels, width, 1)
        self.cov_reg = nn.Parameter(torch.full((COMPONENTS, 1, width, 1, 1), -2.0))

    def forward(self, deep: Tensor) -> Tensor:
        """B x 2048 x h x w -> the features that Gaussians describe, B x 512 x h x w."""
        return self.conv_in(deep)  # type: ignore[no-any-return]

    def fit(self, features: Tensor, masks: Tensor) -> Mixture:
        """Fit K objects to their soft masks, K x 2 x h x w; features as for `Mixture.scores`.

        Where the first two Gaussians take a cell for something that the mask says it is not, the other two learn it.
        """
        own = self._fit_pair(features, masks, first=0)
        wrong = functional.relu(own.scores(features).softmax(dim=1) - masks)
        both = zip(own, self._fit_pair(features, wrong, first=2), strict=True)
        return Mixture(*(torch.cat(parts, dim=1) for parts in both))

    def _fit_pair(self, features: Tensor, weights: Tensor, *, first: int) -> Mixture:
        """Fit two components, of which `first` is the first, to weights, K x 2 x h x w."""
        cells = weights.shape[-2] * weights.shape[-1]
        means, variances = [], []
        for component, plane in enumerate(weights.unbind(1), start=first):
            weight = plane[:, None]
            total = 1 / cells + _mean(weight)
            mean = _mean(features * weight) / total
            spread = _mean((features - mean).square() * weight) / total
            means.append(mean)
            variances.append(functional.softplus(self.cov_reg[component]) + spread)
        return Mixture(torch.stack(means, dim=1), torch.stack(variances, dim=1))


def _mean(x: Tensor) -> Tensor:
    return x.mean(dim=(-2, -1), keepdim=True)
