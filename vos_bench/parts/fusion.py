"""Makes a network for evaluation quicker without changing what it computes.

Batch normalisation, a fixed affine map in evaluation mode, goes into the convolution before it; TensorFlow's one-sided
padding goes into the convolution's kernel.
"""

from itertools import pairwise, product
from typing import TypeVar

from timm.layers.conv2d_same import Conv2dSame
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fuse_normalisation(network: Network) -> Network:
    """Fold every batch normalisation that follows a convolution inside the same module; changes `network` in place.

    Only pairs that are registered one after the other are taken, as timm's ResNet and EfficientNet families register
    them. timm's BatchNormAct2d leaves its activation behind.

    Returns:
        `network`.
    """
    for parent in list(network.modules()):
        for (name, first), (next_name, second) in pairwise(list(parent.named_children())):
            if not (isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d)):
                continue
            if first.out_channels == second.num_features and second.track_running_stats:
                setattr(parent, name, fuse_conv_bn_eval(first, second))
                setattr(parent, next_name, getattr(second, "act", None) or nn.Identity())
    return network


def fuse_padding(network: Network) -> Network:
    """Let timm's convolutions with TensorFlow's padding do without copying their input; changes `network` in place.

    Such a convolution of stride 2 pads an even side by one pixel more at its end. That is the same as equal padding and
    a kernel with one more row of zeros at its start, which costs less than the copy. Others stay as they are.

    Returns:
        `network`.
    """
    for parent in list(network.modules()):
        for name, child in parent.named_children():
            if isinstance(child, Conv2dSame) and child.stride == (2, 2) and child.dilation == (1, 1):
                kernel = child.kernel_size
                if kernel[0] == kernel[1] and kernel[0] % 2:
                    setattr(parent, name, EquallyPadded(child))
    return network


class EquallyPadded(nn.Module):
    """A convolution of stride 2 with TensorFlow's padding, as one whose padding is equal on both sides."""

    def __init__(self, convolution: nn.Conv2d) -> None:
        super().__init__()
        side = convolution.kernel_size[0] // 2
        self.stride, self.padding, self.dilation, self.groups = (2, 2), (side, side), (1, 1), convolution.groups
        self.bias = convolution.bias
        for height, width in product((0, 1), repeat=2):
            kernel = functional.pad(convolution.weight.detach(), (width, 0, height, 0))
            self.register_buffer(f"kernel{height}{width}", kernel, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """B x C x H x W -> B x C' x ceil(H / 2) x ceil(W / 2)."""
        kernel = self.kernel_for(x)
        return functional.conv2d(x, kernel, self.bias, stride=self.stride, padding=self.padding, groups=self.groups)

    def kernel_for(self, x: Tensor) -> Tensor:
        """Return the kernel for maps of the size of `x`: it depends on which sides are even."""
        return self.get_buffer(f"kernel{int(x.shape[-2] % 2 == 0)}{int(x.shape[-1] % 2 == 0)}")
