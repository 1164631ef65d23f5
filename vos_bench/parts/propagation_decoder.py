"""What RGMP's decoder is made of, which AGSS-VOS took over."""

from torch import Tensor, nn
from torch.nn import functional

WIDTH = 256
"""Channels of every level."""


class GlobalConvolution(nn.Module):
    """A convolution over 7 x 7 places as the sum of two pairs of narrow ones."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        tall, wide = {"kernel_size": (7, 1), "padding": (3, 0)}, {"kernel_size": (1, 7), "padding": (0, 3)}
        self.conv_l1 = nn.Conv2d(channels, WIDTH, **tall)  # type: ignore[arg-type]
        self.conv_l2 = nn.Conv2d(WIDTH, WIDTH, **wide)  # type: ignore[arg-type]
        self.conv_r1 = nn.Conv2d(channels, WIDTH, **wide)  # type: ignore[arg-type]
        self.conv_r2 = nn.Conv2d(WIDTH, WIDTH, **tall)  # type: ignore[arg-type]

    def forward(self, x: Tensor) -> Tensor:
        """B x channels x h x w -> B x 256 x h x w."""
        return self.conv_l2(self.conv_l1(x)) + self.conv_r2(self.conv_r1(x))  # type: ignore[no-any-return]


class RefinementLevel(nn.Module):
    """One level of the decoder: a skip connection joins what the coarser level gave."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.convFS1 = nn.Conv2d(channels, WIDTH, 3, padding=1)
        self.convFS2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.convFS3 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.convMM1 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)
        self.convMM2 = nn.Conv2d(WIDTH, WIDTH, 3, padding=1)

    def forward(self, skip: Tensor, coarser: Tensor) -> Tensor:
        """B x channels x h x w and the coarser level, enlarged, B x 256 x h x w -> B x 256 x h x w."""
        skip = self.convFS1(skip)
        skip = skip + activated_first(skip, self.convFS2, self.convFS3)
        joined = skip + coarser
        return joined + activated_first(joined, self.convMM1, self.convMM2)


def activated_first(x: Tensor, *layers: nn.Module) -> Tensor:
    """Pass through layers, each after a ReLU."""
    for layer in layers:
        x = layer(functional.relu(x))
    return x
