"""The network of SiamMask under the parameter names of the authors' files."""

from collections.abc import Mapping
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet, resnet50

from vos_bench.parts.resnet import ResNetTrunk

from .config import Variant

STAGES = ("layer1", "layer2", "layer3")

TEMPLATE, SEARCH = 127, 255
"""Sides of what the network sees of an object's first frame and of a later one, in pixels."""

GRID, STRIDE = 25, 8
"""Cells on a side of the answers, and pixels of the search crop between two."""

RATIOS = 5
"""Anchors of a cell."""

SIDE: Mapping[Variant, int] = {"sharp": 127, "base": 63}
"""Side of a variant's mask, in its own pixels."""

_WIDTH = 256

_REACH = 7
"""Cells on a side of the search features that one place of the correlation depends on."""

_WINDOWS = (61, 31, 15)
"""Sides of what the refinement sees of the trunk's features, finest first."""


class Trunk(ResNetTrunk):
    """A ResNet-50 without its last stage, which keeps stride 8 to the end, with unpadded steps and 3 x 3 shortcuts."""

    def __init__(self) -> None:
        super().__init__(_changed(resnet50(weights=None, replace_stride_with_dilation=[False, True, False])), STAGES)

    def forward(self, crops: Tensor) -> list[Tensor]:
        """B x 3 x S x S -> 64, 256, 512 and 1024 channels; sides of 125, 63, 31 and 31 where S is 255."""
        stem = self.activate(self.conv1(crops))
        return [stem, *self.stages(stem)]


def _changed(network: ResNet) -> ResNet:
    """Take the padding from steps of two, and let the shortcuts of the last two stages see 3 x 3 cells."""
    network.conv1.padding = (0, 0)
    halving, dilated = network.layer2[0], network.layer3[0]
    halving.conv2.padding = (0, 0)
    halving.downsample[0] = nn.Conv2d(256, 512, 3, stride=2, bias=False)
    dilated.downsample[0] = nn.Conv2d(512, 1024, 3, padding=1, bias=False)
    return network


class Neck(nn.Module):
    """Narrows the deepest features; those of a template lose four cells on each side, which padding has touched."""

    def __init__(self) -> None:
        super().__init__()
        self.downsample = nn.Sequential(nn.Conv2d(1024, _WIDTH, 1, bias=False), nn.BatchNorm2d(_WIDTH))

    def forward(self, deep: Tensor) -> Tensor:
        """B x 1024 x s x s -> B x 256 x s x s, or 7 x 7 of 15 x 15."""
        x: Tensor = self.downsample(deep)
        return x[..., 4:-4, 4:-4] if x.shape[-1] < 20 else x


class Extractor(nn.Module):
    """What both sides of the comparison see of an object and of a frame."""

    def __init__(self) -> None:
        super().__init__()
        self.features, self.downsample = Trunk(), Neck()

    def forward(self, crops: Tensor) -> tuple[list[Tensor], Tensor]:
        """B x 3 x S x S -> the trunk's features, and 256 channels for the heads."""
        levels = self.features(crops)
        return levels, self.downsample(levels[-1])


class CorrelationHead(nn.Module):
    """Compares a template with search features, channel by channel, and reads the answer from what they share."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.conv_kernel, self.conv_search = _normalised(3), _normalised(3)
        self.head = nn.Sequential(*_normalised(1), nn.Conv2d(_WIDTH, outputs, 1))

    def correlate(self, kernels: Tensor, search: Tensor) -> Tensor:
        """B x 256 x 5 x 5 of templates and B x 256 x s x s of search crops -> B x 256 x (s - 6) x (s - 6)."""
        return depthwise_correlation(self.conv_search(search), kernels)


def _normalised(side: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(_WIDTH, _WIDTH, side, bias=False), nn.BatchNorm2d(_WIDTH), nn.ReLU())


def depthwise_correlation(x: Tensor, kernels: Tensor) -> Tensor:
    """Slide each channel of kernels, B x C x k x k, over the same channel of B x C x h x w; without padding."""
    count, channels = x.shape[:2]
    flat = functional.conv2d(x.flatten(0, 1)[None], kernels.flatten(0, 1)[:, None], groups=count * channels)
    return flat.reshape(count, channels, *flat.shape[-2:])


class BoxHeads(nn.Module):
    """Scores and boxes of all anchors."""

    def __init__(self) -> None:
        super().__init__()
        self.cls, self.loc = CorrelationHead(2 * RATIOS), CorrelationHead(4 * RATIOS)


class MaskHead(nn.Module):
    """The mask at a cell, 63 x 63."""

    def __init__(self) -> None:
        super().__init__()
        self.mask = CorrelationHead(SIDE["base"] ** 2)


class Refinement(nn.Module):
    """Draws the sharp mask of one cell, with the trunk's features around it."""

    def __init__(self) -> None:
        super().__init__()
        self.v2, self.v1, self.v0 = _two(512, 128, 32), _two(256, 64, 16), _two(64, 16, 4)
        self.h2, self.h1, self.h0 = _two(32, 32, 32), _two(16, 16, 16), _two(4, 4, 4)
        self.deconv = nn.ConvTranspose2d(_WIDTH, 32, 15, stride=15)
        self.post0, self.post1 = nn.Conv2d(32, 16, 3, padding=1), nn.Conv2d(16, 4, 3, padding=1)
        self.post2 = nn.Conv2d(4, 1, 3, padding=1)

    def forward(self, shared: Tensor, windows: list[Tensor]) -> Tensor:
        """Draw B masks.

        Args:
            shared: What template and search crop share at the cell, B x 256 x 1 x 1.
            windows: Features around it: B x 64 x 61 x 61, B x 256 x 31 x 31, B x 512 x 15 x 15.

        Returns:
            Logits, B x 127 x 127.
        """
        fine, middle, coarse = windows
        x = self.deconv(shared)
        x = self.post0(_enlarged(self.h2(x) + self.v2(coarse), 31))
        x = self.post1(_enlarged(self.h1(x) + self.v1(middle), 61))
        return self.post2(_enlarged(self.h0(x) + self.v0(fine), SIDE["sharp"]))[:, 0]  # type: ignore[no-any-return]


