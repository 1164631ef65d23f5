"""The network of `stm-lite`: space-time memory as in STM, around a small backbone that is never trained."""

import math
from collections.abc import Callable

import torch
from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.methods.lite.decoder import ConvNorm, LiteDecoder, NormResidual, folded_backbone
from vos_bench.parts.backbone_config import LiteNetworkConfig
from vos_bench.parts.layers import resize
from vos_bench.parts.official import OwnFile
from vos_bench.parts.space_time import MemoryEntry, Query, SpaceTimeNetwork

_STRIDE = 16
_SHUFFLED = 4


class StmLiteNetworkConfig(LiteNetworkConfig):
    """Sizes of the network.

    Attributes:
        channels: Channels of the features that keys and values are made of.
        key_channels: Channels of keys.
        value_channels: Of values.
        encoding_channels: Channels of what the decoder is told of the object.
    """

    channels: int = Field(default=128, ge=1, le=16384)
    key_channels: int = Field(default=64, ge=1, le=65536)
    value_channels: int = Field(default=128, ge=1, le=65536)
    encoding_channels: int = Field(default=32, ge=1, le=65536)


class MaskEncoder(nn.Module):
    """Joins masks with the features of their frames."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fine = ConvNorm(2 * _SHUFFLED**2, 32, 3)
        self.middle = ConvNorm(32, 64, 3)
        self.coarse = ConvNorm(64, 64, 3)
        self.merge = ConvNorm(channels + 64, channels, 3)
        self.refine = NormResidual(channels)

    def forward(self, deep: Tensor, masks: Tensor) -> Tensor:
        """S x C x h x w and S x 2 x 16 h x 16 w -> S x C x h x w."""
        x = self.fine(functional.pixel_unshuffle(masks, _SHUFFLED))
        x = self.middle(functional.avg_pool2d(x, 2))
        x = self.coarse(functional.avg_pool2d(x, 2))
        return self.refine(self.merge(torch.cat([deep, x], dim=1)))  # type: ignore[no-any-return]


class StmLiteNetwork(SpaceTimeNetwork):
    """STM's memory and reading between the backbone and the decoder of `lwl-lite`."""

    def __init__(
        self, config: StmLiteNetworkConfig | None = None, *, fill_backbone: Callable[[nn.Module], None] | None = None
    ) -> None:
        """Build it; `preprocess` fills timm's backbone, None leaves it random."""
        super().__init__()
        self.config = config = config or StmLiteNetworkConfig()
        self.backbone = folded_backbone(config, fill_backbone)
        channels = self.backbone.channels
        self.reduce = ConvNorm(channels[_STRIDE] + channels[2 * _STRIDE], config.channels, 1)
        self.mask_encoder = MaskEncoder(config.channels)
        self.query_key = nn.Conv2d(config.channels, config.key_channels, 3, padding=1)
        self.memory_key = nn.Conv2d(config.channels, config.key_channels, 3, padding=1)
        self.query_value = nn.Conv2d(config.channels, config.value_channels, 3, padding=1)
        self.memory_value = nn.Conv2d(config.channels, config.value_channels, 3, padding=1)
        self.encoding = ConvNorm(2 * config.value_channels, config.encoding_channels, 3)
        self.decoder = LiteDecoder(channels, config.decoder_widths, encoding_channels=config.encoding_channels)

    def preprocess(self, images: Tensor) -> Tensor:
        """See `SpaceTimeNetwork.preprocess`."""
        return self.backbone.scale(images)

    def encode_query(self, frames: Tensor) -> Query:
        """See `SpaceTimeNetwork.look`."""
        features = self.backbone(frames.contiguous(memory_format=torch.channels_last))
        fine = features[_STRIDE]
        context = resize(features[2 * _STRIDE], (fine.shape[-2], fine.shape[-1]))
        deep = self.reduce(torch.cat([fine, context], dim=1))
        return Query(self.query_key(deep), self.query_value(deep), deep, tuple(features.values()))

    def memorise(self, frames: Tensor, query: Query, masks: Tensor, others: Tensor) -> MemoryEntry:
        """See `SpaceTimeNetwork.memorise`."""
        del frames
        deep = query.deep.expand(len(masks), -1, -1, -1)
        x = self.mask_encoder(deep, torch.cat([masks, others.clamp(0, 1)], dim=1))
        return MemoryEntry(self.memory_key(x).flatten(2), self.memory_value(x).flatten(2))

    def similarity(self, memory: Tensor, query: Tensor) -> Tensor:
        """Return the dot product of keys over the root of their length."""
        return memory.transpose(1, 2) @ query / math.sqrt(self.config.key_channels)

    def decode(self, x: Tensor, skips: tuple[Tensor, ...]) -> Tensor:
        """See `SpaceTimeNetwork.decode`."""
        features = dict(zip(self.config.decoder_strides, skips, strict=True))
        size = (_STRIDE * x.shape[-2], _STRIDE * x.shape[-1])
        one_each = len(skips[0]) == len(x)
        index = None if one_each else torch.zeros(len(x), dtype=torch.long, device=x.device)
        logits = self.decoder(self.encoding(x), features, size, image_of_object=index)
        return torch.sigmoid(logits)[:, 0]


WEIGHTS = OwnFile("stm-lite", StmLiteNetworkConfig, StmLiteNetwork)
"""The form of its files."""
