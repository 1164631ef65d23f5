"""The network of OSVOS under the parameter names of its PyTorch port's file."""

import torch
from torch import Tensor, nn

_STAGES = ((64, 64), (128, 128), (256, 256, 256), (512, 512, 512), (512, 512, 512))
"""Channels of VGG-16's convolutions, stage by stage."""

_SIDE = 16

BGR_MEAN = (104.00699, 116.66877, 122.67892)
"""Subtracted from blue, green and red of 0..255: the mean colour that Caffe's VGG-16 was trained with."""


def _stage(channels: int, widths: tuple[int, ...], *, pooled: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.MaxPool2d(2, stride=2, ceil_mode=True)] if pooled else []
    for width in widths:
        layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU()]
        channels = width
    return nn.Sequential(*layers)


def _bilinear(channels: int, factor: int) -> nn.ConvTranspose2d:
    """Return a transposed convolution that enlarges each channel bilinearly, and is not to be trained."""
    layer = nn.ConvTranspose2d(channels, channels, 2 * factor, stride=factor, bias=False)
    ramp = 1 - (torch.arange(2 * factor) - factor + 0.5).abs() / factor
    with torch.no_grad():
        layer.weight.zero_()
        layer.weight[range(channels), range(channels)] = ramp[:, None] * ramp
    layer.weight.requires_grad_(False)
    return layer


def centre_crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Cut H x W = `size` out of the middle of ... x h x w; of an odd rest the larger part goes right and below."""
    top, left = (x.shape[-2] - size[0]) // 2, (x.shape[-1] - size[1]) // 2
    return x[..., top : top + size[0], left : left + size[1]]


class OsvosNetwork(nn.Module):
    """One-shot segmentation (Caelles et al., CVPR 2017): VGG-16 without its classifier, 15.27 M parameters."""

    def __init__(self) -> None:
        super().__init__()
        inputs = (3, *(widths[-1] for widths in _STAGES))
        self.stages = nn.ModuleList(
            _stage(channels, widths, pooled=number > 0)
            for number, (channels, widths) in enumerate(zip(inputs, _STAGES, strict=False))
        )
        seen = [widths[-1] for widths in _STAGES[1:]]
        self.side_prep = nn.ModuleList(nn.Conv2d(channels, _SIDE, 3, padding=1) for channels in seen)
        self.score_dsn = nn.ModuleList(nn.Conv2d(_SIDE, 1, 1) for _ in seen)
        self.upscale = nn.ModuleList(_bilinear(_SIDE, 2**k) for k in range(1, 5))
        self.upscale_ = nn.ModuleList(_bilinear(1, 2**k) for k in range(1, 5))
        self.fuse = nn.Conv2d(_SIDE * len(seen), 1, 1)

    def forward(self, frames: Tensor) -> tuple[Tensor, list[Tensor]]:
        """Segment frames, B x 3 x H x W, as `preprocess` makes them.

        Returns:
            The logits, B x 1 x H x W, and those of each side of its own, coarser and coarser.
        """
        size = (frames.shape[-2], frames.shape[-1])
        x = self.stages[0](frames)
        wide, sides = [], []
        for number, stage in enumerate(list(self.stages)[1:]):
            x = stage(x)
            side = self.side_prep[number](x)
            wide.append(centre_crop(self.upscale[number](side), size))
            sides.append(centre_crop(self.upscale_[number](self.score_dsn[number](side)), size))
        return self.fuse(torch.cat(wide, dim=1)), sides


def preprocess(images: Tensor) -> Tensor:
    """Turn RGB images of 0..255, B x 3 x H x W, into the network's input: BGR less its mean."""
    return images.flip(1) - images.new_tensor(BGR_MEAN).view(1, 3, 1, 1)
