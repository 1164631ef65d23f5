"""Small pieces that the networks of several methods are made of."""

from torch import Tensor, nn
from torch.nn import functional


class PreActivationBlock(nn.Module):
    """Two 3 x 3 convolutions, each after a ReLU, beside the identity or a 3 x 3 convolution; with bias, no norm."""

    def __init__(self, channels: int, out: int | None = None) -> None:
        super().__init__()
        out = out or channels
        self.conv1 = nn.Conv2d(channels, out, 3, padding=1)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1)
        self.downsample = nn.Conv2d(channels, out, 3, padding=1) if out != channels else None

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x out x H x W."""
        branch = self.conv2(functional.relu(self.conv1(functional.relu(x))))
        return branch + (x if self.downsample is None else self.downsample(x))


def resized(x: Tensor, like: Tensor) -> Tensor:
    """Bring B x C x h x w to the height and width of another map, bilinearly, corners not aligned."""
    size = (like.shape[-2], like.shape[-1])
    return x if x.shape[-2:] == size else functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def upsample(x: Tensor, factor: int) -> Tensor:
    """Enlarge B x C x H x W bilinearly, corners not aligned."""
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
