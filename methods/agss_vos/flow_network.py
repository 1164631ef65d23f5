"""FlowNet2-C under the parameter names of its public file, and the flow between two frames."""

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.api import Image

Flow = NDArray[np.float32]
"""H x W x 2; for each pixel how far to go right and down to meet it in the other frame."""

MULTIPLE = 64
"""Sides that the network takes."""

_REACH, _STEP = 20, 2
"""Displacements that are compared: from -20 to 20 cells of stride 8 in both directions, every second one."""

_SCALE = 20
"""Pixels of a predicted unit."""


class FlowNetwork(nn.Module):
    """FlowNet2-C (Ilg et al., CVPR 2017), the variant with correlation: 39.2 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2, self.conv3 = _conv(3, 64, 7, 2), _conv(64, 128, 5, 2), _conv(128, 256, 5, 2)
        self.conv_redir = _conv(256, 32, 1, 1)
        self.conv3_1 = _conv(32 + (_REACH // _STEP * 2 + 1) ** 2, 256, 3, 1)
        self.conv4, self.conv4_1 = _conv(256, 512, 3, 2), _conv(512, 512, 3, 1)
        self.conv5, self.conv5_1 = _conv(512, 512, 3, 2), _conv(512, 512, 3, 1)
        self.conv6, self.conv6_1 = _conv(512, 1024, 3, 2), _conv(1024, 1024, 3, 1)
        for level, (inside, outside) in _LEVELS.items():
            self.add_module(f"deconv{level}", _deconv(inside, outside))
            self.add_module(f"upsampled_flow{level + 1}_to_{level}", nn.ConvTranspose2d(2, 2, 4, stride=2, padding=1))
        for level, channels in _HEADS.items():
            self.add_module(f"predict_flow{level}", nn.Conv2d(channels, 2, 3, padding=1))

    def forward(self, pairs: Tensor) -> Tensor:
        """Predict the flow from first to second frames.

        Args:
            pairs: B x 2 x 3 x H x W, scaled by `scaled`, H and W multiples of 64.

        Returns:
            B x 2 x H/4 x W/4: right and down, in units of 20 pixels.
        """
        first, second = pairs.unbind(1)
        fine = self.conv2(self.conv1(first))
        third, other = self.conv3(fine), self.conv3(self.conv2(self.conv1(second)))
        compared = functional.leaky_relu(correlation(third, other), 0.1)
        x = self.conv3_1(torch.cat([self.conv_redir(third), compared], dim=1))
        skips = {2: fine, 3: x}
        for level in (4, 5, 6):
            x = self.get_submodule(f"conv{level}_1")(self.get_submodule(f"conv{level}")(x))
            skips[level] = x
        flow = self.get_submodule("predict_flow6")(x)
        for level in _LEVELS:
            enlarged = self.get_submodule(f"upsampled_flow{level + 1}_to_{level}")(flow)
            x = torch.cat([skips[level], self.get_submodule(f"deconv{level}")(x), enlarged], dim=1)
            flow = self.get_submodule(f"predict_flow{level}")(x)
        return flow  # type: ignore[no-any-return]


_LEVELS = {5: (1024, 512), 4: (1026, 256), 3: (770, 128), 2: (386, 64)}
"""Levels of the decoder, deepest first: channels that are enlarged, and what they become."""

_HEADS = {6: 1024, 5: 1026, 4: 770, 3: 386, 2: 194}


def _conv(inside: int, outside: int, side: int, stride: int) -> nn.Sequential:
    layer = nn.Conv2d(inside, outside, side, stride=stride, padding=(side - 1) // 2)
    return nn.Sequential(layer, nn.LeakyReLU(0.1))


def _deconv(inside: int, outside: int) -> nn.Sequential:
    return nn.Sequential(nn.ConvTranspose2d(inside, outside, 4, stride=2, padding=1), nn.LeakyReLU(0.1))


def correlation(first: Tensor, second: Tensor) -> Tensor:
    """Compare each place of B x C x h x w with places around it in another map, zero beyond its border.

    Returns:
        B x 441 x h x w: the mean of the product over the channels, row by row of the displacements.
    """
    height, width = first.shape[-2:]
    padded = functional.pad(second, (_REACH,) * 4)
    starts = range(0, 2 * _REACH + 1, _STEP)
    planes = [(first * padded[..., y : y + height, x : x + width]).mean(dim=1) for y in starts for x in starts]
    return torch.stack(planes, dim=1)


def scaled(pair: Tensor) -> Tensor:
    """Subtract from 2 x 3 x H x W of 0..255 the mean of each channel over both frames, and divide by 255."""
    return (pair - pair.mean(dim=(0, 2, 3), keepdim=True)) / 255


def flow_between(network: FlowNetwork, first: Image, second: Image, device: str) -> Flow:
    """Return the flow from one frame to another, both H x W x 3 and RGB.

    Frames whose sides are no multiples of 64 are shrunk to such sides, and the flow is enlarged again.
    """
    height, width = first.shape[:2]
    size = tuple(max(MULTIPLE, extent // MULTIPLE * MULTIPLE) for extent in (width, height))
    frames = [first, second]
    if size != (width, height):
        frames = [np.asarray(cv2.resize(x, size, interpolation=cv2.INTER_LINEAR), np.uint8) for x in frames]
    planes = np.ascontiguousarray(np.stack(frames)[..., ::-1].transpose(0, 3, 1, 2))
    pixels = torch.from_numpy(planes).to(device).float()
    coarse = network(scaled(pixels)[None]) * _SCALE
    found = functional.interpolate(coarse, scale_factor=4, mode="bilinear", align_corners=False)
    flow: Flow = found[0].float().permute(1, 2, 0).cpu().numpy()
    if size == (width, height):
        return flow
    enlarged = np.asarray(cv2.resize(flow, (width, height), interpolation=cv2.INTER_LINEAR), np.float32)
    return enlarged * np.array([width / size[0], height / size[1]], np.float32)
