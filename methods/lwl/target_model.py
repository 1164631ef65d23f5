"""The target model T: features for it, the linear map itself, and that map's adjoint (paper section 3.3)."""

import math
from itertools import product

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.grad import conv2d_weight

from vos_bench.parts.layers import resize

from .blocks import initialise_by_fan_out


class TargetFeatureExtractor(nn.Module):
    """Reduces backbone features to the C channels that the target model sees, at a fixed overall energy."""

    def __init__(self, in_channels: int, out_channels: int, *, filter_size: int, context_channels: int = 0) -> None:
        """Build it; `context_channels` are those of deeper features that take part, 0 for none."""
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1, bias=False)
        self.context = nn.Conv2d(context_channels, out_channels, 1, bias=False) if context_channels else None
        self._scale = math.sqrt(1 / (out_channels * filter_size**2))
        initialise_by_fan_out(self)

    def forward(self, features: Tensor, context: Tensor | None = None) -> Tensor:
        """B x in x h x w (and deeper features) -> B x C x h x w; a K x K patch has an expected squared norm of 1."""
        reduced = self.conv(features)
        if self.context is not None:
            reduced = reduced + resize(self.context(context), (reduced.shape[-2], reduced.shape[-1]))
        return normalise_instances(reduced, self._scale)


def normalise_instances(x: Tensor, scale: float) -> Tensor:
    """Scale each image of B x C x h x w so that its root mean square over all channels and pixels is `scale`.

    The sum is taken in float32 at least: in float16 it would overflow.
    """
    x = in_float32(x)
    energy = x.square().sum(dim=(1, 2, 3), keepdim=True)
    return x * (scale * torch.sqrt(x[0].numel() / (energy + 1e-5)))


def apply_target_model(features: Tensor, filters: Tensor) -> Tensor:
    """Compute T(x) = x * tau of equation 1, the encoding of the target's mask; in float32 also under autocast.

    Args:
        features: S x N x C x h x w: N images for each of S objects; fastest where the channels lie last in memory.
        filters: S x D x C x K x K, one target model an object.

    Returns:
        S x N x D x h x w.
    """
    apply = _convolve if torch.is_grad_enabled() else _convolve_by_taps
    with torch.autocast(features.device.type, enabled=False):
        pairs = zip(in_float32(features), in_float32(filters), strict=True)
        return torch.stack([apply(x, tau) for x, tau in pairs])


def in_float32(x: Tensor) -> Tensor:
    """Return `x` in float32 where it is of a half precision, and as it is where it is not."""
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _convolve(x: Tensor, tau: Tensor) -> Tensor:
    return functional.conv2d(x, tau, padding=tau.shape[-1] // 2)


def _convolve_by_taps(x: Tensor, tau: Tensor) -> Tensor:
    """Convolve N x C x h x w by D x C x K x K, tap by tap: the same sums, a third faster for few output channels.

    One 1 x 1 convolution gives the products of all K * K taps everywhere; they are shifted to their places and added.
    """
    labels, channels, kernel, _ = tau.shape
    products = functional.conv2d(x, tau.permute(2, 3, 0, 1).reshape(-1, channels, 1, 1))
    taps = products.unflatten(1, (kernel, kernel, labels))  # type: ignore[no-untyped-call]
    middle, (height, width) = kernel // 2, x.shape[-2:]
    scores: Tensor = taps[:, middle, middle].clone()
    for row, column in product(range(kernel), repeat=2):
        if (row, column) != (middle, middle):
            (to_rows, from_rows), (to_columns, from_columns) = (
                _shifted(row - middle, height),
                _shifted(column - middle, width),
            )
            scores[..., to_rows, to_columns].add_(taps[:, row, column][..., from_rows, from_columns])
    return scores


def _shifted(offset: int, extent: int) -> tuple[slice, slice]:
    """Return the pixels that have a neighbour at `offset`, and those neighbours."""
    reach = min(abs(offset), extent)
    near, far = slice(0, extent - reach), slice(reach, extent)
    return (near, far) if offset > 0 else (far, near)


def apply_adjoint(features: Tensor, residuals: Tensor, filter_size: int) -> Tensor:
    """Compute sum_t x_t *^T r_t of equation 4, the gradient of sum_t <T(x_t), r_t> by the filters.

    Args:
        features: S x N x C x h x w.
        residuals: S x N x D x h x w.
        filter_size: K.

    Returns:
        S x D x C x K x K.
    """
    shape = (residuals.shape[2], features.shape[2], filter_size, filter_size)
    pairs = zip(features, residuals, strict=True)
    gradients = [conv2d_weight(x, shape, r, padding=filter_size // 2) for x, r in pairs]  # type: ignore[no-untyped-call]
    return torch.stack(gradients)
