"""The network of RANet under the parameter names of the authors' file."""

from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet101

from vos_bench.parts.layers import upsample
from vos_bench.parts.resnet import ResNetTrunk

STAGES = ("layer1", "layer2", "layer3", "layer4")
HEIGHT, WIDTH = 480, 864
"""What every frame is brought to; the number of channels of the ranking depends on it."""

GRID = (15, 27)
"""Cells of a template, stride 32."""

KEPT = 256
"""Correlation maps that are kept of those of all cells."""

_CELLS = GRID[0] * GRID[1]
_LEARNED = 0.2
"""How much the learned score counts beside the largest correlation."""


class Features(NamedTuple):
    """What the trunk says of frames: the stem at stride 2 with 64 channels, then strides 4, 8, 16 and 32."""

    stride2: Tensor
    stride4: Tensor
    stride8: Tensor
    stride16: Tensor
    stride32: Tensor


class Trunk(ResNetTrunk):
    """ResNet-101 with instance normalisation, which always takes the statistics of the map at hand."""

    def __init__(self) -> None:
        super().__init__(resnet101(norm_layer=partial(nn.InstanceNorm2d, affine=True)), STAGES)

    def forward(self, frames: Tensor) -> Features:
        """B x 3 x 480 x 864, scaled by ImageNet's mean and deviation -> features."""
        stem = self.activate(self.conv1(frames))
        return Features(stem, *self.stages(stem))


class Enlarge(nn.Module):
    """Enlarges bilinearly so that corners meet."""

    def __init__(self, factor: int) -> None:
        super().__init__()
        self._factor = factor

    def forward(self, x: Tensor) -> Tensor:
        """B x C x h x w -> B x C x factor h x factor w."""
        return functional.interpolate(x, scale_factor=self._factor, mode="bilinear", align_corners=True)


