"""The residual block and the initialisation that the label encoder, the box encoder and the target features share."""

from torch import Tensor, nn
from torch.nn import functional


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions beside a 3 x 3 shortcut, without normalisation.

    The shortcut has a bias and the main branch has none, as in the reference.
    """

    def __init__(self, in_channels: int, out_channels: int, *, stride: int = 1) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1, bias=False)
        self.conv2 = nn.Conv2d(out_channels, out_channels, 3, padding=1, bias=False)
        self.shortcut = nn.Conv2d(in_channels, out_channels, 3, stride=stride, padding=1)

    def forward(self, x: Tensor) -> Tensor:
        """B x in x H x W -> B x out x H/stride x W/stride, not negative."""
        return functional.relu_(self.conv2(functional.relu_(self.conv1(x))) + self.shortcut(x))


def initialise_by_fan_out(module: nn.Module) -> None:
    """Draw every convolution's weights from N(0, 2 / (kernel area * out channels)) (He et al., the paper's [12])."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
