"""Convolutions with the activation inside compute what the two computed one after the other."""

import copy

import pytest
import timm
import torch
from torch import Tensor, nn

from vos_bench.methods.lite.decoder import LiteDecoder
from vos_bench.parts import fused_convolutions
from vos_bench.parts.fused_convolutions import FusedConvolution, fuse_activations
from vos_bench.parts.fusion import fuse_normalisation, fuse_padding

needs_operation = pytest.mark.skipif(
    not fused_convolutions.can_fuse(), reason="this torch, or this machine, lacks oneDNN's fused convolution"
)


def folded(network: nn.Module) -> nn.Module:
    """Return it with its normalisation folded away, with statistics that are not the identity's."""
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.uniform_(layer.running_mean, -0.5, 0.5)
            nn.init.uniform_(layer.bias, 0.0, 1.0)
    return fuse_padding(fuse_normalisation(network.eval())).to(memory_format=torch.channels_last)


def backbone() -> nn.Module:
    torch.manual_seed(0)
    return folded(timm.create_model("tf_efficientnet_lite0", features_only=True))


def images(count: int, height: int, width: int) -> Tensor:
    return torch.randn(count, 3, height, width).contiguous(memory_format=torch.channels_last)


@needs_operation
@pytest.mark.parametrize("size", [(96, 136), (95, 137)])
def test_a_whole_backbone_gives_the_same_features(size: tuple[int, int]):
    network = backbone()
    fused = fuse_activations(copy.deepcopy(network))
    assert isinstance(fused.conv_stem, FusedConvolution)
    assert isinstance(fused.bn1, nn.Identity)
    for count in (1, 3):
        x = images(count, *size)
        with torch.inference_mode():
            for found, expected in zip(fused(x), network(x), strict=True):
                torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4)


@needs_operation
@pytest.mark.parametrize(("objects", "shared"), [(1, False), (1, True), (3, True)])
@pytest.mark.parametrize("encoding_channels", [0, 3])
def test_a_split_decoder_gives_the_same_logits(objects: int, shared: bool, encoding_channels: int):
    torch.manual_seed(0)
    decoder = folded(LiteDecoder({8: 12, 4: 6, 2: 4}, (8, 8, 4), encoding_channels=encoding_channels))
    features = {8: torch.randn(1, 12, 8, 10), 4: torch.randn(1, 6, 16, 20), 2: torch.randn(1, 4, 32, 40)}
    encoding = torch.randn(objects, 3, 4, 5) if encoding_channels else None
    index = torch.zeros(objects, dtype=torch.int64) if shared else None
    split = copy.deepcopy(decoder)
    split.split_levels()
    assert isinstance(split.score, FusedConvolution)
    with torch.inference_mode():
        expected = decoder(encoding, features, (64, 80), image_of_object=index)
        found = [split(encoding, features, (64, 80), image_of_object=index) for _ in range(2)]
    assert expected.std() > 0
    torch.testing.assert_close(found[0], expected, rtol=1e-4, atol=1e-5)
    assert torch.equal(found[0], found[1])  # the features are as they were


@needs_operation
def test_gradients_and_half_precision_go_the_usual_way():
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    fused = fuse_activations(copy.deepcopy(network))
    x = images(1, 8, 8).requires_grad_()
    assert torch.equal(fused(x), network(x))
    with torch.inference_mode(), torch.autocast("cpu", dtype=torch.bfloat16):
        assert fused(x.detach()).dtype == torch.bfloat16


@needs_operation
def test_what_is_not_known_stays():
    odd = nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect")
    network = nn.Sequential(odd, nn.ReLU(), nn.Conv2d(4, 4, 1), nn.SiLU())
    fuse_activations(network)
    assert network[0] is odd
    assert isinstance(network[1], nn.ReLU)
    assert isinstance(network[2], FusedConvolution)
    assert isinstance(network[3], nn.SiLU)


def test_nothing_is_fused_where_the_operation_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(fused_convolutions.platform, "machine", lambda: "arm64")
    network = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU())
    layers = list(network)
    assert list(fuse_activations(network)) == layers
