"""The network of RGMP under the parameter names of the authors' file."""

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50

from vos_bench.parts.propagation_decoder import WIDTH, GlobalConvolution, RefinementLevel, activated_first
from vos_bench.parts.resnet import ResNetTrunk, add_imagenet_buffers

STAGES = ("res2", "res3", "res4", "res5")
"""What the authors call the stages of their ResNet-50 at strides 4 to 32."""

STRIDE = 32
DEEP = 2048


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


class Decoder(nn.Module):
    """Draws a mask from the deepest features of the frame and of the first; `align_corners`: see `RgmpConfig`."""

    def __init__(self) -> None:
        super().__init__()
        self.align_corners = True
        self.GC = GlobalConvolution(2 * DEEP)
        self.convG1 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.convG2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.RF4 = RefinementLevel(1024)
        self.RF3 = RefinementLevel(512)
        self.RF2 = RefinementLevel(256)
        self.pred5, self.pred4, self.pred3, self.pred2 = (nn.Conv2d(WIDTH, 2, 3, padding=1) for _ in range(4))

    def forward(self, features: list[Tensor], reference: Tensor) -> list[Tensor]:
        """Decode B frames: their features at strides 4 to 32, and the first frame's at stride 32.

        Returns:
            Logits of background and object, B x 2 x ...: at the frame's size, then at strides 4, 8, 16 and 32.
        """
        stride4, stride8, stride16, stride32 = features
        x = self.GC(torch.cat([stride32, reference], dim=1))
        x = x + activated_first(x, self.convG1, self.convG2)
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
