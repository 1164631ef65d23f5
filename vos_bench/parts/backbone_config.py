"""What describes a backbone; nothing here loads torch."""

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from vos_bench.config import FrozenModel

StrideLayout = Literal["caffe", "timm"]


Channels = Annotated[int, Field(ge=1, le=65536)]

Stride = Annotated[int, Field(ge=1, le=1024)]
"""How many pixels of the image one place of a feature map stands for, along an axis."""

_Level = Annotated[float, Field(ge=-1e6, le=1e6)]

_Deviation = Annotated[float, Field(gt=0, le=1e6)]


class InputScaling(FrozenModel):
    """How an RGB image of 0..255 becomes a backbone's input: reorder the channels, then (value - mean) / deviation.

    Attributes:
        channel_order: Order of the channels that the backbone was trained on.
        mean: Subtracted, in that order, on the scale 0..255.
        deviation: Divided by, in that order, on the scale 0..255.
    """

    channel_order: Literal["rgb", "bgr"] = "rgb"
    mean: tuple[_Level, _Level, _Level] = (123.675, 116.28, 103.53)
    deviation: tuple[_Deviation, _Deviation, _Deviation] = (58.395, 57.12, 57.375)


IMAGENET = InputScaling()
"""What torchvision's and most of timm's weights expect."""

MASK_RCNN = InputScaling(channel_order="bgr", mean=(102.9801, 115.9465, 122.7717), deviation=(1.0, 1.0, 1.0))
"""The convention of the Mask R-CNN backbone that LWL starts from."""

LITE = InputScaling(mean=(127.0, 127.0, 127.0), deviation=(128.0, 128.0, 128.0))
"""The convention of EfficientNet-Lite."""

_SCALINGS: Mapping[str, InputScaling] = {"resnet50": MASK_RCNN, "tf_efficientnet_lite0": LITE}


class BackboneConfig(FrozenModel):
    """The image feature extractor F (paper section 3.4).

    Attributes:
        name: Any timm model that gives features at the decoder's strides.
        layout: `caffe` puts a bottleneck's stride into its first 1 x 1 convolution, as the authors' ResNet-50 does;
            `timm` leaves the network as it is. None: `caffe` for resnet50, `timm` for all others.
        scaling: None: Mask R-CNN's for resnet50, EfficientNet-Lite's for tf_efficientnet_lite0, ImageNet's else.
    """

    name: str = "resnet50"
    layout: StrideLayout | None = None
    scaling: InputScaling | None = None

    @property
    def resolved_layout(self) -> StrideLayout:
        """The layout, by the backbone's name where none is set."""
        return self.layout or ("caffe" if self.name == "resnet50" else "timm")

    @property
    def resolved_scaling(self) -> InputScaling:
        """The input scaling, by the backbone's name where none is set."""
        return self.scaling or _SCALINGS.get(self.name, IMAGENET)


class LiteNetworkConfig(FrozenModel):
    """What all small networks have: a backbone that is never trained, and the widths of the decoder on it.

    Attributes:
        backbone: With its batch normalisation folded into its convolutions.
        decoder_strides: Levels that the decoder refines over, deepest first.
        decoder_widths: Channels of each.
    """

    backbone: BackboneConfig = BackboneConfig(name="tf_efficientnet_lite0")
    decoder_strides: tuple[Stride, ...] = (32, 16, 8, 4, 2)
    decoder_widths: tuple[Channels, ...] = (96, 64, 48, 32, 16)
