"""Merging the answers of several objects on the device where they are; `merge` has the same rules for NumPy."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

from vos_bench.parts.merge import MergeRule

_EPSILON = 1e-7


def soft_aggregation(scores: Tensor) -> Tensor:
    """Let objects and background compete (Oh et al., CVPR 2018, the rule of RGMP, STM and LWL).

    With p_k = sigmoid(s_k) and b = prod_k(1 - p_k), clipped to [1e-7, 1 - 1e-7], the result is the softmax over
    log(b / (1 - b)), s_1, ..., s_K. A single object becomes sharper: sigmoid(2 s).

    Args:
        scores: Logits of K objects, K x H x W.

    Returns:
        (1 + K) x H x W, background first; each pixel sums to one.
    """
    background = torch.prod(1 - torch.sigmoid(scores), dim=0, keepdim=True).clamp(_EPSILON, 1 - _EPSILON)
    return torch.softmax(torch.cat([torch.log(background / (1 - background)), scores]), dim=0)


def compete(probabilities: Tensor) -> Tensor:
    """Return the softmax over the logits of planes that hold the background too, clipped to [1e-7, 1 - 1e-7].

    Args:
        probabilities: (1 + K) x H x W, each plane asked on its own.
    """
    clipped = probabilities.clamp(_EPSILON, 1 - _EPSILON)
    return torch.softmax(torch.log(clipped / (1 - clipped)), dim=0)


def _soft_aggregation(probabilities: Tensor) -> Tensor:
    return compete(torch.cat([torch.prod(1 - probabilities, dim=0, keepdim=True), probabilities]))


def _odds_softmax(probabilities: Tensor) -> Tensor:
    clipped = probabilities.clamp(_EPSILON, 1 - _EPSILON)
    background = (1 - clipped).amin(dim=0, keepdim=True)
    planes = torch.cat([background, clipped])
    return torch.softmax(planes / (1 - planes), dim=0)


def _argmax(probabilities: Tensor) -> Tensor:
    planes = torch.cat([1 - probabilities.amax(dim=0, keepdim=True), probabilities])
    return planes / planes.sum(dim=0)


_RULES: Mapping[MergeRule, Callable[[Tensor], Tensor]] = {
    "soft-aggregation": _soft_aggregation,
    "odds-softmax": _odds_softmax,
    "argmax": _argmax,
}


def aggregate(probabilities: Tensor, *, rule: MergeRule) -> Tensor:
    """Merge the answers of K > 0 objects, K x H x W in [0, 1], by the rule of that name; see `merge` for each.

    Returns:
        (1 + K) x H x W, background first; each pixel sums to one.
    """
    return _RULES[rule](probabilities)
