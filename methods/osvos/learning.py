"""How OSVOS learns, from a data set or from one frame: the loss, what is done to a frame, and the learning rates."""

import math
from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor
from torch.nn import functional

from vos_bench.config import FrozenModel


class Augmentation(FrozenModel):
    """What is done to a frame at random: mirror it with this probability, turn and scale it within these ranges."""

    flip: float = Field(default=0.5, ge=0, le=1)
    degrees: float = Field(default=30.0, ge=0, le=360)
    scale: tuple[Annotated[float, Field(gt=0, le=100)], Annotated[float, Field(gt=0, le=100)]] = (0.75, 1.25)


class Sample(NamedTuple):
    """Frames, B x 3 x H x W, and their masks, B x 1 x H x W."""

    frames: Tensor
    masks: Tensor


def augmented(
    given: Sample,
    settings: Augmentation,
    generator: torch.Generator,
    *,
    interpolation: Literal["bicubic", "bilinear"] = "bicubic",
) -> Sample:
    """Mirror, turn and scale a frame about its centre, and its mask with it; what lies outside is zero.

    `interpolation` is that of frames, corners not aligned; the authors' is bicubic (a = -0.75). Masks take nearest
    pixels.
    """
    chance = torch.rand(3, generator=generator).tolist()
    mirror = -1.0 if chance[0] < settings.flip else 1.0
    angle = math.radians(settings.degrees) * (2 * chance[1] - 1)
    low, high = settings.scale
    factor = low + (high - low) * chance[2]
    height, width = given.frames.shape[-2:]
    cosine, sine = math.cos(angle) / factor, math.sin(angle) / factor
    matrix = torch.tensor([[[mirror * cosine, sine * height / width, 0], [-mirror * sine * width / height, cosine, 0]]])
    grid = functional.affine_grid(matrix, [1, 1, height, width], align_corners=False).to(given.frames)
    return Sample(
        functional.grid_sample(given.frames, grid, mode=interpolation, align_corners=False),
        functional.grid_sample(given.masks, grid, mode="nearest", align_corners=False),
    )


def balanced_cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the cross-entropy, summed, each class counted by the other one's share of the pixels.

    Xie and Tu, "Holistically-nested edge detection" (ICCV 2015), equation 2; B x 1 x H x W, the mean over B.
    """
    pixels = target[0].numel()
    positive = target.flatten(1).sum(1)[:, None, None, None] / pixels
    weights = torch.where(target > 0.5, 1 - positive, positive)
    return functional.binary_cross_entropy_with_logits(logits, target, weights, reduction="sum") / len(target)
