"""The network of A-GAME under the parameter names of the authors' file, without their `trackseg.` before each."""

from collections import OrderedDict
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet101

from vos_bench.parts.layers import upsample
from vos_bench.parts.resnet import ResNetTrunk

from .appearance import COMPONENTS, AppearanceModel

STAGES = ("layer1", "layer2", "layer3", "layer4")
STRIDE = 16
"""Of the deepest features, which masks are pooled to."""

_DEEP, _WIDTH, _NARROW = 2048, 512, 128


class Features(NamedTuple):
    """What the trunk says of frames: strides 4, 8 and 16 with 256, 512 and 2048 channels."""

    stride4: Tensor
    stride8: Tensor
    stride16: Tensor


class Trunk(ResNetTrunk):
    """ResNet-101 whose last stage keeps stride 16, its later blocks dilated; the classifier is in the file, unused."""

    def __init__(self) -> None:
        network = resnet101(weights=None, replace_stride_with_dilation=[False, False, True])
        super().__init__(network, STAGES)
        self.fc = network.fc

    def forward(self, frames: Tensor) -> Features:
        """B x 3 x H x W, scaled by ImageNet's mean and deviation -> features."""
        stride4, stride8, _, deepest = self.climb(self.conv1(frames))
        return Features(stride4, stride8, deepest)


class Layer(nn.Module):
    """A convolution that keeps the size, and a ReLU unless it is the last one."""

    def __init__(self, channels: int, out: int, kernel: int, *, last: bool = False) -> None:
        super().__init__()
        self.conv = nn.Conv2d(channels, out, kernel, padding=kernel // 2)
        self._last = last

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x h x w -> B x out x h x w."""
        x = self.conv(x)
        return x if self._last else functional.relu(x)


class Pyramid(nn.Module):
    """Three convolutions with dilations 1, 3 and 6, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.conv0, self.conv1, self.conv2 = (
            nn.Conv2d(_WIDTH, _WIDTH, 3, padding=dilation, dilation=dilation) for dilation in (1, 3, 6)
        )

    def forward(self, x: Tensor) -> Tensor:
        """B x 512 x h x w -> B x 1536 x h x w."""
        return functional.relu(torch.cat([self.conv0(x), self.conv1(x), self.conv2(x)], dim=1))


class Propagation(nn.Module):
    """Carries the last mask to the present frame, seen beside the frame in which the object started."""

    def __init__(self) -> None:
        super().__init__()
        masks = 2 + 2
        layers = OrderedDict[str, nn.Module](
            layer00=Layer(2 * _DEEP + masks, _WIDTH, 1), layer01=Pyramid(), layer02=Layer(3 * _WIDTH, _WIDTH, 3)
        )
        self.layers = nn.Sequential(layers)

    def forward(self, present: Tensor, first: Tensor, previous_mask: Tensor, first_mask: Tensor) -> Tensor:
        """Stride-16 features, B x 2048 x h x w each, and soft masks, B x 2 x h x w each -> B x 512 x h x w."""
        return self.layers(torch.cat([present, first, previous_mask, first_mask], dim=1))  # type: ignore[no-any-return]


class Fusion(nn.Module):
    """Joins the scores of appearance with what was propagated; `predictor` makes coarse scores of the answer."""

    def __init__(self) -> None:
        super().__init__()
        layers = OrderedDict[str, nn.Module](
            layer00=Layer(COMPONENTS + _WIDTH, _WIDTH, 3), layer01=Layer(_WIDTH, _NARROW, 3)
        )
        self.layers = nn.Sequential(layers)
        self.predictor = nn.Sequential(OrderedDict[str, nn.Module](layer00=Layer(_NARROW, 2, 1, last=True)))

    def forward(self, scores: Tensor, propagated: Tensor) -> Tensor:
        """B x 4 x h x w and B x 512 x h x w -> B x 128 x h x w."""
        return self.layers(torch.cat([scores, propagated], dim=1))  # type: ignore[no-any-return]


class Upsampling(nn.Module):
    """Brings what was fused to the frame's size, by the features at strides 8 and 4."""

    def __init__(self) -> None:
        super().__init__()
        self.project_s8 = Layer(512, _NARROW, 1)
        self.blend_s8 = Layer(2 * _NARROW, _NARROW, 3)
        self.project_s4 = Layer(256, _NARROW, 1)
        self.blend_s4 = Layer(2 * _NARROW, _NARROW, 3)
        self.predictor = Layer(_NARROW, 2, 3, last=True)

    def project(self, features: Features) -> tuple[Tensor, Tensor]:
        """Return the skips at strides 8 and 4, which depend on the frames alone."""
        return self.project_s8(features.stride8), self.project_s4(features.stride4)

    def forward(self, x: Tensor, stride8: Tensor, stride4: Tensor) -> Tensor:
        """B x 128 x h x w and the skips -> scores of background and object, B x 2 x 16 h x 16 w."""
        x = self.blend_s8(torch.cat([stride8, upsample(x, 2)], dim=1))
        x = self.blend_s4(torch.cat([stride4, upsample(x, 2)], dim=1))
        return upsample(self.predictor(x), 4)


class AgameNetwork(nn.Module):
    """Generative appearance model (Johnander et al., CVPR 2019): 655 tensors."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = Trunk()
        self.appmod = AppearanceModel(_DEEP, _WIDTH)
        self.dynmod = Propagation()
        self.fusmod = Fusion()
        self.segmod = Upsampling()


def pooled(masks: Tensor) -> Tensor:
    """Bring soft masks, ... x H x W, to stride 16 by the mean of what falls on each cell."""
    return functional.avg_pool2d(masks, STRIDE)
