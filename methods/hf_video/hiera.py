"""The attention of SAM 2's image encoder, without what transformers computes and throws away."""

from typing import Any

from torch import Tensor
from torch.nn import functional


def attend_once(network: Any) -> None:
    """Replace the attention of each block of the encoder of SAM 2.

    transformers 5.24 first computes weights between the heads of each place, and then attention without them.
    """
    for module in network.modules():
        if type(module).__name__ == "Sam2MultiScaleAttention":
            module.forward = _Attention(module)


class _Attention:
    """`Sam2MultiScaleAttention.forward`."""

    def __init__(self, attention: Any) -> None:
        self._attention = attention

    def __call__(self, hidden_states: Tensor, **_: Any) -> Tensor:
        attention = self._attention
        windows, height, width, _channels = hidden_states.shape
        query, key, value = attention.qkv(hidden_states).chunk(3, dim=-1)
        if attention.query_stride:
            query = functional.max_pool2d(query.permute(0, 3, 1, 2), attention.query_stride).permute(0, 2, 3, 1)
            height, width = query.shape[1:3]
        query, key, value = (self._by_head(each, windows) for each in (query, key, value))
        found = functional.scaled_dot_product_attention(query, key, value, scale=attention.scale)
        projected: Tensor = attention.proj(found.transpose(1, 2).reshape(windows, height, width, -1))
        return projected

    def _by_head(self, values: Tensor, windows: int) -> Tensor:
        return values.reshape(windows, -1, self._attention.num_attention_heads, self._head_size).transpose(1, 2)

    @property
    def _head_size(self) -> int:
        size: int = self._attention.dim_out // self._attention.num_attention_heads
        return size
