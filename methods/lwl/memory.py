"""The memory: samples of past frames, and how much each of them counts."""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from vos_bench.parts.transfer import to_device

from .few_shot_learner import WeightedSamples
from .parameters import UpdateRule


class SampleWeights:
    """The weight gamma of every memory slot, as float32 like the reference's; free slots have zero.

    It depends on the number of samples seen and on nothing else. Newer samples count more by 1 / (1 - learning_rate)
    each (paper section 3.5), the first frame has a floor.
    """

    values: NDArray[np.float32]

    def __init__(self, size: int, rule: UpdateRule) -> None:
        """Start with the first frame in slot 0 of so many."""
        self._rule = rule
        self.values = np.zeros(size, np.float32)
        self.values[0] = 1
        self.filled = 1
        self._last: int | None = None

    def add(self) -> int | None:
        """Make room for a sample and weigh all slots again.

        Returns:
            The slot to write; None when the first frame has to stay and there is no other slot.
        """
        slot = self._next_slot()
        if slot is None:
            return None
        self._weigh(slot)
        self._normalise()
        self.filled = max(self.filled, slot + 1)
        self._last = slot
        return slot

    def _next_slot(self) -> int | None:
        if self.filled < len(self.values):
            return self.filled
        kept = 1 if self._rule.first_weight_floor > 0 else 0
        return kept + int(self.values[kept:].argmin()) if len(self.values) > kept else None

    def _weigh(self, slot: int) -> None:
        rate = np.float32(self._rule.learning_rate)
        keep = np.float32(1 - self._rule.learning_rate)
        if self._last is not None:
            self.values[slot] = self.values[self._last] / keep
        elif self._rule.lower_first_weight:
            self.values[slot] = 1
        else:
            self.values /= keep
            self.values[slot] = rate

    def _normalise(self) -> None:
        self.values /= self.values.sum()
        floor = np.float32(self._rule.first_weight_floor)
        if floor > 0 and self.values[0] < floor:
            self.values /= floor + self.values[1:].sum()
            self.values[0] = floor


class Memory:
    """The samples of S objects that started together, allocated once and written in place.

    Labels and weights of a sample are those of its mask when it was stored; `scores` are the current target models
    applied to the samples, kept up to date by the learner. `weights` say how much each slot counts.
    """

    def __init__(self, first: WeightedSamples, scores: Tensor, *, size: int, rule: UpdateRule) -> None:
        """Start with S x 1 samples, weights in the shape of the labels, and scores, S x 1 x D x h x w."""
        self.weights = SampleWeights(size, rule)
        self._features = _allocate(first.features, size)
        self._labels, self._elements, self._scores = (_allocate(x, size) for x in (first.labels, first.weights, scores))
        self._write(0, first, scores)

    def add(self, sample: Callable[[], WeightedSamples], scores: Tensor) -> None:
        """Store one more sample of each object, in place of the least important where the memory is full.

        `sample` gives S x 1 samples and is called only when there is a slot for them; `scores` are the current target
        models applied to them, S x 1 x D x h x w.
        """
        slot = self.weights.add()
        if slot is not None:
            self._write(slot, sample(), scores)

    def discount(self, objects: Sequence[int], factor: float) -> None:
        """Let what is stored of some of the S objects count less, by a factor."""
        for k in objects:
            self._elements[k, : self.weights.filled] *= factor

    @property
    def samples(self) -> WeightedSamples:
        """All that is stored, S x N, weighted."""
        filled = self.weights.filled
        gamma = to_device(self.weights.values[:filled], self._elements.device)
        weights = self._elements[:, :filled] * gamma[:, None, None, None]
        return WeightedSamples(
            *(x.movedim(-1, 2) for x in (self._features[:, :filled], self._labels[:, :filled], weights))
        )

    @property
    def scores(self) -> Tensor:
        """The current target models applied to all samples, S x N x D x h x w; set it after an update."""
        return self._scores[:, : self.weights.filled].movedim(-1, 2)

    @scores.setter
    def scores(self, scores: Tensor) -> None:
        self._scores[:, : self.weights.filled] = scores.movedim(2, -1)

    def _write(self, slot: int, sample: WeightedSamples, scores: Tensor) -> None:
        stores = (self._features, self._labels, self._elements, self._scores)
        for store, x in zip(stores, (*sample, scores), strict=True):
            store[:, slot] = x[:, 0].movedim(1, -1)


def _allocate(first: Tensor, size: int) -> Tensor:
    """Return room for `size` samples, S x size x h x w x C: the channels last, as the convolutions like them."""
    objects, _, channels, height, width = first.shape
    return first.new_empty((objects, size, height, width, channels))