def _two(inside: int, middle: int, outside: int) -> nn.Sequential:
    first, second = nn.Conv2d(inside, middle, 3, padding=1), nn.Conv2d(middle, outside, 3, padding=1)
    return nn.Sequential(first, nn.ReLU(), second, nn.ReLU())


def _enlarged(x: Tensor, side: int) -> Tensor:
    return functional.interpolate(x, size=(side, side), mode="nearest")


class Cell(NamedTuple):
    """A place of the answers' grid."""

    row: int
    column: int


class Template(NamedTuple):
    """What the heads keep of objects' first frames, B x 256 x 5 x 5 each."""

    cls: Tensor
    loc: Tensor
    mask: Tensor


class Search(NamedTuple):
    """Search crops as the network sees them.

    Attributes:
        levels: The trunk's features, finest first.
        narrow: The neck's, B x 256 x 31 x 31.
        scores: Logits of background and target, B x 10 x 25 x 25: class times 5 plus anchor.
        deltas: B x 20 x 25 x 25: dx, dy, dw, dh times 5 plus anchor.
    """

    levels: list[Tensor]
    narrow: Tensor
    scores: Tensor
    deltas: Tensor


class SiamMaskNetwork(nn.Module):
    """SiamMask (Wang et al., CVPR 2019): 21.5 M parameters with the refinement."""

    def __init__(self, variant: Variant = "sharp") -> None:
        super().__init__()
        self.variant = variant
        self.features, self.rpn_model, self.mask_model = Extractor(), BoxHeads(), MaskHead()
        self.refine_model = Refinement() if variant == "sharp" else None

    def remember(self, crops: Tensor) -> Template:
        """B x 3 x 127 x 127, blue, green, red of 0..255 -> what the heads keep of the objects."""
        _, narrow = self.features(crops)
        heads = self.rpn_model.cls, self.rpn_model.loc, self.mask_model.mask
        return Template(*(head.conv_kernel(narrow) for head in heads))

    def search(self, crops: Tensor, template: Template) -> Search:
        """Score all boxes of B x 3 x 255 x 255, each crop for its own template."""
        levels, narrow = self.features(crops)
        cls, loc = self.rpn_model.cls, self.rpn_model.loc
        scores = cls.head(cls.correlate(template.cls, narrow))
        return Search(levels, narrow, scores, loc.head(loc.correlate(template.loc, narrow)))

    def masks(self, search: Search, template: Template, cells: list[Cell]) -> Tensor:
        """Draw the mask at one cell of each crop: logits, B x 127 x 127, or 63 x 63 of the base variant."""
        head = self.mask_model.mask
        shared = head.correlate(template.mask, torch.stack([*map(_near, search.narrow, cells)]))
        if self.refine_model is None:
            return head.head(shared).reshape(len(cells), SIDE["base"], SIDE["base"])  # type: ignore[no-any-return]
        return self.refine_model(shared, windows(search.levels, cells))  # type: ignore[no-any-return]


def _near(narrow: Tensor, cell: Cell) -> Tensor:
    return narrow[:, cell.row : cell.row + _REACH, cell.column : cell.column + _REACH]


def windows(levels: list[Tensor], cells: list[Cell], *, padded: bool = True) -> list[Tensor]:
    """Cut what lies around a cell of each crop from the trunk's three finest features.

    Where the grid is larger than the crop's places for a template, they are `padded` by zeros.
    """
    cut = []
    for features, step, side in zip(levels, (4, 2, 1), _WINDOWS, strict=False):
        wide = functional.pad(features, (4 * step,) * 4) if padded else features
        corners = [(step * cell.row, step * cell.column) for cell in cells]
        parts = [x[:, y : y + side, z : z + side] for x, (y, z) in zip(wide, corners, strict=True)]
        cut.append(torch.stack(parts))
    return cut