def unit(channels: int, out: int, kernel: int = 3, *, enlarged: int = 1) -> nn.Sequential:
    """Return a convolution after normalisation and ReLU, whose answer may be enlarged."""
    layers = [nn.InstanceNorm2d(channels), nn.ReLU(), nn.Conv2d(channels, out, kernel, padding=kernel // 2)]
    return nn.Sequential(*layers, *([Enlarge(enlarged)] if enlarged > 1 else []))


class Residual(nn.Module):
    """Three convolutions, each normalised, beside the identity."""

    def __init__(self, channels: int, narrow: int, *, dilation: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, narrow, 1, bias=False)
        self.conv2 = nn.Conv2d(narrow, narrow, 3, padding=dilation, dilation=dilation, bias=False)
        self.conv3 = nn.Conv2d(narrow, channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x h x w -> the same."""
        branch = functional.relu(functional.instance_norm(self.conv1(x)))
        branch = functional.relu(functional.instance_norm(self.conv2(branch)))
        return functional.relu(functional.instance_norm(self.conv3(branch)) + x)


class MultiScale(nn.Module):
    """The sum of three convolutions with dilations 1, 3 and 6."""

    def __init__(self, channels: int, out: int) -> None:
        super().__init__()
        self.l1, self.l2, self.l3 = (
            nn.Conv2d(channels, out, 3, padding=dilation, dilation=dilation, bias=False) for dilation in (1, 3, 6)
        )

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x h x w -> B x out x h x w."""
        return self.l1(x) + self.l2(x) + self.l3(x)  # type: ignore[no-any-return]


class RanetNetwork(nn.Module):
    """Ranking attention network (Wang et al., ICCV 2019): 64,521,236 parameters.

    `p_1b`, `res_1b`, `p_2b` and `rank_A` are in the authors' file and unused.
    """

    def __init__(self) -> None:
        super().__init__()
        self.base_model = Trunk()
        self.L3, self.L4, self.L5, self.L_g = unit(512, 128), unit(1024, 256), unit(2048, 512), unit(896, 512)
        self.p_1, self.res_1, self.p_2 = unit(256, 256), Residual(256, 128), unit(256, 128)
        self.p_1b, self.res_1b, self.p_2b = unit(256, 256), Residual(256, 128), unit(256, 128)
        self.rank_A = nn.Sequential(nn.Conv1d(2, 8, 1), nn.PReLU(), nn.Conv1d(8, 1, 1))
        self.Ranking = nn.Sequential(unit(_CELLS, 128), Residual(128, 32, dilation=2), unit(128, 1))
        self.ls13, self.ls14, self.ls15 = unit(512, 32, 1), unit(1024, 16, 1, enlarged=2), unit(2048, 16, 1, enlarged=4)
        self.ls22, self.ls23, self.ls24 = unit(256, 32, 1), unit(512, 16, 1, enlarged=2), unit(1024, 16, 1, enlarged=4)
        self.ls31, self.ls32, self.ls33 = unit(64, 32, 1), unit(256, 16, 1, enlarged=2), unit(512, 16, 1, enlarged=4)
        self.R1 = nn.Sequential(unit(321, 256), unit(256, 256), MultiScale(256, 128), Residual(128, 64), Enlarge(2))
        self.R2 = nn.Sequential(unit(192, 128), unit(128, 64), MultiScale(64, 32), Residual(32, 16), Enlarge(2))
        last = nn.Conv2d(16, 1, 3, padding=1)
        self.R3 = nn.Sequential(unit(96, 64), unit(64, 32), MultiScale(32, 16), Enlarge(2), Residual(16, 8), last)

    def embed(self, features: Features) -> Tensor:
        """Return what is compared: B x 512 x 30 x 54, each place of length one."""
        parts = (
            functional.max_pool2d(self.L3(features.stride8), 2),
            self.L4(features.stride16),
            upsample(self.L5(features.stride32), 2),
        )
        return functional.normalize(self.L_g(torch.cat([functional.normalize(part) for part in parts], dim=1)))

    def template(self, features: Features) -> Tensor:
        """Return what is kept of template frames: B x 512 x 15 x 27."""
        return functional.avg_pool2d(self.embed(features), 2)

    def skips(self, features: Features) -> tuple[Tensor, Tensor, Tensor]:
        """Return what the decoder takes from frames at strides 8, 4 and 2, whatever the objects."""
        fine, middle, coarse = features.stride2, features.stride4, features.stride8
        deep, deepest = features.stride16, features.stride32
        return (
            torch.cat([self.ls13(coarse), self.ls14(deep), self.ls15(deepest)], dim=1),
            torch.cat([self.ls22(middle), self.ls23(coarse), self.ls24(deep)], dim=1),
            torch.cat([self.ls31(fine), self.ls32(middle), self.ls33(coarse)], dim=1),
        )

    def values_apart(self, correlations: Tensor, shares: Tensor) -> Tensor:
        """Return what maps are ranked by where each side has a learned score of its own (the mode `single`).

        Args:
            correlations: Of a template's cells with the frame, 405 x 30 x 54.
            shares: Share of each side in each template cell, N x 405; a map is weighed by it.

        Returns:
            N x 405: the largest weighted correlation plus the learned score.
        """
        sides = [correlations * share[:, None, None] for share in shares]
        learned = torch.stack([self._learned_score(side) for side in sides]) * (shares != 0) * _LEARNED
        return torch.stack([side.amax(dim=(1, 2)) for side in sides]) + learned

    def values_together(self, correlations: Tensor, shares: Tensor) -> Tensor:
        """Return what maps are ranked by where one learned score serves all sides (the mode `multi`).

        As `values_apart`, but that a share weighs the score too.
        """
        learned = self._learned_score(correlations) * _LEARNED
        return correlations.amax(dim=(1, 2)) * shares + learned * shares

    def _learned_score(self, correlations: Tensor) -> Tensor:
        """Return a score of each template cell, 405; its cells are places here, those of the frame channels."""
        frame_cells = functional.max_pool2d(correlations[None], 2).flatten(2)
        scores: Tensor = self.Ranking(frame_cells.transpose(1, 2).reshape(1, _CELLS, *GRID))
        return scores.relu().flatten()

    def decode(self, kept: Tensor, previous: Tensor, skips: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        """Draw masks of K objects.

        Args:
            kept: The correlation maps of objects, then of their backgrounds, 2 x K x 256 x 30 x 54.
            previous: Masks of the frame before, K x 1 x 480 x 864.
            skips: Of the frame.

        Returns:
            Logits, K x 1 x 480 x 864.
        """
        sides = [self.p_2(self.res_1(self.p_1(upsample(side, 2)))) for side in kept]
        stride8, stride4, stride2 = (skip.expand(len(previous), -1, -1, -1) for skip in skips)
        x = self.R1(torch.cat([stride8, *sides, functional.avg_pool2d(previous, 8)], dim=1))
        x = self.R2(torch.cat([stride4, x], dim=1))
        return self.R3(torch.cat([stride2, x], dim=1))  # type: ignore[no-any-return]


def correlate(embedded: Tensor, template: Tensor) -> Tensor:
    """Compare each cell of a template, 512 x 15 x 27, with each place of a frame, 512 x 30 x 54: 405 x 30 x 54."""
    maps = template.flatten(1).T @ embedded.flatten(1)
    return maps.reshape(-1, *embedded.shape[1:])


def cell_shares(masks: Tensor) -> Tensor:
    """Return how much of each template cell is in a mask: N x 480 x 864 -> N x 405."""
    return functional.avg_pool2d(masks[:, None], HEIGHT // GRID[0]).flatten(1)


def rank_maps(values: Tensor) -> Tensor:
    """Return which maps are kept of each object and of what is not it, best first.

    Any order is right among maps of equal value that a share of zero has emptied.

    Args:
        values: What maps are ranked by, (1 + K) x 405, those of the background first.

    Returns:
        2 x K x 256 positions in the flattened `values`.
    """
    own, others = [], []
    for row in range(1, len(values)):
        rest = values.clone()
        rest[row] = -torch.inf
        own.append(values[row].topk(KEPT).indices + row * _CELLS)
        others.append(rest.flatten().topk(KEPT).indices)
    return torch.stack([torch.stack(own), torch.stack(others)])


def kept_maps(correlations: Tensor, shares: Tensor, order: Tensor) -> Tensor:
    """Return weighted correlation maps, each 30 x 54, at the positions that `rank_maps` gives."""
    return correlations[order % _CELLS] * shares.flatten()[order][..., None, None]
