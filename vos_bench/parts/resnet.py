"""ResNets up to some stage, under the names that a checkpoint gives to the stages."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import ResNet

IMAGENET_MEAN, IMAGENET_DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
"""Of RGB in 0..1."""


class ResNetTrunk(nn.Module):
    """The stem and the first stages of torchvision's ResNet, strides 4, 8, 16 and 32.

    A subclass may replace the first convolution, or add others beside it, and then calls `climb`.
    """

    def __init__(self, network: ResNet, stages: Sequence[str]) -> None:
        """Take the first stages of a network under these names; its classifier and other stages are left out."""
        super().__init__()
        self.conv1, self.bn1 = network.conv1, network.bn1
        self._stages = tuple(stages)
        for name, stage in zip(stages, (network.layer1, network.layer2, network.layer3, network.layer4), strict=False):
            self.add_module(name, stage)

    def climb(self, stem: Tensor) -> list[Tensor]:
        """Return the features of each stage from what the first convolution gives, B x 64 x H/2 x W/2."""
        return self.stages(self.activate(stem))

    def activate(self, stem: Tensor) -> Tensor:
        """Return the stem's features, B x 64 x H/2 x W/2, from what the first convolution gives."""
        return functional.relu(self.bn1(stem))

    def stages(self, activated: Tensor) -> list[Tensor]:
        """Return the features of each stage from those of the stem."""
        x = functional.max_pool2d(activated, kernel_size=3, stride=2, padding=1)
        features = []
        for name in self._stages:
            x = self.get_submodule(name)(x)
            features.append(x)
        return features


def stage_names(weights: Mapping[str, Tensor], stages: Sequence[str]) -> dict[str, Tensor]:
    """Return a ResNet's weights, of torchvision's names, under a trunk's names for its first `stages`.

    The classifier and the stages that the trunk leaves out are dropped.
    """
    renamed = {"conv1": "conv1", "bn1": "bn1"} | {f"layer{n}": name for n, name in enumerate(stages, start=1)}
    parts = ((*name.partition("."), x) for name, x in weights.items())
    return {f"{renamed[start]}.{rest}": x for start, _, rest, x in parts if start in renamed}


def imagenet_scaled(images: Tensor) -> Tensor:
    """Subtract ImageNet's mean from B x 3 x H x W, RGB of 0..1, and divide by its deviation."""
    mean, deviation = (images.new_tensor(values).view(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_DEVIATION))
    return (images - mean) / deviation


def add_imagenet_buffers(module: nn.Module) -> None:
    """Register ImageNet's mean and deviation as `mean` and `std`, 1 x 3 x 1 x 1, as some checkpoints hold them."""
    module.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
    module.register_buffer("std", torch.tensor(IMAGENET_DEVIATION).view(1, 3, 1, 1))
