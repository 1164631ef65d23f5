"""The samples of one object behind the first layer of its target model, and how much each of them counts."""

import torch
from torch import Tensor

from .targets import Targets


def first_weights(count: int, *, like: Tensor) -> Tensor:
    """Return the weights of a first frame and the samples made of it: the frame counts twice; they sum to one."""
    weights = torch.full((count,), 1 / (count + 1), device=like.device)
    weights[0] *= 2
    return weights


class SampleMemory:
    """Samples and their weights; a new one takes the place of that which counts least once the memory is full.

    `projected` are N x D x h x w, `targets` those of the N samples, and the N weights sum to one.
    """

    def __init__(self, projected: Tensor, targets: Targets, *, size: int, learning_rate: float) -> None:
        """Start with the samples of the first frame, N x D x h x w, the frame itself first; `size` is at least N."""
        self.projected, self.targets = projected, targets
        self.weights = first_weights(len(projected), like=projected)
        self._size, self._rate = size, learning_rate
        self._newest: int | None = None

    def add(self, projected: Tensor, target: Targets) -> None:
        """Store one sample, 1 x D x h x w; it weighs more than the one before by 1 / (1 - learning rate).

        The first of all weighs the learning rate beside older samples whose weights, which sum to one, are divided by
        1 - learning rate.
        """
        full = len(self.projected) >= self._size
        slot = int(self.weights.argmin()) if full else len(self.projected)
        keep = 1 - self._rate
        weight = self._rate * keep if self._newest is None else float(self.weights[self._newest]) / keep
        if full:
            self.projected[slot] = projected[0]
            self.weights[slot] = weight
        else:
            self.projected = torch.cat([self.projected, projected])
            self.weights = torch.cat([self.weights, self.weights.new_tensor([weight])])
        self.targets.put(slot, target)
        self.weights /= self.weights.sum()
        self._newest = slot
