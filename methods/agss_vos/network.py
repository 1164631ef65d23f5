"""The segmentation network of AGSS-VOS under the parameter names of the authors' file."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional
from torchvision.models import resnet50

from vos_bench.parts.layers import upsample
from vos_bench.parts.propagation_decoder import WIDTH, GlobalConvolution, RefinementLevel, activated_first
from vos_bench.parts.resnet import ResNetTrunk

from .flow_network import FlowNetwork

STAGES = ("res2", "res3", "res4", "res5")
_DEEP = 2048


class ObjectFeatures(NamedTuple):
    """What is seen of each object: its own features at stride 4, and its attention at stride 8, K x 256 x ... both."""

    fine: Tensor
    attention: Tensor


class Encoder(ResNetTrunk):
    """Features of a frame with the union of all masks, and of each object with its own."""

    def __init__(self) -> None:
        super().__init__(resnet50(weights=None), STAGES)
        self.conv1_p = nn.Conv2d(1, 64, 7, stride=2, padding=3)
        attention = nn.Conv2d(WIDTH, WIDTH, 3, stride=2, padding=1)
        middle = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.atn = nn.Sequential(nn.Conv2d(WIDTH + 1, WIDTH, 1), nn.ReLU(), middle, nn.ReLU(), attention)

    def forward(self, seen: Tensor, union: Tensor) -> list[Tensor]:
        """Return features at strides 4 to 32 of what `conv1` makes of a frame, with the union, 1 x 1 x H x W."""
        return self.climb(seen + self.conv1_p(union))

    def attend(self, seen: Tensor, masks: Tensor) -> ObjectFeatures:
        """Return the features of K objects, given what `conv1` makes of the frame and masks, K x 1 x H x W."""
        stem = self.activate(seen + self.conv1_p(masks))
        fine = self.get_submodule("res2")(functional.max_pool2d(stem, kernel_size=3, stride=2, padding=1))
        where = functional.interpolate(masks, size=fine.shape[-2:], mode="bilinear", align_corners=True)
        return ObjectFeatures(fine, self.atn(torch.cat([fine, where], dim=1)))


class Decoder(nn.Module):
    """Draws the masks: once a frame down to stride 8, from there on for each object."""

    def __init__(self) -> None:
        super().__init__()
        self.GC = GlobalConvolution(2 * _DEEP)
        self.convG1 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.convG2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.RF4, self.RF3, self.RF2 = RefinementLevel(1024), RefinementLevel(512), RefinementLevel(256)
        self.pred2 = nn.Conv2d(WIDTH, 2, 3, padding=1)

    def shared(self, features: list[Tensor], reference: Tensor) -> Tensor:
        """Return what all objects share at stride 8, 1 x 256 x h x w; `reference` is the first frame's at stride 32."""
        _, stride8, stride16, stride32 = features
        x = self.GC(torch.cat([stride32, reference], dim=1))
        x = x + activated_first(x, self.convG1, self.convG2)
        return self.RF3(stride8, upsample(self.RF4(stride16, upsample(x, 2)), 2))  # type: ignore[no-any-return]

    def draw(self, shared: Tensor, objects: ObjectFeatures) -> Tensor:
        """Return logits of background and object at stride 4, K x 2 x h x w."""
        refined = self.RF2(objects.fine, upsample(shared * objects.attention, 2))
        return self.pred2(functional.relu(refined))  # type: ignore[no-any-return]


class SegmentationNetwork(nn.Module):
    """Attention-guided single-shot segmentation: 52.8 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.Encoder, self.Decoder = Encoder(), Decoder()

    def refer(self, frame: Tensor, masks: Tensor) -> Tensor:
        """Return what is kept of the frame where objects start: 1 x 2048 x H/32 x W/32.

        `frame` is 1 x 3 x H x W, scaled; `masks` are K x 1 x H x W.
        """
        return self.Encoder(self.Encoder.conv1(frame), masks.amax(dim=0, keepdim=True))[-1]  # type: ignore[no-any-return]

    def forward(self, frame: Tensor, masks: Tensor, reference: Tensor, *, at_once: int) -> Tensor:
        """Segment a frame.

        Args:
            frame: 1 x 3 x H x W, scaled.
            masks: Where the K objects were, brought to this frame, K x 1 x H x W in [0, 1].
            reference: See `refer`.
            at_once: How many objects go through the network together.

        Returns:
            How sure the network is of each object, asked on its own, K x H x W in [0, 1].
        """
        seen = self.Encoder.conv1(frame)
        shared = self.Decoder.shared(self.Encoder(seen, masks.amax(dim=0, keepdim=True)), reference)
        parts = [self.Decoder.draw(shared, self.Encoder.attend(seen, some)) for some in torch.split(masks, at_once)]
        return torch.softmax(upsample(torch.cat(parts), 4), dim=1)[:, 1]


class AgssNetwork(nn.Module):
    """AGSS-VOS (Lin et al., ICCV 2019): the segmentation network, and the flow network where it is wanted."""

    def __init__(self, *, flow: bool = True) -> None:
        super().__init__()
        self.seg = SegmentationNetwork()
        self.flow = FlowNetwork() if flow else None
