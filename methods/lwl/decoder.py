"""The segmentation decoder D: from mask encoding and backbone features to logits (paper section 3.4, after FRTM)."""

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.backbone import Features
from vos_bench.parts.layers import StrideLevel, StrideLevels
from vos_bench.parts.layers import resize as resize

from .crops import Size as Size
from .upsampling import double, double_and_convolve, parity_kernels


class RefinementBlock(nn.Module):
    """A 1 x 1 convolution and a residual branch around it; the only part of the decoder that is normalised."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.mix = nn.Conv2d(channels, channels, 1)
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.norm = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same, not negative."""
        mixed = self.mix(x)
        return functional.relu_(mixed + self.conv2(functional.relu_(self.norm(self.conv1(mixed)))))


class TargetFusion(nn.Module):
    """Brings the target's encoding into reduced backbone features."""

    def __init__(self, channels: int, encoding_channels: int) -> None:
        super().__init__()
        both = channels + encoding_channels
        self.conv1 = nn.Conv2d(both, both, 3, padding=1)
        self.conv2 = nn.Conv2d(both, both, 3, padding=1)
        self.conv3 = nn.Conv2d(both, channels, 3, padding=1)

    def forward(self, reduced: Tensor, encoding: Tensor) -> Tensor:
        """B x C x H x W and the encoding, B x D x h x w -> B x C x H x W."""
        size = (reduced.shape[-2], reduced.shape[-1])
        x = torch.cat([reduced, resize(encoding, size)], dim=1)
        return functional.relu_(self.conv3(functional.relu_(self.conv2(functional.relu_(self.conv1(x))))))


class ChannelAttention(nn.Module):
    """Gates a level's channels by a look at both levels as a whole, and adds the deeper level."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(2 * channels, channels, 1)
        self.conv2 = nn.Conv2d(channels, channels, 1)

    def forward(self, shallow: Tensor, deep: Tensor) -> Tensor:
        """B x C x H x W and B x C x h x w -> B x C x H x W."""
        glance = torch.cat([_average(shallow), _average(deep)], dim=1)
        gate = torch.sigmoid(self.conv2(functional.relu_(self.conv1(glance))))
        return shallow * gate + resize(deep, (shallow.shape[-2], shallow.shape[-1]))


class DecoderLevel(StrideLevel):
    """One stride of the decoder."""

    def __init__(self, in_channels: int, channels: int, encoding_channels: int, deeper_channels: int | None) -> None:
        """Build it from the backbone's channels at this stride, its own, D, and those of the level below, if any."""
        super().__init__()
        self.reduce1 = nn.Conv2d(in_channels, channels, 1)
        self.reduce2 = nn.Conv2d(channels, channels, 1)
        self.lateral = None if deeper_channels is None else nn.Conv2d(deeper_channels, channels, 1)
        self.fusion = TargetFusion(channels, encoding_channels)
        self.refine1 = RefinementBlock(channels)
        self.attention = ChannelAttention(channels)
        self.refine2 = RefinementBlock(channels)

    def reduce(self, features: Tensor) -> Tensor:
        """See `StrideLevel.reduce`."""
        return self.reduce2(functional.relu_(self.reduce1(features)))  # type: ignore[no-any-return]

    def forward(self, reduced: Tensor, encoding: Tensor | None, deeper: Tensor | None) -> Tensor:
        """See `StrideLevel.forward`; every level needs the encoding."""
        assert encoding is not None
        deep = _average(reduced) if self.lateral is None else functional.relu_(self.lateral(deeper))
        x = self.refine1(self.fusion(reduced, encoding))
        return self.refine2(self.attention(x, deep))  # type: ignore[no-any-return]


class DecoderHead(nn.Module):
    """Brings the finest level to image resolution, in two bicubic steps; `kernels` are those of the last, if kept."""

    kernels: Tensor | None

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(channels // 2, 1, 3, padding=1)
        self.register_buffer("kernels", None, persistent=False)

    def keep_kernels(self) -> None:
        """Compute what the last step needs of the parameters once, not each frame; they must not change afterwards."""
        self.kernels = parity_kernels(self.conv2.weight.detach())

    def forward(self, x: Tensor, size: Size) -> Tensor:
        """B x C x h x w -> logits, B x 1 x `size`."""
        x = functional.relu_(self.conv1(double(x)))
        if size == (2 * x.shape[-2], 2 * x.shape[-1]) and not torch.is_grad_enabled():
            return double_and_convolve(x, self.conv2.weight, cast(Tensor, self.conv2.bias), kernels=self.kernels)
        x = functional.interpolate(x, size=size, mode="bicubic", align_corners=False)
        return self.conv2(x)  # type: ignore[no-any-return]


class Decoder(nn.Module):
    """Turns mask encodings into logits at image resolution.

    Attributes:
        levels: `strideS` to the level of that stride, deepest first.
        head: The last steps up to the image.
    """

    def __init__(self, channels: dict[int, int], widths: tuple[int, ...], *, encoding_channels: int) -> None:
        """Build it; `channels` has the backbone's by stride, deepest first, `widths` those of the levels, likewise."""
        super().__init__()
        deeper = (None, *widths[:-1])
        self.levels = StrideLevels(
            {
                stride: DecoderLevel(channels[stride], width, encoding_channels, below)
                for stride, width, below in zip(channels, widths, deeper, strict=True)
            }
        )
        self.head = DecoderHead(widths[-1])

    def forward(
        self, encoding: Tensor, features: Features, size: Size, *, image_of_object: Tensor | None = None
    ) -> Tensor:
        """Decode the encodings of B objects.

        Args:
            encoding: B x D x h x w.
            features: The backbone's, of the images that the objects are seen in.
            size: Height and width of the logits.
            image_of_object: B indices into the images of `features`; None when there is one image an object.

        Returns:
            Logits, B x 1 x `size`.
        """
        return self.head(self.levels.refine(features, encoding, image_of_object), size)  # type: ignore[no-any-return]


def _average(x: Tensor) -> Tensor:
    return functional.adaptive_avg_pool2d(x, 1)
