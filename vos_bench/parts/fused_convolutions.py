"""Convolutions that take in the activation after them: one pass over memory instead of two, on the CPU.

torch computes the two one after the other and lays a convolution's weights out for oneDNN in every call; on one thread
it does not give 1 x 1 convolutions to oneDNN at all. The operation used here does both at once, from weights that were
laid out before. torch's own compiler uses it, but it is not public: where it is missing, nothing is fused.
"""

import platform
from itertools import pairwise
from typing import Any, TypeVar

import torch
from torch import Tensor, nn

from .fusion import EquallyPadded

Network = TypeVar("Network", bound=nn.Module)

_ACTIVATIONS: dict[type[nn.Module], tuple[str, list[float]]] = {
    nn.Identity: ("none", []),
    nn.ReLU: ("relu", []),
    nn.ReLU6: ("hardtanh", [0.0, 6.0]),
}
"""oneDNN's names of activations, and their parameters."""


def can_fuse() -> bool:
    """Return whether this torch has the operation, on this machine."""
    backend: Any = torch.backends.mkldnn
    if platform.machine() not in ("x86_64", "AMD64") or not backend.is_available():
        return False
    prepares = hasattr(torch._C._nn, "mkldnn_reorder_conv2d_weight")
    return prepares and hasattr(torch.ops.mkldnn, "_convolution_pointwise")


def fuse_activations(network: Network) -> Network:
    """Let convolutions take in the ReLU or ReLU6 that is registered after them; changes `network` in place.

    Call it when the normalisation is folded away (`fuse_normalisation`), and only for networks that run activations
    right after the convolution that they are registered after: timm's EfficientNets do, its ResNets do not.

    Returns:
        `network`; as it was where torch lacks the operation.
    """
    if not can_fuse():
        return network
    for parent in [part for part in network.modules() if not isinstance(part, FusedConvolution)]:
        children = [(name, child) for name, child in parent.named_children() if type(child) is not nn.Identity]
        for (name, child), (next_name, following) in pairwise([*children, ("", nn.Identity())]):
            if not _is_known(child):
                continue
            taken = type(following) in _ACTIVATIONS
            setattr(parent, name, FusedConvolution(child, following if taken else nn.Identity()))
            if taken and next_name:
                setattr(parent, next_name, nn.Identity())
    return network


def _is_known(layer: nn.Module) -> bool:
    if isinstance(layer, EquallyPadded):
        return True
    return type(layer) is nn.Conv2d and layer.padding_mode == "zeros" and not isinstance(layer.padding, str)


class FusedConvolution(nn.Module):
    """A convolution with the activation after it.

    Where gradients are wanted, another precision, or another device than the CPU, the two run one after the other.
    """

    def __init__(self, convolution: nn.Module, activation: nn.Module | None = None) -> None:
        """Fuse an `nn.Conv2d` or an `EquallyPadded` with a ReLU, a ReLU6 or nothing, where `can_fuse`."""
        super().__init__()
        self.convolution, self.activation = convolution, activation or nn.Identity()
        self._attribute, self._scalars = _ACTIVATIONS[type(self.activation)]
        self._laid_out: dict[int, Tensor] = {}

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> what convolution and activation give."""
        if not _is_plain(x):
            return self.activation(self.convolution(x))  # type: ignore[no-any-return]
        operation = torch.ops.mkldnn._convolution_pointwise
        return operation(x, *self._convolution_for(x), self._attribute, self._scalars, "")  # type: ignore[no-any-return]

    def add_to(self, sums: Tensor, x: Tensor) -> Tensor:
        """Return the activation of `sums` and the convolution of `x` added up; may write it into `sums`."""
        if not _is_plain(x) or not _is_plain(sums):
            return self.activation(sums + self.convolution(x))  # type: ignore[no-any-return]
        operation = torch.ops.mkldnn._convolution_pointwise_
        attribute = None if self._attribute == "none" else self._attribute
        how = ("add", 1.0, attribute, self._scalars, None)
        return operation(sums, x, *self._convolution_for(x), *how)  # type: ignore[no-any-return]

    def _convolution_for(self, x: Tensor) -> tuple[Any, ...]:
        """Return weights, laid out when maps like `x` come first, bias and the other arguments of the operation."""
        layer: Any = self.convolution
        kernel = layer.kernel_for(x) if isinstance(layer, EquallyPadded) else layer.weight
        how = (list(layer.padding), list(layer.stride), list(layer.dilation), layer.groups)
        weight = self._laid_out.get(id(kernel))
        if weight is None:
            reorder: Any = torch._C._nn.mkldnn_reorder_conv2d_weight
            weight = self._laid_out[id(kernel)] = reorder(kernel.detach().to_mkldnn(), *how, list(x.shape))
        return weight, layer.bias, *how


def _is_plain(x: Tensor) -> bool:
    on_cpu = x.dtype == torch.float32 and x.device.type == "cpu"
    return on_cpu and not torch.is_grad_enabled() and not torch.is_autocast_enabled("cpu")
