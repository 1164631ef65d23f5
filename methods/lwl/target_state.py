"""Where a target is and how large, and the region in which it is searched for next."""

from dataclasses import dataclass
from typing import NamedTuple, Self

import numpy as np
import torch
from torch import Tensor

from .crops import Pair, Size, pair


class Moments(NamedTuple):
    """What a soft mask says of its object.

    Attributes:
        mass: Sum of the mask, in pixels.
        centre: Centre of mass, in pixel indices; not finite for an empty mask.
        deviation: Standard deviation of each axis about it.
    """

    mass: float
    centre: Pair
    deviation: Pair


def moments(masks: Tensor) -> list[Moments]:
    """Compute the mass, centre and spread of soft masks, K x H x W in 0..1.

    The mass of each mask is summed on its own: a joint sum would round otherwise, and a crop's whole pixels hang on the
    last bit. All else is computed together, and brought to the host at once.
    """
    if not len(masks):
        return []
    mass = torch.stack([mask.sum() for mask in masks])
    centres, deviations = [], []
    for profiles in (masks.sum(dim=2), masks.sum(dim=1)):
        positions = torch.arange(profiles.shape[1], dtype=masks.dtype, device=masks.device)
        centre = (profiles * positions).sum(dim=1) / mass
        centres.append(centre)
        deviations.append(((profiles * (positions - centre[:, None]).square()).sum(dim=1) / mass).sqrt())
    numbers = torch.stack([mass, *centres, *deviations], dim=1).cpu().numpy().astype(np.float32)
    return [Moments(float(row[0]), row[1:3], row[3:5]) for row in numbers]


@dataclass(frozen=True)
class TargetState:
    """A target's place and size.

    The shape of the first box is kept for ever; only the area follows the target.

    Attributes:
        position: Its centre, y and x.
        size: Height and width.
        scale: Image pixels for each pixel of a crop around it.
        base_size: `size` at scale 1.
    """

    position: Pair
    size: Pair
    scale: np.float32
    base_size: Pair

    @classmethod
    def from_box(cls, box: tuple[float, float, float, float], *, crop_size: Size, search_area_scale: float) -> Self:
        """Start from a box.

        Args:
            box: x, y, width, height, where the width is xmax - xmin of the pixels inside.
            crop_size: Height and width of the network's input.
            search_area_scale: How many times the target's size a crop covers along an axis.
        """
        x, y, width, height = box
        size = pair(height, width)
        root_area = np.sqrt(np.prod(size * np.float32(search_area_scale)))
        # torch, in which the reference computes this, divides a number by a tensor as number * (1 / tensor): the last
        # bit depends on it, and with it a whole pixel of crops that the image's border limits
        scale = np.float32(np.float32(1) / np.sqrt(np.prod(pair(*crop_size))) * root_area)
        return cls(pair(y + (height - 1) / 2, x + (width - 1) / 2), size, scale, size / scale)

    def follow(
        self, seen: Moments, *, smallest_mass: float, size_factor: float, scale_change: tuple[float, float]
    ) -> "TargetState":
        """Return the state after a mask was seen.

        Args:
            seen: Of the merged soft mask.
            smallest_mass: A mask of less than that many pixels moves nothing.
            size_factor: The target's size in standard deviations of the mask.
            scale_change: The scale changes at most by these factors.
        """
        position, size = self.position, self.size
        if seen.mass > 0 and seen.mass >= smallest_mass:
            position, size = seen.centre, seen.deviation * np.float32(size_factor)
        scale = np.sqrt(np.prod(size) / np.prod(self.base_size))
        least, most = (self.scale * np.float32(factor) for factor in scale_change)
        scale = np.float32(min(max(scale, least), most))
        return TargetState(position, self.base_size * scale, scale, self.base_size)

    def search_centre(self, *, crop_size: Size, feature_size: Size, filter_size: int) -> Pair:
        """Return where to cut the next frame: half a feature cell off where features and kernel differ in parity."""
        centre = self.position.copy()
        for axis, (extent, cells) in enumerate(zip(crop_size, feature_size, strict=True)):
            if (cells + filter_size) % 2:
                centre[axis] += self.scale * np.float32(extent) / np.float32(2 * cells)
        return centre

    def search_size(self, crop_size: Size) -> Pair:
        """Return the size of the next frame's crop, in image pixels."""
        return self.scale * pair(*crop_size)
