"""Networks made quicker for evaluation compute what they computed before."""

import copy

import pytest
import timm
import torch
from timm.layers.conv2d_same import Conv2dSame

from vos_bench.parts.fusion import fuse_normalisation, fuse_padding


@pytest.mark.parametrize("kernel", [3, 5])
@pytest.mark.parametrize("size", [(16, 16), (17, 16), (16, 17), (17, 19)])
@pytest.mark.parametrize("groups", [1, 6])
def test_one_sided_padding_goes_into_the_kernel(kernel: int, size: tuple[int, int], groups: int):
    torch.manual_seed(0)
    parent = torch.nn.Sequential(Conv2dSame(6, 12, kernel, stride=2, groups=groups))
    x = torch.randn(2, 6, *size)
    with torch.no_grad():
        expected = parent(x)
        found = fuse_padding(copy.deepcopy(parent))(x)
    assert found.shape == expected.shape
    torch.testing.assert_close(found, expected)


def test_other_convolutions_stay_as_they_are():
    own = torch.nn.Sequential(Conv2dSame(3, 4, 3, stride=1), Conv2dSame(4, 4, 2, stride=2), torch.nn.Conv2d(4, 4, 3))
    before = list(own)
    assert list(fuse_padding(own)) == before


def test_a_whole_backbone_gives_the_same_features():
    torch.manual_seed(0)
    network = timm.create_model("tf_efficientnet_lite0", features_only=True).eval()
    x = torch.randn(1, 3, 96, 136)
    with torch.no_grad():
        expected = network(x)
        fused = fuse_padding(fuse_normalisation(copy.deepcopy(network)))
        found = fused(x)
    assert not any(isinstance(module, Conv2dSame) for module in fused.modules())
    for a, b in zip(found, expected, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-4)
