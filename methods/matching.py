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
        temperature: Temperature of the softmax over the labels' mean similarities.
        recent: How many recent frames are matched besides those on which objects started.
        confidence: A recent frame's cell counts only where its label has at least this share.
    """

    neighbours: int = Field(default=10, ge=1, le=10000)
    temperature: float = Field(default=0.05, gt=0, le=1e6)
    recent: int = Field(default=1, ge=0, le=10000)
    confidence: float = Field(default=0.9, ge=0.5, le=1)


class Bank:
    """Labelled cells of one frame: for each label, N x C features of unit length."""

    def __init__(self, features: Tensor, labels: Tensor, *, confidence: float) -> None:
        """Take C x h x w features and L x h x w labels; cells whose highest share is lower are left out."""
        share, label = labels.flatten(1).max(dim=0)
        rows = features.flatten(1).T
        self.cells = [rows[(label == k) & (share >= confidence)] for k in range(len(labels))]

    def keep_smallest(self, features: Tensor, labels: Tensor) -> None:
        """Let objects that fill no cell have the one of which they fill most."""
        for k, plane in enumerate(labels):
            if not len(self.cells[k]) and plane.any():
                self.cells[k] = features.flatten(1).T[plane.flatten().argmax()][None]

    def forget_background(self) -> None:
        """Keep the cells of objects alone: what was background then may show an object that has started since."""
        self.cells[0] = self.cells[0][:0]


class Matching(GridMethod):
    """VideoMatch's soft matching (section 3.3): top-K mean of cosine similarity to each label's cells, softmax."""

    Config: ClassVar[type[MatchingConfig]] = MatchingConfig

    def reset(self) -> None:
        """Forget the last sequence."""
        self._given: list[Bank] = []
        self._recent: list[Bank] = []
        self._labels = 1

    def predict(self, features: Tensor, wanted: Tensor) -> Tensor:
        """Return the labels of the cells that are wanted, by the banks; the others are background."""
        query = functional.normalize(features, dim=0)[:, wanted].T
        scores = torch.stack([self._score(query, label) for label in range(self._labels)])
        found = features.new_zeros(self._labels, *wanted.shape)
        found[0] = 1
        found[:, wanted] = (scores / self.config.temperature).softmax(dim=0)
        return found

    def _score(self, query: Tensor, label: int) -> Tensor:
        """Return the mean of the K best cosines of each cell to the cells of one label, on all frames of the banks."""
        cells = [bank.cells[label] for bank in (*self._given, *self._recent) if label < len(bank.cells)]
        best = [self._best(query @ each.T) for each in cells if len(each)]
        return self._best(torch.cat(best, dim=1)).mean(dim=1) if best else query.new_full((len(query),), _NOWHERE)

    def _best(self, cosines: Tensor) -> Tensor:
        return cosines.topk(min(self.config.neighbours, cosines.shape[1]), dim=1).values

    def remember(self, features: Tensor, labels: Tensor, *, given: bool) -> None:
        """Add a frame's cells to the lasting banks where objects start, else to the recent ones."""
        self._labels = len(labels)
        cells = functional.normalize(features, dim=0)
        if given:
            self._recent = []
            for bank in self._given:
                bank.forget_background()
            self._given.append(Bank(cells, labels, confidence=0.0))
            self._given[-1].keep_smallest(cells, labels)
        elif self.config.recent:
            bank = Bank(cells, labels, confidence=self.config.confidence)
            self._recent = [*self._recent, bank][-self.config.recent :]
