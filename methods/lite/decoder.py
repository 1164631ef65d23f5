"""The decoder of the small networks: few and narrow convolutions, normalised so that they learn quickly."""

from collections.abc import Callable
from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.backbone import Backbone, Features
from vos_bench.parts.backbone_config import LiteNetworkConfig
from vos_bench.parts.fused_convolutions import FusedConvolution, fuse_activations
from vos_bench.parts.fusion import fuse_normalisation
from vos_bench.parts.layers import StrideLevel, StrideLevels, resize


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


class LiteLevel(StrideLevel):
    """One stride of the decoder: backbone features, target encoding and the deeper level become a finer map."""

    def __init__(
        self, in_channels: int, channels: int, encoding_channels: int, deeper_channels: int, *, refined: bool
    ) -> None:
        """Build it from channels of the backbone at this stride, its own width, D, and the width of the level below.

        D is 0 for a level that does not see the encoding, `deeper_channels` for the deepest; `refined` adds a residual
        block.
        """
        super().__init__()
        self.lateral = ConvNorm(in_channels, channels, 1)
        self.deeper = nn.Conv2d(deeper_channels, channels, 1, bias=False) if deeper_channels else None
        self.merge = ConvNorm(channels * (2 if deeper_channels else 1) + encoding_channels, channels, 3)
        self.refine = NormResidual(channels) if refined else nn.Identity()
        self.sees_encoding = encoding_channels > 0

    def reduce(self, features: Tensor) -> Tensor:
        """See `StrideLevel.reduce`."""
        return self.lateral(features)  # type: ignore[no-any-return]

    def forward(self, reduced: Tensor, encoding: Tensor | None, deeper: Tensor | None) -> Tensor:
        """See `StrideLevel.forward`."""
        size = (reduced.shape[-2], reduced.shape[-1])
        parts = [reduced]
        if self.deeper is not None:
            parts.append(resize(self.deeper(deeper), size))
        if encoding is not None and self.sees_encoding:
            parts.append(resize(encoding, size))
        return self.refine(self.merge(torch.cat(parts, 1)))  # type: ignore[no-any-return]


class SplitLevel(StrideLevel):
    """A level made for speed on the CPU, of one whose normalisation is folded away; it computes the same to rounding.

    Its merging convolution takes its inputs one by one and adds up: nothing is concatenated, and what depends on the
    image alone is convolved once for all objects.
    """

    def __init__(self, level: LiteLevel) -> None:
        super().__init__()
        merge, lateral = level.merge.get_submodule("0"), level.lateral.get_submodule("0")
        assert isinstance(merge, nn.Conv2d)
        assert isinstance(lateral, nn.Conv2d)
        self.lateral = fuse_activations(level.lateral)
        self.deeper = None if level.deeper is None else FusedConvolution(level.deeper)
        inputs = [lateral.out_channels] * (1 if self.deeper is None else 2)
        encoding = merge.in_channels - sum(inputs)
        sizes = [*inputs, *([encoding] if encoding else [])]
        kernels = list(torch.split(merge.weight.detach(), sizes, dim=1))
        last = None if len(kernels) > 1 else nn.ReLU()
        self.merge_reduced = FusedConvolution(_part_of(kernels[0], merge.bias), last)
        self.merge_others = nn.ModuleList(
            FusedConvolution(_part_of(kernel, None), nn.ReLU() if kernel is kernels[-1] else None)
            for kernel in kernels[1:]
        )
        self.sees_encoding = level.sees_encoding
        self.first: nn.Module = nn.Identity()
        self.second: FusedConvolution | None = None
        if isinstance(level.refine, NormResidual):
            self.first = fuse_activations(level.refine.first)
            self.second = FusedConvolution(level.refine.second.get_submodule("0"), nn.ReLU())

    def reduce(self, features: Tensor) -> Tensor:
        """See `StrideLevel.reduce`; here with this input's part of the merging convolution."""
        return self.merge_reduced(self.lateral(features))  # type: ignore[no-any-return]

    def forward(self, reduced: Tensor, encoding: Tensor | None, deeper: Tensor | None) -> Tensor:
        """See `StrideLevel.forward`; writes over `reduced`."""
        size, others = (reduced.shape[-2], reduced.shape[-1]), []
        if self.deeper is not None:
            others.append(resize(self.deeper(deeper), size))
        if encoding is not None and self.sees_encoding:
            others.append(resize(encoding, size))
        x = reduced.contiguous(memory_format=torch.channels_last)
        for convolution, other in zip(self.merge_others, others, strict=True):
            x = cast(FusedConvolution, convolution).add_to(x, other)
        return x if self.second is None else self.second.add_to(x, self.first(x))


def _part_of(kernel: Tensor, bias: Tensor | None) -> nn.Conv2d:
    """Return a convolution of some of the input's channels alone."""
    side = kernel.shape[-1]
    part = nn.Conv2d(kernel.shape[1], kernel.shape[0], side, padding=side // 2)
    part.weight, part.bias = nn.Parameter(kernel.contiguous(memory_format=torch.channels_last)), bias
    return part


class LiteDecoder(nn.Module):
    """Turns encodings into logits at image resolution in few and normalised convolutions.

    The finest level sees the backbone's features alone.

    Attributes:
        levels: `strideS` to the level of that stride, deepest first.
        score: The last convolution; its answer is resized to the image.
    """

    def __init__(self, channels: dict[int, int], widths: tuple[int, ...], *, encoding_channels: int) -> None:
        """Build it; `channels` has the backbone's by stride, deepest first, `widths` those of the levels, likewise.

        `encoding_channels` is D, of what is decoded; 0 for a decoder of features alone.
        """
        super().__init__()
        finest = min(channels)
        deeper = (0, *widths[:-1])
        self.levels = StrideLevels(
            {
                stride: LiteLevel(
                    channels[stride],
                    width,
                    0 if stride == finest else encoding_channels,
                    below,
                    refined=stride != finest,
                )
                for stride, width, below in zip(channels, widths, deeper, strict=True)
            }
        )
        self.score: nn.Module = nn.Conv2d(widths[-1], 1, 3, padding=1)

    def split_levels(self) -> None:
        """Make it quick on the CPU, once its normalisation is folded away and where `can_fuse`; see `SplitLevel`."""
        for name, level in self.levels.items():
            assert isinstance(level, LiteLevel)
            self.levels[name] = SplitLevel(level)
        self.score = FusedConvolution(self.score)

    def forward(
        self,
        encoding: Tensor | None,
        features: Features,
        size: tuple[int, int],
        *,
        image_of_object: Tensor | None = None,
    ) -> Tensor:
        """Decode the encodings of B objects, or each image without any.

        Args:
            encoding: B x D x h x w; None where D is 0.
            features: The backbone's, of the images that the objects are seen in.
            size: Height and width of the logits.
            image_of_object: B indices into the images of `features`; None when there is one image an object.

        Returns:
            Logits, B x 1 x `size`.
        """
        return resize(self.score(self.levels.refine(features, encoding, image_of_object)), size)


def folded_backbone(config: LiteNetworkConfig, fill_backbone: Callable[[nn.Module], None] | None = None) -> Backbone:
    """Return a fixed backbone with its batch normalisation folded away, for a decoder at some strides.

    `fill_backbone` fills timm's network before it is folded; None leaves its parameters random.
    """
    backbone = Backbone(config.backbone, strides=config.decoder_strides).eval()
    if fill_backbone is not None:
        fill_backbone(backbone.network)
    return fuse_normalisation(backbone).requires_grad_(False).to(memory_format=torch.channels_last)
