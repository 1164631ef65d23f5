"""Bicubic upsampling by two, followed by a 3 x 3 convolution: both are linear, so one convolution does both."""

import torch
from torch import Tensor
from torch.nn import functional

_A = -0.75
"""PyTorch's bicubic coefficient."""

_RIM = 4


def double_and_convolve(x: Tensor, weight: Tensor, bias: Tensor, *, kernels: Tensor | None = None) -> Tensor:
    """Compute `conv2d(double(x), weight, bias, padding=1)` four to five times faster, and to rounding the same.

    An output pixel of either parity sees 5 x 5 pixels of `x`, with weights that do not depend on its place; so the
    coarse map is convolved to four channels, one a parity, which are then interleaved. Only the outermost pixels
    differ, where the convolution sees zeros and the upsampling repeats the border; they are computed the long way.

    Args:
        x: B x C x h x w, h and w at least 4.
        weight: 1 x C x 3 x 3.
        bias: 1.
        kernels: `parity_kernels(weight)`, where the caller keeps them; computed where not.

    Returns:
        B x 1 x 2h x 2w.
    """
    padded = functional.pad(x, (2, 2, 2, 2), mode="replicate")
    kernels = parity_kernels(weight) if kernels is None else kernels
    fine = functional.pixel_shuffle(functional.conv2d(padded, kernels, bias.expand(4)), 2)
    for axis in (2, 3):
        for start, edge in ((0, 0), (x.shape[axis] - _RIM, -1)):
            strip = x.narrow(axis, start, _RIM)
            exact = functional.conv2d(double(strip), weight, bias, padding=1)
            fine.select(axis, edge).copy_(exact.select(axis, edge))
    return fine


def double(x: Tensor) -> Tensor:
    """Upsample B x C x h x w by two, bicubic, corners not aligned."""
    if torch.is_grad_enabled() or x.is_cuda:
        size = (2 * x.shape[-2], 2 * x.shape[-1])
        return functional.interpolate(x, size=size, mode="bicubic", align_corners=False)
    channels_last = x.permute(0, 2, 3, 1)
    return _double_axis(_double_axis(channels_last, 1), 2).permute(0, 3, 1, 2)


def _double_axis(x: Tensor, axis: int) -> Tensor:
    """Upsample one axis by two; several times faster than PyTorch's general interpolation on the CPU."""
    extent, weights = x.shape[axis], _even_weights()
    first, last = x.narrow(axis, 0, 1), x.narrow(axis, extent - 1, 1)
    padded = torch.cat([first, first, x, last, last], dim=axis)
    fine = x.new_empty((*x.shape[: axis + 1], 2, *x.shape[axis + 1 :]))
    for parity, coefficients in enumerate((weights, weights[::-1])):
        target = fine.select(axis + 1, parity)
        torch.mul(padded.narrow(axis, parity, extent), coefficients[0], out=target)
        for tap in range(1, 4):
            target.add_(padded.narrow(axis, parity + tap, extent), alpha=coefficients[tap])
    return fine.flatten(axis, axis + 1)


def parity_kernels(weight: Tensor) -> Tensor:
    """Return the kernels that see the coarse map: 4 x C x 5 x 5, for rows and columns even-even, even-odd, ..."""
    taps = torch.tensor(_taps(), dtype=weight.dtype, device=weight.device)
    kernels = torch.einsum("cuv,puy,qvx->pqcyx", weight[0], taps, taps)
    return kernels.flatten(0, 1).contiguous(memory_format=torch.channels_last)


def _taps() -> list[list[list[float]]]:
    """Return how fine pixel 2i + parity + offset - 1 is made of coarse pixels i - 2 ... i + 2: parity x offset x 5."""
    even = _even_weights()
    left, right = [*even, 0.0], [0.0, *reversed(even)]
    left_odd, right_even = [*reversed(even), 0.0], [0.0, *even]
    return [[left_odd, left, right], [left, right, right_even]]


def _even_weights() -> list[float]:
    """Return how an even fine pixel 2i is made of coarse pixels i - 2 ... i + 1; an odd one is its mirror image."""
    return [_cubic(distance) for distance in (1.75, 0.75, 0.25, 1.25)]


def _cubic(distance: float) -> float:
    if distance <= 1:
        return (_A + 2) * distance**3 - (_A + 3) * distance**2 + 1
    return _A * (distance**3 - 5 * distance**2 + 8 * distance - 4)
