"""The box encoder B: from a box and the image to a mask encoding (paper section 3.7)."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.layers import resize

from .blocks import ResidualBlock, initialise_by_fan_out
from .crops import Size


class BoxEncoder(nn.Module):
    """Says what the target model would say of the object in a box, so that the decoder can draw its mask."""

    def __init__(self, target_channels: int, channels: tuple[int, int], *, label_channels: int) -> None:
        super().__init__()
        self.block1 = ResidualBlock(target_channels + 1, channels[0])
        self.block2 = ResidualBlock(channels[0], channels[1])
        self.label = nn.Conv2d(channels[1], label_channels, 3, padding=1)
        initialise_by_fan_out(self)

    def forward(self, box_masks: Tensor, target_features: Tensor) -> Tensor:
        """Encode boxes, B x 1 x H x W (see `box_mask`); return B x D x h x w.

        The target features, B x C x h x w, are normalised already (the paper says backbone features).
        """
        size = (target_features.shape[-2], target_features.shape[-1])
        x = torch.cat([target_features, resize(box_masks, size)], dim=1)
        return functional.relu(self.label(self.block2(self.block1(x))))


def box_mask(box: tuple[float, float, float, float], size: Size) -> Tensor:
    """Draw a box (x, y, width, height in pixels) as a mask of `size`, H x W.

    Corner and extent are cut to integers first. A negative corner is not clipped: as in the reference it counts from
    the far side, so that a box which sticks out at the left or the top gives a wrong mask and mostly an empty one.
    """
    x, y, width, height = (int(value) for value in box)
    mask = torch.zeros(size)
    mask[y : y + height, x : x + width] = 1
    return mask
