"""Conjugate gradients over several tensors."""

from collections.abc import Callable
from typing import Protocol

import torch
from torch import Tensor

Direction = list[Tensor]
"""Parameters, or a change of them."""


class Linearised(Protocol):
    """A linear map from changes of parameters to changes of scores."""

    def forward(self, direction: Direction) -> Tensor:
        """Return the change of the scores, N x 1 x h x w."""

    def adjoint(self, scores: Tensor) -> Direction:
        """Apply the adjoint map."""


def conjugate_gradients(
    curvature: Callable[[Direction], Direction], right: Direction, diagonal: list[float], *, steps: int
) -> Direction:
    """Solve curvature(x) = right approximately, from zero, for a symmetric and positive curvature.

    Directions after Polak and Ribiere, not below zero; preconditioned by a number for each tensor.

    Args:
        curvature: The matrix, as a function.
        right: The right-hand side.
        diagonal: The preconditioner, by which residuals are divided.
        steps: How many.
    """
    x = [torch.zeros_like(part) for part in right]
    residual, before, rho = right, right, 1.0
    direction = x
    for step in range(steps):
        scaled = [r / d for r, d in zip(residual, diagonal, strict=True)]
        last, rho = rho, _inner(residual, scaled)
        if rho <= 0:
            break
        turn = max(0.0, (rho - _inner(before, scaled)) / last) if step else 0.0
        direction = [s + turn * d for s, d in zip(scaled, direction, strict=True)]
        bent = curvature(direction)
        length = rho / _inner(direction, bent)
        x = [a + length * d for a, d in zip(x, direction, strict=True)]
        before, residual = residual, [r - length * b for r, b in zip(residual, bent, strict=True)]
    return x


def _inner(a: Direction, b: Direction) -> float:
    return float(sum(torch.dot(x.flatten(), y.flatten()) for x, y in zip(a, b, strict=True)))
