"""Rules that turn the separate answers of several objects into one label map, by name; NumPy only."""

from collections.abc import Callable, Mapping
from collections.abc import Sequence as Ordered
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import LabelMap
from vos_bench.errors import BadInputError

Probabilities = NDArray[np.float32]
"""K x H x W before a merge, one plane an object; (1 + K) x H x W after it, background first."""

MergeRule = Literal["soft-aggregation", "odds-softmax", "argmax"]

_EPSILON = np.float32(1e-7)
_SMALLEST_HALF = np.float32(2.0**-14)


def soft_aggregation(probabilities: Probabilities) -> Probabilities:
    """Let objects and background compete by their odds: softmax over logits, the background's being prod(1 - p).

    With p_k the answer for object k and b = prod_k(1 - p_k), all clipped to [1e-7, 1 - 1e-7], the result is
    odds(.) / (odds(b) + sum_k odds(p_k)), odds(p) = p / (1 - p). This is the softmax of the logits, the rule of RGMP
    (Oh et al., CVPR 2018), STM and LWL. A single object becomes sharper:
    p -> p^2 / (p^2 + (1 - p)^2).

    Args:
        probabilities: K x H x W in [0, 1], each object asked on its own.

    Returns:
        (1 + K) x H x W float32, background first; sums to one over the first axis.
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

    Args:
        probabilities: K x H x W in [0, 1], each object asked on its own.

    Returns:
        (1 + K) x H x W float32, background first; sums to one over the first axis.
    """
    clipped = probabilities.clip(_EPSILON, 1 - _EPSILON)
    background = (1 - clipped).min(axis=0, initial=1 - _EPSILON)
    planes = np.concatenate((background[None], clipped))
    odds = planes / (1 - planes)
    merged: Probabilities = np.exp(odds - odds.max(axis=0)).astype(np.float32, copy=False)
    merged /= merged.sum(axis=0)
    return merged


def argmax(probabilities: Probabilities) -> Probabilities:
    """Give a pixel to the object with the highest answer above one half, else to the background.

    The rule of methods whose objects know nothing of one another (OSVOS, SiamMask). The background gets
    1 - max_k p_k, and all planes are divided by their sum.

    Args:
        probabilities: K x H x W in [0, 1], each object asked on its own.

    Returns:
        (1 + K) x H x W float32, background first; sums to one over the first axis.
    """
    background = 1 - probabilities.max(axis=0, initial=0.0)
    merged = np.concatenate((background[None], probabilities)).astype(np.float32, copy=False)
    merged /= merged.sum(axis=0)
    return merged


_RULES: Mapping[MergeRule, Callable[[Probabilities], Probabilities]] = {
    "soft-aggregation": soft_aggregation,
    "odds-softmax": odds_softmax,
    "argmax": argmax,
}


def merge(probabilities: Probabilities, *, rule: MergeRule) -> Probabilities:
    """Merge K x H x W answers in [0, 1] by the rule of that name; returns (1 + K) x H x W, background first.

    Raises:
        BadInputError: There is no rule of that name.
    """
    if rule not in _RULES:
        raise BadInputError(f"merge rule: found {rule!r}, expected one of {', '.join(get_args(MergeRule))}")
    return _RULES[rule](np.asarray(probabilities, np.float32))


def label_map(merged: Probabilities, object_ids: Ordered[int]) -> LabelMap:
    """Return the most probable label of every pixel; at a tie the background, then the earlier object, wins.

    Args:
        merged: (1 + K) x H x W, background first.
        object_ids: The K ids of the planes after the background.
    """
    if len(merged) == 2:  # much the most frequent case, and several times faster so
        labels: LabelMap = (merged[1] > merged[0]) * np.uint16(object_ids[0])
    else:
        labels = np.array([0, *object_ids], np.uint16)[merged.argmax(axis=0)]
    return labels


def half(merged: Probabilities) -> NDArray[np.float16]:
    """Return float16 as a `Prediction` wants it, with shares below 2^-14 as zero.

    float16 could hold such shares only with fewer digits, and to convert them takes 25 times as long.
    """
    return (merged * (merged >= _SMALLEST_HALF)).astype(np.float16)
