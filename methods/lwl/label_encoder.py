"""The label encoder E and the weight predictor W, which share a trunk (paper section 3.2)."""

import math
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from .blocks import ResidualBlock, initialise_by_fan_out


class Labels(NamedTuple):
    """What the few-shot learner should learn of some masks.

    Attributes:
        labels: B x D x h x w, E(y); not negative.
        weights: B x D x h x w, W(y); only its square matters.
    """

    labels: Tensor
    weights: Tensor


class LabelEncoder(nn.Module):
    """Encodes masks as D channels at the target stride, and says how much each element counts."""

    def __init__(self, channels: tuple[int, int, int], label_channels: int, *, stride: int, predicts: bool) -> None:
        """Build it with the widths of the stem and the two residual blocks, D, and the encoding's stride: 4, 8 or 16.

        Unless it `predicts` weights, all of them are one.
        """
        super().__init__()
        stem, middle, last = channels
        strides = [2 if stride >= reached else 1 for reached in (8, 16)]
        self.stem = nn.Conv2d(1, stem, 3, stride=2, padding=1)
        self.block1 = ResidualBlock(stem, middle, stride=strides[0])
        self.block2 = ResidualBlock(middle, last, stride=strides[1])
        self.label = nn.Conv2d(last, label_channels, 3, padding=1)
        self.weight = nn.Conv2d(last, label_channels, 3, padding=1) if predicts else None
        initialise_by_fan_out(self)
        if self.weight is not None:
            nn.init.zeros_(self.weight.weight)
            nn.init.ones_(self.weight.bias)  # type: ignore[arg-type]  # the bias is there

    def forward(self, masks: Tensor) -> Labels:
        """Encode masks of 0..1, B x 1 x H x W."""
        # the reference has the ReLU before the maximum; here it has a quarter of the pixels to go over
        x = functional.relu_(functional.max_pool2d(self.stem(masks), kernel_size=3, stride=2, padding=1))
        x = self.block2(self.block1(x))
        labels = functional.relu(self.label(x))
        return Labels(labels, torch.ones_like(labels) if self.weight is None else self.weight(x))


class MaskLabels(nn.Module):
    """The labels of table 1's baseline: the mask itself, averaged to the target stride, all of weight one."""

    def __init__(self, *, stride: int) -> None:
        super().__init__()
        self._stride = stride

    def forward(self, masks: Tensor) -> Labels:
        """Average masks of 0..1, B x 1 x H x W; D is 1."""
        height, width = (math.ceil(n / self._stride) for n in masks.shape[-2:])
        labels = functional.adaptive_avg_pool2d(masks, (height, width))
        return Labels(labels, torch.ones_like(labels))
