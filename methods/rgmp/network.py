"""The network of RGMP under the parameter names of the authors' file."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50

from vos_bench.parts.resnet import ResNetTrunk, add_imagenet_buffers

STAGES = ("res2", "res3", "res4", "res5")
"""What the authors call the stages of their ResNet-50 at strides 4 to 32."""

STRIDE = 32
DEEP, _WIDTH = 2048, 256


class Encoder(ResNetTrunk):
    """Features of a frame together with a mask: the first frame's own, or the one before the frame at hand."""

    def __init__(self) -> None:
        super().__init__(resnet50(weights=None), STAGES)
        self.conv1_p = nn.Conv2d(1, 64, 7, stride=2, padding=3)
        add_imagenet_buffers(self)

    def forward(self, frames: Tensor, masks: Tensor) -> list[Tensor]:
        """B x 3 x H x W, RGB of 0..1, and B x 1 x H x W -> features at strides 4, 8, 16 and 32."""
        normalised = (frames - self.get_buffer("mean")) / self.get_buffer("std")
        return self.climb(self.conv1(normalised) + self.conv1_p(masks))


class GlobalConvolution(nn.Module):
    """A convolution over 7 x 7 places as the sum of two pairs of narrow ones."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        tall, wide = {"kernel_size": (7, 1), "padding": (3, 0)}, {"kernel_size": (1, 7), "padding": (0, 3)}
        self.conv_l1 = nn.Conv2d(channels, _WIDTH, **tall)  # type: ignore[arg-type]
        self.conv_l2 = nn.Conv2d(_WIDTH, _WIDTH, **wide)  # type: ignore[arg-type]
        self.conv_r1 = nn.Conv2d(channels, _WIDTH, **wide)  # type: ignore[arg-type]
        self.conv_r2 = nn.Conv2d(_WIDTH, _WIDTH, **tall)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x h x w -> B x 256 x h x w."""
        return self.conv_l2(self.conv_l1(x)) + self.conv_r2(self.conv_r1(x))  # type: ignore[no-any-return]


class Refine(nn.Module):
    """One level of the decoder: a skip connection joins what the coarser level gave."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convFS1 = nn.Conv2d(channels, _WIDTH, 3, padding=1)
        self.convFS2 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.convFS3 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.convMM1 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.convMM2 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """B x channels x h x w and the coarser level, enlarged, B x 256 x h x w -> B x 256 x h x w."""
        skip = self.convFS1(skip)
        skip = skip + _activated_first(skip, self.convFS2, self.convFS3)
        joined = skip + coarser
        return joined + _activated_first(joined, self.convMM1, self.convMM2)


def _activated_first(x: Tensor, *layers: nn.Module) -> Tensor:
    for layer in layers:
        x = layer(functional.relu(x))
    return x


class Decoder(nn.Module):
    """Draws a mask from the deepest features of the frame and of the first; `align_corners`: see `RgmpConfig`."""

    def __init__(self) -> None:
        super().__init__()
        self.align_corners = True
        self.GC = GlobalConvolution(2 * DEEP)
        self.convG1 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.convG2 = nn.Conv2d(_WIDTH, _WIDTH, 3, padding=1)
        self.RF4 = Refine(1024)
        self.RF3 = Refine(512)
        self.RF2 = Refine(256)
        self.pred5, self.pred4, self.pred3, self.pred2 = (nn.Conv2d(_WIDTH, 2, 3, padding=1) for _ in range(4))

    def forward(self, features: list[Tensor], reference: Tensor) -> list[Tensor]:
        """Decode B frames: their features at strides 4 to 32, and the first frame's at stride 32.

        Returns:
            Logits of background and object, B x 2 x ...: at the frame's size, then at strides 4, 8, 16 and 32.
        """
        stride4, stride8, stride16, stride32 = features
        x = self.GC(torch.cat([stride32, reference], dim=1))
        x = x + _activated_first(x, self.convG1, self.convG2)
        levels = [x]
        for refine, skip in ((self.RF4, stride16), (self.RF3, stride8), (self.RF2, stride4)):
            levels.append(refine(skip, self._enlarged(levels[-1], 2)))
        heads = (self.pred5, self.pred4, self.pred3, self.pred2)
        coarse = [head(functional.relu(level)) for head, level in zip(heads, levels, strict=True)]
        return [self._enlarged(coarse[-1], 4), *reversed(coarse)]

    def _enlarged(self, x: Tensor, factor: int) -> Tensor:
        return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=self.align_corners)


class RgmpNetwork(nn.Module):
    """Reference-guided mask propagation (Oh et al., CVPR 2018): 51.5 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.Encoder = Encoder()
        self.Decoder = Decoder()

    def refer(self, frames: Tensor, masks: Tensor) -> Tensor:
        """Return what is kept of first frames with their masks: B x 2048 x H/32 x W/32."""
        return self.Encoder(frames, masks)[-1]  # type: ignore[no-any-return]

    def propagate(self, frames: Tensor, masks: Tensor, reference: Tensor) -> Tensor:
        """Bring the masks of the frames before to B frames: probabilities, B x 1 x H x W."""
        return torch.softmax(self.Decoder(self.Encoder(frames, masks), reference)[0], dim=1)[:, 1:]
