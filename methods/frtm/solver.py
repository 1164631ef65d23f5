"""Conjugate gradients over several tensors."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

from .config import Directions

Direction = list[Tensor]
"""Parameters, or a change of them."""


class Linearised(Protocol):
    """A linear map from changes of parameters to changes of scores."""

    def forward(self, direction: Direction) -> Tensor:
        """Return the change of the scores, N x 1 x h x w."""

    def adjoint(self, scores: Tensor) -> Direction:
        """Apply the adjoint map."""


def conjugate_gradients(
    curvature: Callable[[Direction], Direction],
    right: Direction,
    diagonal: list[float],
    *,
    steps: int,
    directions: Directions = "polak-ribiere",
) -> Direction:
    """Solve curvature(x) = right approximately, from zero, for a symmetric and positive curvature.

    Preconditioned by a number for each tensor. In exact arithmetic both rules for the directions are the same one;
    Polak's and Ribiere's, not below zero, forgets the past where rounding spoils it.

    Args:
        curvature: The matrix, as a function.
        right: The right-hand side.
        diagonal: The preconditioner, by which residuals are divided.
        steps: How many.
        directions: The rule for the next direction.
    """
    x = [torch.zeros_like(part) for part in right]
    residual, before, rho = right, right, 1.0
    direction = x
    for step in range(steps):
        scaled = [r / d for r, d in zip(residual, diagonal, strict=True)]
        last, rho = rho, _inner(residual, scaled)
        if rho <= 0:
            break
        kept = _inner(before, scaled) if directions == "polak-ribiere" else 0.0
        turn = max(0.0, (rho - kept) / last) if step else 0.0
        direction = [s + turn * d for s, d in zip(scaled, direction, strict=True)]
        bent = curvature(direction)
        length = rho / _inner(direction, bent)
        x = [a + length * d for a, d in zip(x, direction, strict=True)]
        before, residual = residual, [r - length * b for r, b in zip(residual, bent, strict=True)]
    return x


def _inner(a: Direction, b: Direction) -> float:
    return float(sum(torch.dot(x.flatten(), y.flatten()) for x, y in zip(a, b, strict=True)))
