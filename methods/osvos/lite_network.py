"""The network of `osvos-lite`: foreground and background, by a small decoder on a backbone that is never trained."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from vos_bench.methods.lite.decoder import LiteDecoder, folded_backbone
from vos_bench.parts.backbone_config import LiteNetworkConfig
from vos_bench.parts.official import OwnFile


class OsvosLiteNetwork(nn.Module):
    """The backbone and the decoder of `lwl-lite`, with nothing between that would know of an object."""

    def __init__(
        self, config: LiteNetworkConfig | None = None, *, fill_backbone: Callable[[nn.Module], None] | None = None
    ) -> None:
        """Build it; `preprocess` fills timm's backbone, None leaves it random."""
        super().__init__()
        self.config = config = config or LiteNetworkConfig()
        self.backbone = folded_backbone(config, fill_backbone)
        self.decoder = LiteDecoder(self.backbone.channels, config.decoder_widths, encoding_channels=0)

    def forward(self, frames: Tensor) -> Tensor:
        """B x 3 x H x W, as `backbone.scale` makes them, sides divided by 32 -> logits, B x 1 x H x W."""
        features = self.backbone(frames.contiguous(memory_format=torch.channels_last))
        return self.decoder(None, features, (frames.shape[-2], frames.shape[-1]))  # type: ignore[no-any-return]


WEIGHTS = OwnFile("osvos-lite", LiteNetworkConfig, OsvosLiteNetwork)
"""The form of its files."""
