"""The network of STCN under the parameter names of the authors' file."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet, resnet18, resnet50

from vos_bench.parts.layers import PreActivationBlock, upsample
from vos_bench.parts.resnet import ResNetTrunk, imagenet_scaled
from vos_bench.parts.space_time import MemoryEntry, Query, SpaceTimeNetwork

from .attention import BlockAttention

KEY_STAGES, VALUE_STAGES = ("res2", "layer2", "layer3"), ("layer1", "layer2", "layer3")
"""What the authors call the stages at strides 4, 8 and 16 of their two ResNets."""

INPUTS = 5
"""Channels that the value encoder sees: the image, the object's mask, the other objects'."""

_DEEP, _KEY, _VALUE = 1024, 64, 512


class KeyEncoder(ResNetTrunk):
    """Features of a frame, the same for all objects."""

    def __init__(self) -> None:
        super().__init__(resnet50(weights=None), KEY_STAGES)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """B x 3 x H x W, scaled -> features at strides 4, 8 and 16."""
        return self.climb(self.conv1(frames))


class Fuser(nn.Module):
    """Joins what the value encoder saw with the key encoder's features."""

    def __init__(self) -> None:
        super().__init__()
        self.block1 = PreActivationBlock(_DEEP + 256, _VALUE)
        self.attention = BlockAttention(_VALUE)
        self.block2 = PreActivationBlock(_VALUE)

    def forward(self, x: Tensor, deep: Tensor) -> Tensor:
        """B x 256 x h x w and B x 1024 x h x w -> B x 512 x h x w."""
        x = self.block1(torch.cat([x, deep], dim=1))
        return self.block2(x + self.attention(x))  # type: ignore[no-any-return]


class ValueEncoder(ResNetTrunk):
    """Values of frames with masks."""

    def __init__(self) -> None:
        super().__init__(_with_biases(resnet18(weights=None)), VALUE_STAGES)
        self.conv1 = nn.Conv2d(INPUTS, 64, 7, stride=2, padding=3)
        self.fuser = Fuser()

    def forward(self, frames: Tensor, deep: Tensor, masks: Tensor, others: Tensor) -> Tensor:
        """Return S x 512 x h x w of S frames, scaled, their features, and S masks, S x 1 x H x W."""
        stem = self.conv1(torch.cat([frames, masks, others], dim=1))
        return self.fuser(self.climb(stem)[-1], deep)  # type: ignore[no-any-return]


def _with_biases(network: ResNet) -> ResNet:
    """Give every convolution a bias, as the authors' value encoder has, although normalisation follows."""
    for layer in network.modules():
        if isinstance(layer, nn.Conv2d):
            layer.bias = nn.Parameter(torch.zeros(layer.out_channels))
    return network


class KeyProjection(nn.Module):
    """The head that gives keys."""

    def __init__(self) -> None:
        super().__init__()
        self.key_proj = nn.Conv2d(_DEEP, _KEY, 3, padding=1)
        nn.init.orthogonal_(self.key_proj.weight)
        nn.init.zeros_(self.key_proj.bias)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """B x 1024 x h x w -> B x 64 x h x w."""
        return self.key_proj(x)  # type: ignore[no-any-return]


class UpsampleBlock(nn.Module):
    """One level of the decoder: a skip connection joins what the coarser level gave."""

    def __init__(self, skip: int, coarser: int, out: int) -> None:
        super().__init__()
        self.skip_conv = nn.Conv2d(skip, coarser, 3, padding=1)
        self.out_conv = PreActivationBlock(coarser, out)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """B x skip x h x w and B x coarser x h/2 x w/2 -> B x out x h x w."""
        return self.out_conv(self.skip_conv(skip) + upsample(coarser, 2))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Draws a mask from what was read and what the frame says itself."""

    def __init__(self) -> None:
        super().__init__()
        self.compress = PreActivationBlock(2 * _VALUE, 512)
        self.up_16_8 = UpsampleBlock(512, 512, 256)
        self.up_8_4 = UpsampleBlock(256, 256, 256)
        self.pred = nn.Conv2d(256, 1, 3, padding=1)

    def forward(self, x: Tensor, stride8: Tensor, stride4: Tensor) -> Tensor:
        """B x 1024 x h x w and the skips -> logits, B x 1 x 16 h x 16 w."""
        x = self.up_8_4(stride4, self.up_16_8(stride8, self.compress(x)))
        return upsample(self.pred(functional.relu(x)), 4)


class StcnNetwork(SpaceTimeNetwork):
    """Space-time correspondence network (Cheng et al., NeurIPS 2021): 54.4 M parameters."""

    top = 20

    def __init__(self) -> None:
        super().__init__()
        self.key_encoder = KeyEncoder()
        self.value_encoder = ValueEncoder()
        self.key_proj = KeyProjection()
        self.key_comp = nn.Conv2d(_DEEP, _VALUE, 3, padding=1)
        self.decoder = Decoder()

    def preprocess(self, images: Tensor) -> Tensor:
        """See `SpaceTimeNetwork.preprocess`; zeros of the padding are pixels of ImageNet's mean colour."""
        return imagenet_scaled(images / 255)

    def encode_query(self, frames: Tensor) -> Query:
        """See `SpaceTimeNetwork.look`."""
        stride4, stride8, deep = self.key_encoder(frames)
        return Query(self.key_proj(deep), self.key_comp(deep), deep, (stride8, stride4))

    def memorise(self, frames: Tensor, query: Query, masks: Tensor, others: Tensor) -> MemoryEntry:
        """See `SpaceTimeNetwork.memorise`; the key is the frame's, whatever the masks."""
        objects = len(masks)
        frames, deep = (x.expand(objects, *x.shape[1:]) for x in (frames, query.deep))
        value = self.value_encoder(frames, deep, masks, others)
        return MemoryEntry(query.key.flatten(2), value.flatten(2))

    def similarity(self, memory: Tensor, query: Tensor) -> Tensor:
        """Return the negative squared distance of keys but for what all places share, over the root of their length."""
        distance = 2 * (memory.transpose(1, 2) @ query) - memory.square().sum(dim=1)[:, :, None]
        return distance / math.sqrt(_KEY)

    def decode(self, x: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """See `SpaceTimeNetwork.decode`."""
        return torch.sigmoid(self.decoder(x, *skips))[:, 0]
