"""Attention to memories on the CPU in less work than transformers needs, with the same numbers up to rounding.

A memory has 64 channels. The networks make a key and a value of 256 channels of it and add the values up, by the
weights of attention. A value is linear in its memory and the weights of a query sum to one: so the memories can be
added up first, a quarter of the work, and their sum be made a value.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .feed_forward import parts

_QUERIES, _KEYS = 256, 1024
"""How many are computed at a time by one thread: their scores stay in its cache."""


def attend_by_memory(network: Any) -> None:
    """Replace the layers of the memory attention of SAM 2 or SAM 3; elsewhere than on the CPU they work as before.

    EdgeTAM attends to a few hundred summaries of its memories, in little time, and is left as it is.
    """
    attention = network.memory_attention
    if not all(_has_one_head(layer.cross_attn_image) for layer in attention.layers):
        return
    cos, sin = attention.rotary_emb(torch.empty(0), attention.position_ids)
    turns = torch.complex(cos[0, :, ::2].contiguous(), sin[0, :, ::2].contiguous())
    for layer in attention.layers:
        layer.self_attn.forward = _SelfAttention(layer.self_attn, turns)
        layer.forward = _Layer(layer, turns)


def _has_one_head(attention: Any) -> bool:
    return type(attention).__name__.endswith("VideoRoPEAttention") and attention.num_attention_heads == 1


class _SelfAttention:
    """`Sam2VideoRoPEAttention.forward` of a frame's features to themselves."""

    def __init__(self, attention: Any, turns: Tensor) -> None:
        self._attention, self._turns, self._otherwise = attention, turns, attention.forward

    def __call__(self, query: Tensor, key: Tensor, value: Tensor, **others: Any) -> tuple[Tensor, None]:
        if not _is_plain_cpu(query):
            found: tuple[Tensor, None] = self._otherwise(query=query, key=key, value=value, **others)
            return found
        attention = self._attention
        query = rotate(attention.q_proj(query), self._turns)
        key = rotate(attention.k_proj(key), self._turns)
        return attention.o_proj(functional.scaled_dot_product_attention(query, key, attention.v_proj(value))), None


class _Layer:
    """`Sam2VideoMemoryAttentionLayer.forward` in evaluation mode, for one object and one head."""

    def __init__(self, layer: Any, turns: Tensor) -> None:
        self._layer, self._turns, self._otherwise = layer, turns, layer.forward

    def __call__(self, queries: Tensor, keys: Tensor, key_point_embedding: Tensor, **others: Any) -> Tensor:
        layer = self._layer
        if not _is_plain_cpu(queries):
            found: Tensor = self._otherwise(
                queries=queries, keys=keys, key_point_embedding=key_point_embedding, **others
            )
            return found
        query = layer.layer_norm1(queries)
        positions = others["rope_position_embeddings"]
        queries = queries + layer.self_attn(query=query, key=query, value=query, position_embeddings=positions)[0]
        pointers = others.get("num_k_exclude_rope", 0)
        queries += self._attend_to_memory(layer.layer_norm2(queries), keys, keys + key_point_embedding, pointers)
        for rows in parts(queries[0, 0], layer.linear1.out_features):
            hidden = layer.activation(layer.linear1(layer.layer_norm3(rows)))
            rows += layer.linear2(hidden)
        return queries

    def _attend_to_memory(self, query: Tensor, memory: Tensor, placed: Tensor, pointers: int) -> Tensor:
        attention = self._layer.cross_attn_image
        key = attention.k_proj(placed)
        spatial = key[:, :, : key.shape[2] - pointers]  # pointers to objects have no place in the frame
        rotate(spatial.view(1, 1, -1, len(self._turns), key.shape[3]), self._turns)
        query = rotate(attention.q_proj(query), self._turns).mul_(attention.scaling)
        summed = attend(query[0, 0], key[0, 0], memory[0, 0])
        found: Tensor = attention.o_proj(attention.v_proj(summed))[None, None]
        return found


def _is_plain_cpu(values: Tensor) -> bool:
    return values.device.type == "cpu" and values.dtype == torch.float32 and not torch.is_autocast_enabled("cpu")


def rotate(values: Tensor, turns: Tensor) -> Tensor:
    """Turn each pair of channels by its place in the frame, in place.

    Args:
        values: ... x N x 2C, float32; the places may repeat.
        turns: N x C, complex, of absolute value 1.
    """
    torch.view_as_complex(values.view(*values.shape[:-1], -1, 2)).mul_(turns)
    return values


def attend(query: Tensor, key: Tensor, memory: Tensor) -> Tensor:
    """Return softmax(query @ key.T) @ memory without holding all weights at a time.

    Args:
        query: Q x C.
        key: N x C.
        memory: N x M.

    Returns:
        Q x M.
    """
    blocks = [
        (keys.t(), values) for keys, values in zip(torch.split(key, _KEYS), torch.split(memory, _KEYS), strict=True)
    ]
    found = memory.new_empty(len(query), memory.shape[1])
    queries = _QUERIES * torch.get_num_threads()
    for part, summed in zip(torch.split(query, queries), torch.split(found, queries), strict=True):
        torch.div(*_weighted_sum(part, blocks), out=summed)
    return found


def _weighted_sum(query: Tensor, blocks: list[tuple[Tensor, Tensor]]) -> tuple[Tensor, Tensor]:
    """Return the sum of memories by exponentials, and the sum of those, both divided by that of the highest score."""
    highest = query.new_full((len(query), 1), -torch.inf)
    summed, weights = query.new_zeros(len(query), blocks[0][1].shape[1]), torch.zeros_like(highest)
    for key, memory in blocks:
        scores = query @ key
        before, highest = highest, torch.maximum(highest, scores.amax(dim=1, keepdim=True))
        scores.sub_(highest).exp_()
        smaller = before.sub_(highest).exp_()
        summed.mul_(smaller).addmm_(scores, memory)
        weights.mul_(smaller).add_(scores.sum(dim=1, keepdim=True))
    return summed, weights
