"""The small network of `lwl-lite`: EfficientNet-Lite0, a narrow learner and decoder, masks finished at stride 2."""

import math
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from .backbone import Features
from .blocks import initialise_by_fan_out
from .config import BackboneConfig, LwlConfig
from .decoder import Size, resize
from .network import LwlNetwork
from .target_model import normalise_instances

LITE_NETWORK = LwlConfig(
    backbone=BackboneConfig(name="tf_efficientnet_lite0"),
    target_channels=128,
    decoder_strides=(32, 16, 8, 4, 2),
    decoder_multiples=(6, 4, 3, 2, 1),
    decoder_channels=16,
)
"""What `lwl-lite` ships with: widths 96, 64, 48, 32 and 16 from deep to fine."""


class ConvNorm(nn.Sequential):
    """A convolution, batch normalisation and ReLU."""

    def __init__(self, channels: int, out: int, kernel: int) -> None:
        convolution = nn.Conv2d(channels, out, kernel, padding=kernel // 2, bias=False)
        super().__init__(convolution, nn.BatchNorm2d(out), nn.ReLU())


class NormResidual(nn.Module):
    """Two normalised 3 x 3 convolutions beside the identity."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = ConvNorm(channels, channels, 3)
        self.second = nn.Sequential(nn.Conv2d(channels, channels, 3, padding=1, bias=False), nn.BatchNorm2d(channels))

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same, not negative."""
        return functional.relu(x + self.second(self.first(x)))


class LiteLevel(nn.Module):
    """One stride of the decoder: backbone features, target encoding and the deeper level become a finer map."""

    def __init__(self, in_channels: int, channels: int, encoding_channels: int, deeper_channels: int) -> None:
        """Build it.

        Args:
            in_channels: Of the backbone's features at this stride.
            channels: Width of this level.
            encoding_channels: D; 0 for the finest level, which does not see the encoding and is not refined further.
            deeper_channels: Width of the level below; 0 for the deepest.
        """
        super().__init__()
        self.lateral = ConvNorm(in_channels, channels, 1)
        self.deeper = nn.Conv2d(deeper_channels, channels, 1, bias=False) if deeper_channels else None
        self.merge = ConvNorm(channels * (2 if deeper_channels else 1) + encoding_channels, channels, 3)
        self.refine = NormResidual(channels) if encoding_channels else nn.Identity()

    def forward(self, reduced: Tensor, encoding: Tensor | None, deeper: Tensor | None) -> Tensor:
        """Refine `deeper`, the level below, by this level's reduced features; None at the deepest."""
        size = (reduced.shape[-2], reduced.shape[-1])
        parts = [reduced]
        if self.deeper is not None:
            parts.append(resize(self.deeper(deeper), size))
        if encoding is not None:
            parts.append(resize(encoding, size))
        return self.refine(self.merge(torch.cat(parts, 1)))  # type: ignore[no-any-return]


class LiteDecoder(nn.Module):
    """Turns mask encodings into logits at image resolution, in fewer and normalised convolutions than LWL's decoder.

    Attributes:
        levels: `strideS` to the level of that stride, deepest first.
        score: The last convolution; its answer is resized to the image.
    """

    def __init__(self, channels: dict[int, int], widths: tuple[int, ...], *, encoding_channels: int) -> None:
        """Build it; see `Decoder`."""
        super().__init__()
        finest = min(channels)
        deeper = (0, *widths[:-1])
        self.levels = nn.ModuleDict(
            {
                f"stride{stride}": LiteLevel(
                    channels[stride], width, 0 if stride == finest else encoding_channels, below
                )
                for stride, width, below in zip(channels, widths, deeper, strict=True)
            }
        )
        self.score = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def forward(
        self, encoding: Tensor, features: Features, size: Size, *, image_of_object: Tensor | None = None
    ) -> Tensor:
        """Decode the encodings of B objects; see `Decoder.forward`."""
        x = None
        for name, module in self.levels.items():
            level = cast(LiteLevel, module)
            reduced = level.lateral(features[int(name.removeprefix("stride"))])
            reduced = reduced if image_of_object is None else reduced[image_of_object]
            x = level(reduced, encoding if isinstance(level.refine, NormResidual) else None, x)
        return resize(self.score(x), size)


class LiteTargetFeatures(nn.Module):
    """What the target model sees: stride 16 through a 3 x 3 convolution, with stride 32 as context."""

    def __init__(self, fine_channels: int, deep_channels: int, out_channels: int, *, filter_size: int) -> None:
        super().__init__()
        self.conv = nn.Conv2d(fine_channels, out_channels, 3, padding=1, bias=False)
        self.context = nn.Conv2d(deep_channels, out_channels, 1, bias=False)
        self._scale = math.sqrt(1 / (out_channels * filter_size**2))
        initialise_by_fan_out(self)

    def forward(self, fine: Tensor, deep: Tensor) -> Tensor:
        """Return B x C x h x w at stride 16, where a patch has an expected squared norm of 1."""
        context = resize(self.context(deep), (fine.shape[-2], fine.shape[-1]))
        return normalise_instances(self.conv(fine) + context, self._scale)


class LiteNetwork(LwlNetwork):
    """LWL with a decoder and target features made for a laptop's processor. Used in every way as `LwlNetwork`."""

    def __init__(self, config: LwlConfig = LITE_NETWORK) -> None:
        """Build a network with fresh parameters."""
        super().__init__(config)
        channels = self.backbone.channels
        self.target_lite = LiteTargetFeatures(
            channels[16], channels[32], config.target_channels, filter_size=config.filter_size
        )
        self.decoder = LiteDecoder(channels, config.decoder_widths, encoding_channels=config.label_channels)  # type: ignore[assignment]
        del self.target_extractor

    def target_features(self, features: Features) -> Tensor:
        """Return what the target model sees of `features`: B x C x h x w."""
        return self.target_lite(features[16], features[32])  # type: ignore[no-any-return]
