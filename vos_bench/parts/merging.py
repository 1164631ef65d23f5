"""Rules that turn the separate answers of several objects into one label map, by name.

A rule takes K x H x W in [0, 1], each object asked on its own, and returns (1 + K) x H x W float32, background first,
which sums to one over the first axis. It has a form for NumPy's arrays and one for torch's tensors, on the device where
these are. torch is imported only where a tensor comes in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from collections.abc import Sequence as Ordered
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args, overload

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import LabelMap
from vos_bench.errors import BadInputError

if TYPE_CHECKING:
    from torch import Tensor

Probabilities = NDArray[np.float32]
"""K x H x W before a merge, one plane an object; (1 + K) x H x W after it, background first."""

MergeRule = Literal["soft-aggregation", "odds-softmax", "odds-share", "argmax"]

_EPSILON = np.float32(1e-7)
_TENSOR_EPSILON = 1e-7  # a Python number leaves a tensor's own type alone
_SMALLEST_HALF = np.float32(2.0**-14)


def soft_aggregate_probabilities(probabilities: Probabilities) -> Probabilities:
    """Let objects and background compete by their odds: softmax over logits, the background's being prod(1 - p).

    With p_k the answer for object k and b = prod_k(1 - p_k), all clipped to [1e-7, 1 - 1e-7], the result is
    odds(.) / (odds(b) + sum_k odds(p_k)), odds(p) = p / (1 - p). This is the softmax of the logits, the rule of RGMP
    (Oh et al., CVPR 2018), STM and LWL. A single object becomes sharper:
    p -> p^2 / (p^2 + (1 - p)^2).
    """
    height, width = probabilities.shape[1:]
    merged = np.empty((1 + len(probabilities), height, width), np.float32)
    np.prod(1 - probabilities, axis=0, dtype=np.float32, out=merged[0])
    merged[1:] = probabilities
    np.clip(merged, _EPSILON, 1 - _EPSILON, out=merged)
    merged /= 1 - merged
    merged /= merged.sum(axis=0)
    return merged


def odds_softmax(probabilities: Probabilities) -> Probabilities:
    """Let objects and background compete by the softmax of their odds, the background's probability being min(1 - p).

    The rule of FRTM (Robinson et al., CVPR 2020). All are clipped to [1e-7, 1 - 1e-7]; odds(p) = p / (1 - p) go into
    the softmax as they are, not their logarithms, so that the answer is nearly all or nothing where odds are high.
    """
    clipped = probabilities.clip(_EPSILON, 1 - _EPSILON)
    background = (1 - clipped).min(axis=0, initial=1 - _EPSILON)
    planes = np.concatenate((background[None], clipped))
    odds = planes / (1 - planes)
    merged: Probabilities = np.exp(odds - odds.max(axis=0)).astype(np.float32, copy=False)
    merged /= merged.sum(axis=0)
    return merged


def share_odds(probabilities: Probabilities) -> Probabilities:
    """Give objects and background shares of the sum of their odds, the background's probability being min(1 - p).

    All are clipped to [1e-7, 1 - 1e-7]; odds(p) = p / (1 - p). The rule of A-GAME (Johnander et al., CVPR 2019) and
    AGSS-VOS (Lin et al., ICCV 2019): soft aggregation with the minimum in place of the product.
    """
    background = 1 - probabilities.max(axis=0, initial=0.0)
    merged = np.concatenate((background[None], probabilities)).astype(np.float32, copy=False)
    np.clip(merged, _EPSILON, 1 - _EPSILON, out=merged)
    merged /= 1 - merged
    merged /= merged.sum(axis=0)
    return merged


def argmax(probabilities: Probabilities) -> Probabilities:
    """Give a pixel to the object with the highest answer above one half, else to the background.

    The rule of methods whose objects know nothing of one another (OSVOS, SiamMask). The background gets
    1 - max_k p_k, and all planes are divided by their sum.
    """
    background = 1 - probabilities.max(axis=0, initial=0.0)
    merged = np.concatenate((background[None], probabilities)).astype(np.float32, copy=False)
    merged /= merged.sum(axis=0)
    return merged


def soft_aggregate_logits(scores: Tensor) -> Tensor:
    """Let objects and background compete by soft aggregation; see `soft_aggregate_probabilities`.

    With p_k = sigmoid(s_k) and b = prod_k(1 - p_k), clipped to [1e-7, 1 - 1e-7], the result is the softmax over
    log(b / (1 - b)), s_1, ..., s_K. A single object becomes sharper: sigmoid(2 s).

    `scores` are logits, K x H x W.
    """
    import torch

    background = torch.prod(1 - torch.sigmoid(scores), dim=0, keepdim=True)
    background = background.clamp(_TENSOR_EPSILON, 1 - _TENSOR_EPSILON)
    return torch.softmax(torch.cat([torch.log(background / (1 - background)), scores]), dim=0)


def soft_aggregate_one(scores: Tensor) -> Tensor:
    """Let one object and the background compete as `soft_aggregate_logits` does: three times faster, to rounding equal.

    The background's logit is the object's with the other sign, so that softmax is a sigmoid. `scores` are 1 x H x W.
    """
    import torch

    most = math.log((1 - _TENSOR_EPSILON) / _TENSOR_EPSILON)
    merged = scores.new_empty((2, *scores.shape[1:]))
    torch.clamp(scores[0], -most, most, out=merged[1])
    torch.sigmoid(merged[1].add_(scores[0]), out=merged[1])
    torch.sub(1, merged[1], out=merged[0])
    return merged


def softmax_of_logits(probabilities: Tensor) -> Tensor:
    """Return the softmax over the logits of planes that hold the background too, clipped to [1e-7, 1 - 1e-7].

    All are (1 + K) x H x W, each plane asked on its own.
    """
    clipped = probabilities.clamp(_TENSOR_EPSILON, 1 - _TENSOR_EPSILON)
    return (clipped / (1 - clipped)).log().softmax(dim=0)


def shares_of_odds(objects: Tensor, backgrounds: Tensor) -> Tensor:
    """Merge by `share_odds` where each object has a probability of its own background: both K x H x W.

    The two need not add up to one in the last bit, which matters where one of them is nearly zero.
    """
    import torch

    least = backgrounds.amin(dim=0, keepdim=True)
    above = torch.cat([least, objects]).clamp(_TENSOR_EPSILON, 1 - _TENSOR_EPSILON)
    below = torch.cat([1 - least, backgrounds]).clamp(_TENSOR_EPSILON, 1 - _TENSOR_EPSILON)
    odds = above / below
    return odds / odds.sum(dim=0)


def _soft_aggregate_tensor(probabilities: Tensor) -> Tensor:
    import torch

    return softmax_of_logits(torch.cat([torch.prod(1 - probabilities, dim=0, keepdim=True), probabilities]))


def _odds_softmax_tensor(probabilities: Tensor) -> Tensor:
    import torch

    clipped = probabilities.clamp(_TENSOR_EPSILON, 1 - _TENSOR_EPSILON)
    planes = torch.cat([(1 - clipped).amin(dim=0, keepdim=True), clipped])
    return torch.softmax(planes / (1 - planes), dim=0)


def _share_odds_tensor(probabilities: Tensor) -> Tensor:
    return shares_of_odds(probabilities, 1 - probabilities)


def _argmax_tensor(probabilities: Tensor) -> Tensor:
    import torch

    planes = torch.cat([1 - probabilities.amax(dim=0, keepdim=True), probabilities])
    return planes / planes.sum(dim=0)


class _Forms(NamedTuple):
    """One rule, for arrays and for tensors."""

    array: Callable[[Probabilities], Probabilities]
    tensor: Callable[[Tensor], Tensor]


_RULES: Mapping[MergeRule, _Forms] = {
    "soft-aggregation": _Forms(soft_aggregate_probabilities, _soft_aggregate_tensor),
    "odds-softmax": _Forms(odds_softmax, _odds_softmax_tensor),
    "odds-share": _Forms(share_odds, _share_odds_tensor),
    "argmax": _Forms(argmax, _argmax_tensor),
}


@overload
def merge(probabilities: Probabilities, *, rule: MergeRule) -> Probabilities: ...
@overload
def merge(probabilities: Tensor, *, rule: MergeRule) -> Tensor: ...
def merge(probabilities: Probabilities | Tensor, *, rule: MergeRule) -> Probabilities | Tensor:
    """Merge the answers of K objects, K x H x W in [0, 1], by the rule of that name; a tensor needs K > 0.

    Returns:
        (1 + K) x H x W, background first; each pixel sums to one.

    Raises:
        BadInputError: There is no rule of that name.
    """
    if rule not in _RULES:
        raise BadInputError(f"merge rule: found {rule!r}, expected one of {', '.join(get_args(MergeRule))}")
    if isinstance(probabilities, np.ndarray):
        return _RULES[rule].array(np.asarray(probabilities, np.float32))
    return _RULES[rule].tensor(probabilities)


def label_map(merged: Probabilities, object_ids: Ordered[int]) -> LabelMap:
    """Return the most probable label of every pixel; at a tie the background, then the earlier object, wins.

    `merged` is (1 + K) x H x W, background first; `object_ids` are those of the K other planes.
    """
    if len(merged) == 2:  # much the most frequent case, and several times faster so
        labels: LabelMap = (merged[1] > merged[0]) * np.uint16(object_ids[0])
    else:
        labels = np.array([0, *object_ids], np.uint16)[merged.argmax(axis=0)]
    return labels


def highest_above(planes: Mapping[int, Probabilities], threshold: float, size: tuple[int, ...]) -> LabelMap:
    """Give each pixel of a frame, H x W, to the object of the highest plane, if that is above a threshold.

    `planes` are by object, H x W each; of equal ones the first wins.
    """
    labels, best = np.zeros(size, np.uint16), np.full(size, np.float32(threshold))
    for object_id, plane in planes.items():
        higher = plane > best
        labels[higher], best[higher] = object_id, plane[higher]
    return labels


def half(merged: Probabilities) -> NDArray[np.float16]:
    """Return float16 as a `Prediction` wants it, with shares below 2^-14 as zero.

    float16 could hold such shares only with fewer digits, and to convert them takes 25 times as long.
    """
    return (merged * (merged >= _SMALLEST_HALF)).astype(np.float16)
