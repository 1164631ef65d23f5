"""Feed-forward parts on the CPU, some rows at a time: what lies between their layers stays in the cache."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

_NUMBERS = 1 << 19
"""How many numbers between two layers one thread computes at a time, 2 MiB of them."""

Layers = Callable[[Tensor], Tensor]


def split_feed_forward(network: Any) -> None:
    """Let the image encoder of SAM 2, and the memory encoders of all families, work in parts on the CPU."""
    for module in network.modules():
        if type(module).__name__ == "Sam2MultiScaleBlock":
            module.mlp.forward = _InParts(module.mlp.forward, module.mlp.proj_in.out_features)
        if type(module).__name__.endswith("VideoMemoryFuserCXBlock"):
            module.forward = _FuserBlock(module)


class _InParts:
    """Layers that treat each row of channels alike."""

    def __init__(self, layers: Layers, width: int) -> None:
        """Take layers that have at most so many channels between them."""
        self._layers, self._width = layers, width

    def __call__(self, values: Tensor) -> Tensor:
        if values.device.type != "cpu":
            return self._layers(values)
        rows = values.reshape(-1, values.shape[-1])
        return torch.cat([self._layers(part) for part in parts(rows, self._width)]).view(*values.shape[:-1], -1)


class _FuserBlock:
    """`Sam2VideoMemoryFuserCXBlock.forward`."""

    def __init__(self, block: Any) -> None:
        self._block = block
        self._mix = _InParts(self._pointwise, block.pointwise_conv1.out_features)

    def __call__(self, hidden_states: Tensor) -> Tensor:
        block = self._block
        rows = block.layer_norm(block.depthwise_conv(hidden_states)).permute(0, 2, 3, 1)
        return hidden_states + self._mix(rows).permute(0, 3, 1, 2)

    def _pointwise(self, rows: Tensor) -> Tensor:
        block = self._block
        found: Tensor = block.scale * block.pointwise_conv2(block.activation(block.pointwise_conv1(rows)))
        return found


def parts(rows: Tensor, width: int) -> Iterator[Tensor]:
    """Split rows into parts that a core's cache holds at so many channels, larger where several threads share the work.

    Args:
        rows: N x C.
        width: The most channels that a row has on its way.
    """
    return iter(torch.split(rows, max(1, _NUMBERS // width) * torch.get_num_threads()))
