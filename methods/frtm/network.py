"""FRTM's networks: the fixed backbone and the refiner."""

from torch import Tensor, nn
from torchvision.models import resnet18, resnet101

from vos_bench.parts.resnet import ResNetTrunk, imagenet_scaled

from .config import BackboneName
from .refiner import LEVELS, Refiner

STAGES = tuple(reversed(LEVELS))
"""What the authors call the stages of a ResNet; their layer4 is torchvision's layer3."""

CHANNELS: dict[BackboneName, tuple[int, ...]] = {
    "resnet18": (64, 128, 256, 512),
    "resnet101": (256, 512, 1024, 2048),
}
"""Of these stages."""

TARGET = "layer4"
"""The features that the target model sees: stride 16."""


class FixedResNet(ResNetTrunk):
    """A fixed ResNet."""

    def __init__(self, name: BackboneName) -> None:
        super().__init__({"resnet18": resnet18, "resnet101": resnet101}[name](weights=None), STAGES)

    def forward(self, frames: Tensor) -> dict[str, Tensor]:
        """B x 3 x H x W, RGB of 0..255 -> features by the authors' names."""
        return dict(zip(STAGES, self.climb(self.conv1(imagenet_scaled(frames / 255))), strict=True))


class FrtmNetwork(nn.Module):
    """What is the same for all objects and videos."""

    def __init__(self, name: BackboneName = "resnet101") -> None:
        super().__init__()
        self.name = name
        self.backbone = FixedResNet(name)
        self.refiner = Refiner(dict(zip(STAGES, CHANNELS[name], strict=True)))

    @property
    def target_channels(self) -> int:
        """Channels of the features that the target model sees."""
        return CHANNELS[self.name][STAGES.index(TARGET)]
