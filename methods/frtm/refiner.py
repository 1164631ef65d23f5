"""The refinement network of FRTM under the parameter names of the authors' file."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.layers import resize

WIDTH = 64
LEVELS = ("layer5", "layer4", "layer3", "layer2")
"""What the authors call strides 32, 16, 8 and 4."""


class TargetEncoder(nn.Module):
    """Narrows a level's features and joins the coarse score with them."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        both = WIDTH + 1
        self.reduce = nn.Sequential(nn.Conv2d(channels, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1))
        self.transform = nn.Sequential(
            nn.Conv2d(both, both, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(both, both, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(both, WIDTH, 3, padding=1),
            nn.ReLU(),
        )

    def forward(self, reduced: Tensor, score: Tensor) -> Tensor:
        """B x 64 x H x W, what `reduce` gives, and B x 1 x h x w -> B x 64 x H x W."""
        return self.transform(torch.cat([reduced, resize(score, _size(reduced))], dim=1))  # type: ignore[no-any-return]


class ResidualBlock(nn.Module):
    """A 1 x 1 convolution and a normalised branch beside what it gives."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1x1 = nn.Conv2d(WIDTH, WIDTH, 1)
        self.bblock = nn.Sequential(
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1),
            nn.BatchNorm2d(WIDTH),
            nn.ReLU(),
            nn.Conv2d(WIDTH, WIDTH, 3, padding=1, bias=False),
        )

    def forward(self, x: Tensor) -> Tensor:
        """B x 64 x H x W -> the same, not negative."""
        mixed = self.conv1x1(x)
        return functional.relu(mixed + self.bblock(mixed))


class ChannelAttention(nn.Module):
    """Gates a level's channels by the means of both levels, and adds the deeper one."""

    def __init__(self) -> None:
        super().__init__()
        self.convreluconv = nn.Sequential(nn.Conv2d(2 * WIDTH, WIDTH, 1), nn.ReLU(), nn.Conv2d(WIDTH, WIDTH, 1))

    def forward(self, x: Tensor, deeper: Tensor) -> Tensor:
        """B x 64 x H x W and B x 64 x h x w -> B x 64 x H x W."""
        means = torch.cat([functional.adaptive_avg_pool2d(level, 1) for level in (x, deeper)], dim=1)
        return x * torch.sigmoid(self.convreluconv(means)) + resize(deeper, _size(x))


class Projection(nn.Module):
    """Brings the finest level to the image's size: twice enlarged by two, bicubic, between convolutions.

    Attributes:
        bicubic: Enlarge to the image's size at once, bicubic, in the place of the second doubling; see `Script`.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bicubic = False
        self.conv1 = nn.Conv2d(WIDTH, WIDTH // 2, 3, padding=1)
        self.conv2 = nn.Conv2d(WIDTH // 2, 1, 3, padding=1)

    def forward(self, x: Tensor, size: tuple[int, int]) -> Tensor:
        """B x 64 x h x w -> logits, B x 1 x `size`."""
        x = functional.relu(self.conv1(_doubled(x)))
        if self.bicubic:
            x = functional.interpolate(x, size=size, mode="bicubic", align_corners=False)
        else:
            x = resize(_doubled(x), size)
        return self.conv2(x)  # type: ignore[no-any-return]


def _size(x: Tensor) -> tuple[int, int]:
    return x.shape[-2], x.shape[-1]


def _doubled(x: Tensor) -> Tensor:
    return functional.interpolate(x, scale_factor=2, mode="bicubic", align_corners=False)


class Refiner(nn.Module):
    """Makes a sharp mask of a coarse score and the backbone's features (Robinson et al., CVPR 2020, section 3.3)."""

    def __init__(self, channels: dict[str, int]) -> None:
        """Build it for a backbone that gives `channels` at each of `LEVELS`."""
        super().__init__()
        self.TSE = nn.ModuleDict({level: TargetEncoder(channels[level]) for level in LEVELS})
        self.RRB1 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.CAB = nn.ModuleDict({level: ChannelAttention() for level in LEVELS})
        self.RRB2 = nn.ModuleDict({level: ResidualBlock() for level in LEVELS})
        self.project = Projection()

    def reduce(self, features: dict[str, Tensor]) -> dict[str, Tensor]:
        """Narrow a frame's features, which serves all its objects."""
        return {level: self.TSE[level].get_submodule("reduce")(features[level]) for level in LEVELS}

    def forward(self, scores: Tensor, reduced: dict[str, Tensor], size: tuple[int, int]) -> Tensor:
        """Refine B x 1 x h x w scores on one frame, narrowed by `reduce`: logits, B x 1 x `size`."""
        deeper = None
        for level in LEVELS:
            narrow = reduced[level].expand(len(scores), -1, -1, -1)
            x = self.RRB1[level](self.TSE[level](narrow, scores))
            deeper = self.RRB2[level](
                self.CAB[level](x, narrow.mean((2, 3), keepdim=True) if deeper is None else deeper)
            )
        return self.project(deeper, size)  # type: ignore[no-any-return]
