"""Folds batch normalisation into the convolutions before it: in evaluation mode it is a fixed affine map."""

from itertools import pairwise
from typing import TypeVar

from torch import nn
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
