"""A-GAME as training runs it: clips of one object, updated by the coarse answer, with gradients through the updates."""

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.resnet import imagenet_scaled

from .network import STRIDE, AgameNetwork, pooled

_EPSILON = 1e-7


class Answers(NamedTuple):
    """Scores of background and object on the frames after the first of S clips.

    Attributes:
        fine: T x S x 2 x H x W.
        coarse: T x S x 2 x H/16 x W/16.
    """

    fine: Tensor
    coarse: Tensor


class ClipNetwork(nn.Module):
    """Runs clips of one object each. Frames go through one after the other, on whose statistics layer4 depends."""

    def __init__(self, network: AgameNetwork, rate: float) -> None:
        """Take the network, and by which share the Gaussians move on each frame."""
        super().__init__()
        self.network, self._rate = network, rate

    def forward(self, images: Tensor, masks: Tensor) -> Answers:
        """Segment the frames after the first of S clips, S x (1 + T) x 3 x H x W, RGB of 0..255; masks: S x 1 x H x W.

        H and W are multiples of 16.
        """
        network = self.network
        frames = imagenet_scaled(images.flatten(0, 1) / 255).reshape(images.shape)
        first = network.backbone(frames[:, 0]).stride16
        first_mask = previous = pooled(torch.cat([1 - masks, masks], dim=1))
        appearance = network.appmod.fit(network.appmod(first), first_mask)
        fine, coarse = [], []
        for number in range(1, images.shape[1]):
            features = network.backbone(frames[:, number])
            described = network.appmod(features.stride16)
            propagated = network.dynmod(features.stride16, first, previous, first_mask)
            fused = network.fusmod(appearance.scores(described), propagated)
            coarse.append(network.fusmod.predictor(fused))
            fine.append(network.segmod(fused, *network.segmod.project(features)))
            previous = coarse[-1].softmax(dim=1)
            appearance = appearance.moved(network.appmod.fit(described, previous), self._rate)
        return Answers(torch.stack(fine), torch.stack(coarse))


def fine_loss(answers: Answers, target: Tensor) -> Tensor:
    """Return the mean over all frames of the negative log-likelihood of labels, T x S x H x W.

    The first frame counts as one that was answered by the given mask.
    """
    scores = answers.fine.log_softmax(dim=2)
    return _with_first(functional.nll_loss(scores.flatten(0, 1), target.flatten(0, 1)), len(target))


def coarse_loss(answers: Answers, target: Tensor) -> Tensor:
    """Return the same of the coarse scores, whose logarithms are enlarged bilinearly."""
    scores = answers.coarse.log_softmax(dim=2).flatten(0, 1)
    enlarged = functional.interpolate(scores, scale_factor=STRIDE, mode="bilinear", align_corners=False)
    return _with_first(functional.nll_loss(enlarged, target.flatten(0, 1)), len(target))


def _with_first(loss: Tensor, frames: int) -> Tensor:
    first = -torch.log1p(loss.new_tensor(-_EPSILON))
    return (first + frames * loss) / (1 + frames)
