"""Losses and accuracies of masks."""

import torch
from torch import Tensor
from torch.nn import functional


def lovasz(probabilities: Tensor, target: Tensor) -> Tensor:
    """Return the Lovasz extension of the Jaccard loss of the foreground, all pixels sorted as one image.

    Berman et al., "The Lovasz-Softmax loss" (CVPR 2018), for one class; with an empty target it is the largest error.
    Probabilities have any shape, the target, 0 or 1, has the same.
    """
    truth = target.reshape(-1).to(probabilities.dtype)
    errors, order = torch.sort((truth - probabilities.reshape(-1)).abs(), descending=True)
    return torch.dot(errors, _jaccard_steps(truth[order]))


def _jaccard_steps(truth: Tensor) -> Tensor:
    """Return how much the Jaccard loss grows as each pixel, worst first, is counted as wrong."""
    total = truth.sum()
    intersection = total - truth.cumsum(0)
    union = total + (1 - truth).cumsum(0)
    loss = 1 - intersection / union
    return torch.cat([loss[:1], loss[1:] - loss[:-1]])


def lovasz_by_sequence(probabilities: Tensor, target: Tensor) -> Tensor:
    """Return the mean of `lovasz` over frames and sequences, F x B x ... (paper, equation 5)."""
    frames, sequences = probabilities.shape[:2]
    values = [lovasz(probabilities[f, b], target[f, b]) for f in range(frames) for b in range(sequences)]
    return torch.stack(values).mean()


def boundary_weights(target: Tensor, *, radius: int, factor: float) -> Tensor:
    """Return 1, and `factor` within `radius` pixels of the mask's boundary; N x 1 x H x W."""
    size = 2 * radius + 1
    across = functional.avg_pool2d(target, (1, size), 1, (0, radius), count_include_pad=False)
    share = functional.avg_pool2d(across, (size, 1), 1, (radius, 0), count_include_pad=False)
    return 1 + (factor - 1) * ((share > 0) & (share < 1)).to(target.dtype)


def weighted_cross_entropy(logits: Tensor, target: Tensor, weights: Tensor) -> Tensor:
    """Return the mean binary cross-entropy, each pixel counted by its weight."""
    each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return (each * weights).sum() / weights.sum()


def jaccard(logits: Tensor, target: Tensor) -> Tensor:
    """Return the mean over images of J at probability one half, without gradient; both empty counts as 1."""
    found, truth = logits.detach().flatten(2) > 0, target.flatten(2) > 0.5
    union = (found | truth).sum(-1)
    both = (found & truth).sum(-1)
    return torch.where(union > 0, both / union.clamp(min=1), torch.ones_like(both, dtype=torch.float32)).mean()
