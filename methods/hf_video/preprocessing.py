"""Frames and prompts as the authors' loaders prepare them, not as transformers' processors do."""

import functools

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image as PillowImage
from torch import Tensor
from torch.nn.functional import interpolate

from vos_bench.api import Box, Image, Mask

from .families import Family

_FILTERS = {"bilinear": PillowImage.Resampling.BILINEAR, "bicubic": PillowImage.Resampling.BICUBIC}


def preprocess(image: Image, side: int, family: Family) -> Tensor:
    """Return a frame as the network takes it: 3 x side x side float32, the aspect ratio given up.

    transformers resizes by a filter of its own; the authors use Pillow's on bytes.
    """
    small = PillowImage.fromarray(image).resize((side, side), _FILTERS[family.filter])
    planes = np.ascontiguousarray(np.array(small).transpose(2, 0, 1))
    values = _normalised(family)
    return torch.from_numpy(np.stack([value[plane] for value, plane in zip(values, planes, strict=True)]))


@functools.cache
def _normalised(family: Family) -> NDArray[np.float32]:
    """Return what the authors' arithmetic makes of each byte in each channel, 3 x 256."""
    stored = getattr(torch, family.stored)
    values = torch.from_numpy(np.arange(256) / 255.0).to(torch.float32).to(stored).repeat(3, 1)
    mean, deviation = (torch.tensor(each, dtype=stored)[:, None] for each in (family.mean, family.deviation))
    table: NDArray[np.float32] = values.sub_(mean).div_(deviation).float().numpy()
    return table


def resize_mask(mask: Mask, side: int) -> Tensor:
    """Return a mask as the network takes it: 1 x 1 x side x side of 0 and 1."""
    plane = torch.from_numpy(mask.astype(np.float32))[None, None]
    if mask.shape == (side, side):
        return plane
    shares = interpolate(plane, (side, side), mode="bilinear", align_corners=False, antialias=True)
    return (shares >= 0.5).float()


def box_corners(box: Box, size: tuple[int, int], side: int) -> Tensor:
    """Return a box's two corners in the network's pixels, 1 x 1 x 2 x 2, each x and y.

    Args:
        box: In the frame's pixels.
        size: The frame's height and width.
        side: The network's.
    """
    corners = torch.tensor(box, dtype=torch.float32).view(1, 1, 2, 2)
    return corners / torch.tensor([size[1], size[0]]) * side
