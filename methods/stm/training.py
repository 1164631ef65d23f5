"""A memory network as training runs it: remember the first frame, segment and remember the others."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from vos_bench.parts.space_time import MemoryEntry, SpaceTimeNetwork

_EPSILON = 1e-7


class ClipRunner(nn.Module):
    """Runs clips of one object each; what is predicted is remembered as it is, soft."""

    def __init__(self, network: SpaceTimeNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, images: Tensor, masks: Tensor) -> Tensor:
        """Segment the frames after the first of S clips, S x (1 + T) x 3 x H x W, RGB of 0..255; masks: S x 1 x H x W.

        Returns:
            T x S x 1 x H x W: the object's logit after soft aggregation with the background.
        """
        network = self.network
        frames = network.preprocess(images.flatten(0, 1)).reshape(images.shape)
        memory = network.memorise(frames[:, 0], network.encode_query(frames[:, 0]), masks, torch.zeros_like(masks))
        logits = []
        for number in range(1, images.shape[1]):
            frame = frames[:, number]
            query = network.encode_query(frame)
            logits.append(_aggregated(network.segment(query, memory))[:, None])
            if number + 1 < images.shape[1]:
                mask = torch.sigmoid(logits[-1])
                entry = network.memorise(frame, query, mask, torch.zeros_like(mask))
                memory = MemoryEntry(*(torch.cat(pair, dim=2) for pair in zip(memory, entry, strict=True)))
        return torch.stack(logits)


def _aggregated(probabilities: Tensor) -> Tensor:
    """Return the logit of one object that competes with the background by its odds: twice its own logit."""
    return 2 * torch.logit(probabilities, eps=_EPSILON)


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean over pixels of the cross-entropy of object and background."""
    return functional.binary_cross_entropy_with_logits(logits, target)
