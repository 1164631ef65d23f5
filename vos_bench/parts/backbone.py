"""Image feature extractors: any timm network, with Caffe's ResNet layout for those that need it."""

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import Any

import timm
import torch
from torch import Tensor, nn

from vos_bench.errors import BadInputError
from vos_bench.parts.backbone_config import BackboneConfig

Features = dict[int, Tensor]
"""Stride to features, B x C x H/stride x W/stride."""


class Backbone(nn.Module):
    """Gives an image's features at several strides.

    Attributes:
        network: timm's feature extractor; its parameters have timm's names, which for ResNet-50 are the reference's.
        channels: Stride to the number of channels of the features there.
        coarsest: The network's largest stride, whether or not its features are given.
    """

    channels: dict[int, int]
    coarsest: int

    def __init__(self, config: BackboneConfig, *, strides: tuple[int, ...], pretrained: bool = False) -> None:
        """Build the network for some strides; `pretrained` fetches timm's weights for it.

        Raises:
            BadInputError: timm has no such network, or it has no features at one of `strides`.
        """
        super().__init__()
        self.network = _timm_network(config.name, pretrained=pretrained)
        info: Any = self.network.feature_info
        self._order: tuple[int, ...] = tuple(info.reduction())
        found = dict(zip(self._order, info.channels(), strict=True))
        if missing := sorted(set(strides) - set(found)):
            raise BadInputError(f"backbone {config.name}: no features at stride {missing}; it has {sorted(found)}")
        self.channels = {stride: found[stride] for stride in strides}
        self.coarsest = max(self._order)
        output_format: Any = getattr(self.network, "output_fmt", None)
        self._channels_last = output_format is not None and output_format.name == "NHWC"
        if config.resolved_layout == "caffe":
            _move_strides_forward(self.network, config.name)
        scaling = config.resolved_scaling
        self._flip = scaling.channel_order == "bgr"
        alike = len(set(scaling.mean)) == len(set(scaling.deviation)) == 1
        self._of_all_channels = (scaling.mean[0], scaling.deviation[0]) if alike else None
        self.register_buffer("_mean", torch.tensor(scaling.mean).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("_deviation", torch.tensor(scaling.deviation).view(1, 3, 1, 1), persistent=False)

    def scale(self, images: Tensor) -> Tensor:
        """Turn RGB images of 0..255, B x 3 x H x W float, into what `forward` takes."""
        ordered = images.flip(1) if self._flip else images
        if self._of_all_channels is not None:  # quicker than channel by channel
            mean, deviation = self._of_all_channels
            return (ordered - mean) / deviation
        return (ordered - self.get_buffer("_mean")) / self.get_buffer("_deviation")

    def forward(self, images: Tensor) -> Features:
        """Return the features of scaled images, B x 3 x H x W, at the strides asked for."""
        outputs = dict(zip(self._order, self.network(images), strict=True))
        chosen = {stride: outputs[stride] for stride in self.channels}
        return {s: x.permute(0, 3, 1, 2) for s, x in chosen.items()} if self._channels_last else chosen


def _timm_network(name: str, *, pretrained: bool) -> nn.Module:
    """Build the network; a transformer is told to take any size, which other networks need not be told."""
    make: Callable[..., nn.Module] = partial(timm.create_model, name, features_only=True, pretrained=pretrained)
    try:
        with suppress(TypeError):
            return make(dynamic_img_size=True)
        return make()
    except (RuntimeError, AttributeError, ValueError) as error:
        raise BadInputError(f"backbone {name}: timm cannot build it as a feature extractor: {error}") from None


def _move_strides_forward(network: nn.Module, name: str) -> None:
    """Move each stage's stride from timm's 3 x 3 convolution to the 1 x 1 before it (the layout of Caffe's ResNet)."""
    bottlenecks = [block for block in network.modules() if all(hasattr(block, f"conv{k}") for k in (1, 2, 3))]
    if not bottlenecks:
        raise BadInputError(f"backbone {name}: layout 'caffe' needs bottleneck blocks; set backbone.layout=timm")
    for block in bottlenecks:
        first, second = block.get_submodule("conv1"), block.get_submodule("conv2")
        if isinstance(first, nn.Conv2d) and isinstance(second, nn.Conv2d) and first.kernel_size == (1, 1):
            first.stride, second.stride = second.stride, first.stride
