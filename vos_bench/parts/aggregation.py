"""Merging the answers of several objects on the device where they are; `merge` has the same rule for NumPy."""

import torch
from torch import Tensor

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
