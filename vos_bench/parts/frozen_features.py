"""Features of a frozen network, laid side by side on one grid: what methods without training stand on."""

import math
from collections.abc import Sequence as Ordered
from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.api import Image, Parameters
from vos_bench.errors import BadInputError
from vos_bench.parts.backbone import Backbone
from vos_bench.parts.backbone_config import BackboneConfig, InputScaling
from vos_bench.parts.checkpoints import fill, read_tensors

SHIPPED_BACKBONE = "tf_efficientnet_lite0"
"""The network whose ImageNet parameters ship, inside the weights of a method that keeps them."""

_SHIPPED_PREFIX = "backbone.network."


class FrozenFeatures:
    """Gives an image's features at several strides of a timm network, brought to the grid of the finest of them.

    Attributes:
        channels: How many channels each stride contributes, in the order of `strides`.
        stride: Pixels of the working image to a cell of the grid.
    """

    def __init__(self, backbone: str, *, weights: Parameters | None, strides: Ordered[int], device: str) -> None:
        """Build the network and fill it from timm's own file, or from the weights that ship for `SHIPPED_BACKBONE`.

        Raises:
            BadInputError: There is no such network, it has no features at one of the strides, or the parameters are
                absent or those of another network.
        """
        self._strides = tuple(sorted(strides))
        config = BackboneConfig(name=backbone, layout="timm", scaling=_scaling(backbone))
        self._backbone = Backbone(config, strides=self._strides)
        self.channels: tuple[int, ...] = tuple(self._backbone.channels.values())
        self.stride: int = self._strides[0]
        _fill(self._backbone.network, weights, backbone=backbone)
        self._device = torch.device(device)
        self._backbone.requires_grad_(False).eval().to(self._device).to(memory_format=torch.channels_last)

    @torch.no_grad()
    def __call__(self, image: Image) -> Tensor:
        """Return C x h x w features of an H x W x 3 image.

        The image is padded by repeating its border until the network's coarsest stride divides it; cells that see
        only padding are cut off again, so that h = ceil(H / stride).
        """
        height, width = image.shape[:2]
        pixels = torch.from_numpy(image).to(self._device).permute(2, 0, 1)[None].float()
        padding = (0, -width % self._backbone.coarsest, 0, -height % self._backbone.coarsest)
        scaled = self._backbone.scale(functional.pad(pixels, padding, mode="replicate"))
        levels = self._backbone(scaled.contiguous(memory_format=torch.channels_last))
        grid = math.ceil(height / self.stride), math.ceil(width / self.stride)
        size = scaled.shape[2] // self.stride, scaled.shape[3] // self.stride
        kept = [self._level(levels[stride], size, grid) for stride in self._strides]
        return torch.cat(kept)

    def _level(self, features: Tensor, size: tuple[int, int], grid: tuple[int, int]) -> Tensor:
        wide = features.float()
        if wide.shape[2:] != size:
            wide = functional.interpolate(wide, size=size, mode="bilinear", align_corners=False)
        return wide[0, :, : grid[0], : grid[1]].contiguous()


def _scaling(name: str) -> InputScaling | None:
    """Return how timm scales the network's images, from 0..1 to 0..255; None for a network that it does not know."""
    known: Any = timm.get_pretrained_cfg(name)
    return InputScaling(mean=_of_255(known.mean), deviation=_of_255(known.std)) if known else None


def _of_255(shares: Ordered[float]) -> tuple[float, float, float]:
    red, green, blue = (torch.tensor(shares) * 255).tolist()  # multiplied as float32, in which images are scaled
    return red, green, blue


def _fill(network: nn.Module, weights: Parameters | None, *, backbone: str) -> None:
    """Copy parameters into the network; heads that it does not have are left out."""
    if not isinstance(weights, Path):
        raise BadInputError(f"backbone {backbone}: no weights; give --weights FILE, its parameters as timm has them")
    given = read_tensors(weights)
    shipped = {name.removeprefix(_SHIPPED_PREFIX): x for name, x in given.items() if name.startswith(_SHIPPED_PREFIX)}
    if shipped and backbone != SHIPPED_BACKBONE:
        raise BadInputError(
            f"{weights}: holds the parameters of {SHIPPED_BACKBONE}, and the backbone is {backbone}\n"
            f"  give --weights FILE with those of {backbone}\n"
            f"  such as model.safetensors of huggingface.co/timm/{backbone}"
        )
    names = {_plain(name): name for name in network.state_dict()}
    fitting = {names[_plain(name)]: x for name, x in (shipped or given).items() if _plain(name) in names}
    fill(network, fitting, source=str(weights))


def _plain(name: str) -> str:
    """Return a name without what timm changes in it when it takes a network apart for its features."""
    return name.removeprefix("model.").replace(".", "_")
