"""Small pieces that the networks of several methods are made of."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import cast

from torch import Tensor, nn
from torch.nn import functional


class PreActivationBlock(nn.Module):
    """Two 3 x 3 convolutions, each after a ReLU, beside the identity or a 3 x 3 convolution; with bias, no norm."""

    def __init__(self, channels: int, out: int | None = None) -> None:
        super().__init__()
        out = out or channels
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.downsample = nn.Conv2d(channels, out, 3, padding=1) if out != channels else None

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x out x H x W."""
        branch = self.conv2(functional.relu(self.conv1(functional.relu(x))))
        return branch + (x if self.downsample is None else self.downsample(x))  # type: ignore[no-any-return]


class StrideLevel(nn.Module, ABC):
    """One stride of a decoder."""

    @abstractmethod
    def reduce(self, features: Tensor) -> Tensor:
        """Narrow the backbone's features to this level's width; depends on the image alone."""

    @abstractmethod
    def forward(self, reduced: Tensor, encoding: Tensor | None, deeper: Tensor | None) -> Tensor:
        """Refine `deeper`, the level below, by this level's reduced features; None at the deepest."""


class StrideLevels(nn.ModuleDict):
    """The levels of a decoder under the names `strideS`, deepest first."""

    def __init__(self, levels: Mapping[int, StrideLevel]) -> None:
        """Take the levels by their stride."""
        super().__init__({f"stride{stride}": level for stride, level in levels.items()})

    def refine(
        self, features: Mapping[int, Tensor], encoding: Tensor | None, image_of_object: Tensor | None
    ) -> Tensor | None:
        """Go from the deepest level to the finest; see the decoders' `forward`."""
        x = None
        for name, module in self.items():
            level = cast(StrideLevel, module)
            reduced = level.reduce(features[int(name.removeprefix("stride"))])
            x = level(reduced if image_of_object is None else reduced[image_of_object], encoding, x)
        return x


def resize(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring B x C x h x w to `size` (H, W), bilinear, corners not aligned, no antialiasing, also downwards."""
    if x.shape[-2:] == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def upsample(x: Tensor, factor: int) -> Tensor:
    """Enlarge B x C x H x W bilinearly, corners not aligned."""
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
