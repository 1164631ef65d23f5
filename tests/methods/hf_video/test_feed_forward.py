"""The parts of the networks that are computed otherwise than in transformers give the same."""

import importlib
from collections.abc import Callable
from typing import Any

import pytest
import torch

pytest.importorskip("transformers", reason="pip install '.[hf]'")

from vos_bench.methods.hf_video import feed_forward
from vos_bench.methods.hf_video.feed_forward import parts

METHODS = ("sam2-hf", "edgetam-hf", "sam3-hf")


def as_in_transformers(module: Any) -> Any:
    """Call a module as its class has it."""
    return lambda *given: type(module).forward(module, *given)


def test_rows_are_split_to_what_a_cache_holds() -> None:
    rows = torch.zeros(5000, 4)
    sizes = [len(part) for part in parts(rows, 1024)]
    assert sum(sizes) == 5000
    assert sizes[0] * 1024 * 4 == torch.get_num_threads() * 2**21
    assert len(next(iter(parts(rows[:3], 1 << 30)))) == min(3, torch.get_num_threads())


@pytest.mark.parametrize("name", METHODS)
def test_the_memory_encoder_is_that_of_transformers(
    build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(feed_forward, "_NUMBERS", 5000)
    blocks = build(name).network.memory_encoder.memory_fuser.layers
    torch.manual_seed(0)
    with torch.inference_mode():
        for block in blocks:
            values = torch.randn(1, 256, 6, 5)
            assert "forward" in vars(block)
            torch.testing.assert_close(block(values), as_in_transformers(block)(values), atol=1e-6, rtol=1e-5)


def test_the_image_encoder_is_that_of_transformers(build: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(feed_forward, "_NUMBERS", 5000)
    backbone = build().network.vision_encoder.backbone
    replaced = [each for each in backbone.modules() if "forward" in vars(each)]
    assert len(replaced) >= 2 * len(backbone.blocks)
    pixels = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        found = backbone(pixels).last_hidden_state
        for module in replaced:
            del module.forward
        torch.testing.assert_close(found, backbone(pixels).last_hidden_state, atol=1e-5, rtol=1e-4)


def test_transformers_still_computes_weights_that_it_throws_away() -> None:
    """When it no longer does, `hiera.py` can go."""
    module = importlib.import_module("transformers.models.sam2.modeling_sam2")
    config = importlib.import_module("transformers").Sam2HieraDetConfig()
    attention = module.Sam2MultiScaleAttention(config, 16, 16, num_attention_heads=2)
    called: list[Any] = []
    softmax = torch.nn.functional.softmax
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            torch.nn.functional, "softmax", lambda *given, **named: called.append(1) or softmax(*given, **named)
        )
        attention(torch.randn(1, 4, 4, 16))
    assert called
