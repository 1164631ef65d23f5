"""Soft matching to banks of labelled cells."""

from typing import ClassVar

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.parts.feature_grid import GridConfig, GridMethod

_NOWHERE = -1.0
"""The least cosine: a label without any cell in the banks."""


class MatchingConfig(GridConfig):
    """Settings of `matching`; the defaults were chosen on train sequences of DAVIS 2016.

    Attributes:
        neighbours: K, how many of the most similar cells are averaged for each label.
        temperature: Of the softmax over the labels' mean similarities.
        recent: How many recent frames are matched besides those on which objects started.
        confidence: A recent frame's cell counts only where its label has at least this share.
    """

    working_side: int = Field(default=320, ge=32)
    neighbours: int = Field(default=10, ge=1)
    temperature: float = Field(default=0.05, gt=0)
    recent: int = Field(default=1, ge=0)
    confidence: float = Field(default=0.9, ge=0.5, le=1)


class Bank:
    """Labelled cells of one frame: N x C features of unit length and the label of each."""

    def __init__(self, features: Tensor, labels: Tensor, *, confidence: float) -> None:
        """Take C x h x w features and L x h x w labels; cells whose highest share is lower are left out."""
        share, label = labels.flatten(1).max(dim=0)
        kept = share >= confidence
        self.cells, self.labels = features.flatten(1).T[kept], label[kept]

    def forget_background(self) -> None:
        """Keep the cells of objects alone: what was background then may show an object that has started since."""
        kept = self.labels > 0
        self.cells, self.labels = self.cells[kept], self.labels[kept]


class Matching(GridMethod):
    """VideoMatch's soft matching (section 3.3): top-K mean of cosine similarity to each label's cells, softmax."""

    Config: ClassVar[type[MatchingConfig]] = MatchingConfig

    def begin(self) -> None:
        """Forget the last sequence."""
        self._given: list[Bank] = []
        self._recent: list[Bank] = []
        self._labels = 1

    def predict(self, features: Tensor) -> Tensor:
        """Return each cell's labels, by the banks."""
        cells = functional.normalize(features, dim=0)
        query = cells.flatten(1).T
        best: list[list[Tensor]] = [[] for _ in range(self._labels)]
        for bank in (*self._given, *self._recent):
            similarity = query @ bank.cells.T
            for label in range(self._labels):
                chosen = similarity[:, bank.labels == label]
                best[label].append(chosen.topk(min(self.config.neighbours, chosen.shape[1]), dim=1).values)
        scores = torch.stack([self._mean_of_best(torch.cat(found, dim=1)) for found in best])
        return (scores / self.config.temperature).softmax(dim=0).unflatten(1, features.shape[1:])

    def learn(self, features: Tensor, labels: Tensor, *, given: bool) -> None:
        """Add a frame's cells to the lasting banks where objects start, else to the recent ones."""
        self._labels = len(labels)
        cells = functional.normalize(features, dim=0)
        if given:
            self._recent = []
            for bank in self._given:
                bank.forget_background()
            self._given.append(Bank(cells, labels, confidence=0.5))
        elif self.config.recent:
            bank = Bank(cells, labels, confidence=self.config.confidence)
            self._recent = [*self._recent, bank][-self.config.recent :]

    def _mean_of_best(self, candidates: Tensor) -> Tensor:
        count = min(self.config.neighbours, candidates.shape[1])
        if not count:
            return candidates.new_full((len(candidates),), _NOWHERE)
        return candidates.topk(count, dim=1).values.mean(dim=1)
