"""Small pieces that the networks of several methods are made of."""

from torch import Tensor, nn
from torch.nn import functional

Size = tuple[int, int]
"""Height, width."""


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
        return branch + (x if self.downsample is None else self.downsample(x))  # type: ignore[no-any-return]


def resize(x: Tensor, size: Size) -> Tensor:
    """Bring B x C x h x w to `size`, bilinear, corners not aligned, no antialiasing, also downwards."""
    if x.shape[-2:] == size:
        return x
    return functional.interpolate(x, size=size, mode="bilinear", align_corners=False)


def upsample(x: Tensor, factor: int) -> Tensor:
    """Enlarge B x C x H x W bilinearly, corners not aligned."""
    return functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
