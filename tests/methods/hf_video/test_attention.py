"""Attention by memories gives what transformers' attention by values gives, in blocks or not."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="pip install '.[hf]'")

from vos_bench.methods.hf_video import attention
from vos_bench.methods.hf_video.attention import attend, attend_by_memory, rotate

METHODS = ("sam2-hf", "sam3-hf")


@pytest.mark.parametrize(("queries", "keys"), [(5, 7), (300, 2500)])
def test_blocks_of_attention_are_the_softmax_of_all_scores(queries: int, keys: int) -> None:
    torch.manual_seed(0)
    query, key, memory = torch.randn(queries, 8), torch.randn(keys, 8), torch.randn(keys, 4)
    expected = (query.double() @ key.double().t()).softmax(dim=1) @ memory.double()
    torch.testing.assert_close(attend(query, key, memory), expected.float(), atol=2e-6, rtol=1e-5)


def test_scores_far_apart_neither_overflow_nor_vanish() -> None:
    key = torch.tensor([[-200.0], [300.0], [100.0]]).repeat(700, 1)
    memory = torch.arange(2100.0)[:, None]
    found = attend(torch.tensor([[1.0], [-1.0], [0.0]]), key, memory)
    expected = torch.stack([memory[1::3].mean(), memory[0::3].mean(), memory.mean()])
    torch.testing.assert_close(found[:, 0], expected)


def test_places_that_repeat_are_turned_alike() -> None:
    values = torch.randn(3, 4, 6)
    turns = torch.polar(torch.ones(4, 3), torch.randn(4, 3))
    pairs = torch.view_as_complex(values.clone().unflatten(-1, (-1, 2)))
    assert torch.equal(rotate(values, turns), torch.view_as_real(pairs * turns).flatten(-2))


@pytest.mark.parametrize("pointers", [0, 8])
@pytest.mark.parametrize("name", METHODS)
def test_the_memory_attention_is_that_of_transformers(build: Callable[..., Any], name: str, pointers: int) -> None:
    ours = build(name).network.memory_attention
    theirs = type(ours)(ours.config).eval()
    theirs.load_state_dict(ours.state_dict())
    places = len(ours.position_ids)
    torch.manual_seed(0)
    features, positions = torch.randn(places, 1, 256), torch.randn(places, 1, 256)
    memory, placed = torch.randn(2, 3 * places + pointers, 1, 64)
    with torch.inference_mode():
        found, expected = (each(features, memory, positions, placed, pointers) for each in (ours, theirs))
    assert expected.std() > 0.1
    torch.testing.assert_close(found, expected, atol=2e-5, rtol=1e-5)


def test_half_precision_is_computed_as_transformers_does(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = build().network.memory_attention
    monkeypatch.setattr(attention, "attend", lambda *_: pytest.fail("called in half precision"))
    places = len(ours.position_ids)
    features, memory = torch.randn(places, 1, 256), torch.randn(places, 1, 64)
    with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16):
        assert ours(features, memory, features, memory, 0).isfinite().all()


def test_the_attention_of_edgetam_is_left_as_it_is(build: Callable[..., Any]) -> None:
    network = build("edgetam-hf").network
    before = [layer.forward for layer in network.memory_attention.layers]
    attend_by_memory(network)
    assert [layer.forward for layer in network.memory_attention.layers] == before


def test_rotations_that_are_kept_are_those_of_queries_and_of_keys(build: Callable[..., Any]) -> None:
    attention = build("edgetam-hf").network.memory_attention
    assert len(attention.position_ids) != len(attention.position_ids_k)
    for places in (attention.position_ids, attention.position_ids_k, attention.position_ids):
        expected = type(attention.rotary_emb).forward(attention.rotary_emb, torch.empty(0), places)
        for found, wanted in zip(attention.rotary_emb(torch.empty(0), places), expected, strict=True):
            assert torch.equal(found, wanted)
