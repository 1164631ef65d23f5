"""CBAM (Woo et al., ECCV 2018): attention over channels, then over places."""

import torch
from torch import Tensor, nn


class ChannelGate(nn.Module):
    """Scales each channel by what its mean and its maximum say."""

    def __init__(self, channels: int, reduction: int = 16) -> None:
        super().__init__()
        hidden = channels // reduction
        self.mlp = nn.Sequential(nn.Flatten(), nn.Linear(channels, hidden), nn.ReLU(), nn.Linear(hidden, channels))

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same."""
        pooled = self.mlp(x.mean(dim=(2, 3))) + self.mlp(x.amax(dim=(2, 3)))
        return x * torch.sigmoid(pooled)[:, :, None, None]


class SpatialConvolution(nn.Module):
    """The convolution of the gate over places; a module of its own for its name."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 7, padding=3)

    def forward(self, x: Tensor) -> Tensor:
        """B x 2 x H x W -> B x 1 x H x W."""
        return self.conv(x)  # type: ignore[no-any-return]


class SpatialGate(nn.Module):
    """Scales each place by what the maximum and the mean over its channels say."""

    def __init__(self) -> None:
        super().__init__()
        self.spatial = SpatialConvolution()

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same."""
        pooled = torch.cat([x.amax(dim=1, keepdim=True), x.mean(dim=1, keepdim=True)], dim=1)
        return x * torch.sigmoid(self.spatial(pooled))


class BlockAttention(nn.Module):
    """Both gates in turn."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.ChannelGate = ChannelGate(channels)
        self.SpatialGate = SpatialGate()

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> the same."""
        return self.SpatialGate(self.ChannelGate(x))  # type: ignore[no-any-return]
