"""The network of STM under the parameter names of the authors' file."""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50

from vos_bench.parts.layers import PreActivationBlock, upsample
from vos_bench.parts.resnet import ResNetTrunk, add_imagenet_buffers
from vos_bench.parts.space_time import MemoryEntry, Query, SpaceTimeNetwork

STAGES = ("res2", "res3", "res4")
"""What the authors call the stages of their ResNet-50 at strides 4, 8 and 16."""

_DEEP, _KEY, _VALUE, _WIDTH = 1024, 128, 512, 256


class QueryEncoder(ResNetTrunk):
    """Features of a frame."""

    def __init__(self) -> None:
        super().__init__(resnet50(weights=None), STAGES)
        add_imagenet_buffers(self)

    def forward(self, frames: Tensor) -> list[Tensor]:
        """B x 3 x H x W, RGB of 0..1 -> features at strides 4, 8 and 16."""
        return self.climb(self.conv1(self.normalised(frames)))

    def normalised(self, frames: Tensor) -> Tensor:
        """Subtract ImageNet's mean, divide by its deviation; zeros of the padding are black pixels."""
        return (frames - self.get_buffer("mean")) / self.get_buffer("std")


class MemoryEncoder(QueryEncoder):
    """Features of a frame together with an object's mask and the union of the other objects'."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1_m = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)
        self.conv1_o = nn.Conv2d(1, 64, 7, stride=2, padding=3, bias=False)

    def forward(self, frames: Tensor, masks: Tensor, others: Tensor) -> Tensor:  # type: ignore[override]
        """Return S x 1024 x H/16 x W/16 of S or 1 frames and S masks, S x 1 x H x W."""
        stem = self.conv1(self.normalised(frames)) + self.conv1_m(masks) + self.conv1_o(others)
        return self.climb(stem)[-1]


class KeyValue(nn.Module):
    """The heads that give keys and values."""

    def __init__(self) -> None:
        super().__init__()
        self.Key = nn.Conv2d(_DEEP, _KEY, 3, padding=1)
        self.Value = nn.Conv2d(_DEEP, _VALUE, 3, padding=1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """B x 1024 x h x w -> B x 128 x h x w and B x 512 x h x w."""
        return self.Key(x), self.Value(x)


class Refine(nn.Module):
    """One level of the decoder: a skip connection joins what the coarser level gave."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convFS = nn.Conv2d(channels, _WIDTH, 3, padding=1)
        self.ResFS = PreActivationBlock(_WIDTH)
        self.ResMM = PreActivationBlock(_WIDTH)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """B x channels x h x w and B x 256 x h/2 x w/2 -> B x 256 x h x w."""
        return self.ResMM(self.ResFS(self.convFS(skip)) + upsample(coarser, 2))  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Draws a mask from what was read and what the frame says itself."""

    def __init__(self) -> None:
        super().__init__()
        self.convFM = nn.Conv2d(2 * _VALUE, _WIDTH, 3, padding=1)
        self.ResMM = PreActivationBlock(_WIDTH)
        self.RF3 = Refine(512)
        self.RF2 = Refine(256)
        self.pred2 = nn.Conv2d(_WIDTH, 2, 3, padding=1)

    def forward(self, x: Tensor, stride8: Tensor, stride4: Tensor) -> Tensor:
        """B x 1024 x h x w and the skips -> logits of background and object, B x 2 x 16 h x 16 w."""
        x = self.RF2(stride4, self.RF3(stride8, self.ResMM(self.convFM(x))))
        return upsample(self.pred2(functional.relu(x)), 4)


class StmNetwork(SpaceTimeNetwork):
    """Space-time memory network (Oh et al., ICCV 2019): 38,925,570 parameters.

    Meant to be in evaluation mode also while it trains: batch normalisation is frozen.
    """

    def __init__(self) -> None:
        super().__init__()
        self.Encoder_M = MemoryEncoder()
        self.Encoder_Q = QueryEncoder()
        self.KV_M_r4 = KeyValue()
        self.KV_Q_r4 = KeyValue()
        self.Decoder = Decoder()

    def preprocess(self, images: Tensor) -> Tensor:
        """See `SpaceTimeNetwork.preprocess`: 0..1, the rest happens inside the encoders."""
        return images / 255

    def encode_query(self, frames: Tensor) -> Query:
        """See `SpaceTimeNetwork.look`."""
        stride4, stride8, deep = self.Encoder_Q(frames)
        key, value = self.KV_Q_r4(deep)
        return Query(key, value, deep, (stride8, stride4))

    def memorise(self, frames: Tensor, query: Query, masks: Tensor, others: Tensor) -> MemoryEntry:
        """See `SpaceTimeNetwork.memorise`; the frame is encoded again for each mask."""
        del query
        key, value = self.KV_M_r4(self.Encoder_M(frames, masks, others.clamp(0, 1)))
        return MemoryEntry(key.flatten(2), value.flatten(2))

    def similarity(self, memory: Tensor, query: Tensor) -> Tensor:
        """Return the dot product of keys over the root of their length."""
        return memory.transpose(1, 2) @ query / math.sqrt(_KEY)

    def decode(self, x: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """See `SpaceTimeNetwork.decode`."""
        return torch.softmax(self.Decoder(x, *skips), dim=1)[:, 1]
