"""A linear map from features to labels, in closed form."""

from typing import Annotated, ClassVar

import torch
from pydantic import Field
from torch import Tensor

from vos_bench.parts.feature_grid import GridConfig, GridMethod


class RidgeConfig(GridConfig):
    """Settings of `ridge`; the defaults were chosen on train sequences of DAVIS 2016.

    Attributes:
        regularisation: lambda, on features of mean 0 and deviation 1 whose samples' weights sum to one.
        temperature: Temperature of the softmax over the labels' scores, which the regression aims at 0 and 1.
        update: Weight of a new frame in the running sums; 0: only frames on which objects start count.
        balance: 1 gives every label the same weight on a frame, 0 every cell.
    """

    strides: tuple[Annotated[int, Field(ge=1, le=1024)], ...] = Field(default=(8, 16, 32), min_length=1)
    regularisation: float = Field(default=0.03, gt=0, le=1e6)
    temperature: float = Field(default=0.1, gt=0, le=1e6)
    update: float = Field(default=0.05, ge=0, lt=1)
    balance: float = Field(default=0.5, ge=0, le=1)


class Sums:
    """X'X and X'Y of weighted cells: all that a ridge regression needs to know of a frame."""

    def __init__(self, gram: Tensor, targets: Tensor) -> None:
        """Take D x D and D x L."""
        self.gram, self.targets = gram, targets

    def mixed(self, other: "Sums", share: float) -> "Sums":
        """Return (1 - share) of these and `share` of the others, which may have more labels."""
        missing = other.targets.shape[1] - self.targets.shape[1]
        own = torch.nn.functional.pad(self.targets, (0, missing))
        return Sums(torch.lerp(self.gram, other.gram, share), torch.lerp(own, other.targets, share))


class Ridge(GridMethod):
    """Solves (X'X + lambda I) w = X'Y over the frames on which objects start and a running mean of the others."""

    Config: ClassVar[type[RidgeConfig]] = RidgeConfig

    def reset(self) -> None:
        """Forget the last sequence."""
        self._sums: Sums | None = None
        self._map: Tensor | None = None

    def predict(self, features: Tensor, wanted: Tensor) -> Tensor:  # noqa: ARG002 (every cell costs next to nothing)
        """Return each cell's labels, by the linear map."""
        if self._map is None:
            return torch.ones_like(features[:1])
        scores = self._rows(features) @ self._map
        shares: Tensor = (scores / self.config.temperature).softmax(dim=1).T
        return shares.reshape(-1, *features.shape[1:])

    def remember(self, features: Tensor, labels: Tensor, *, given: bool) -> None:
        """Add a frame to the sums and solve again."""
        if not given and not self.config.update:
            return
        sums = self._frame(self._rows(features), labels.flatten(1))
        share = 0.5 if given else self.config.update
        self._sums = sums if self._sums is None else self._sums.mixed(sums, share)
        ridge = self.config.regularisation * torch.eye(len(self._sums.gram), device=features.device)
        factor = torch.linalg.cholesky(self._sums.gram + ridge)
        self._map = torch.cholesky_solve(self._sums.targets, factor)

    def _frame(self, rows: Tensor, labels: Tensor) -> Sums:
        """Return the sums of N x D features and L x N labels; the weights of all cells sum to one."""
        presence = labels.sum(dim=1).clamp_min(1e-6)
        wanted = self.config.balance / len(labels) + (1 - self.config.balance) * presence / presence.sum()
        weights = (labels * (wanted / presence)[:, None]).sum(dim=0)
        weighted = rows * (weights / weights.sum())[:, None]
        return Sums(weighted.T @ rows, weighted.T @ labels.T)

    def _rows(self, features: Tensor) -> Tensor:
        """Return N x (C + 1): the features and a one for the offset."""
        rows = features.flatten(1)
        return torch.cat([rows, torch.ones_like(rows[:1])]).T
