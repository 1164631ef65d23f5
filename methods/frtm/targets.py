"""What a target model is fitted to: masks at the frame's size, the weight of each pixel, and the way to the grid."""

import torch
from torch import Tensor
from torch.nn import functional


class Enlargement:
    """Bilinear interpolation from a grid to the frame, corners not aligned, and its adjoint: two small matrices."""

    def __init__(self, grid: tuple[int, int], size: tuple[int, int], like: Tensor) -> None:
        """Prepare it for maps of `grid` and frames of `size`, on the device and of the type of `like`."""
        self._rows, self._columns = (
            functional.interpolate(
                torch.eye(cells, device=like.device, dtype=like.dtype)[None], size=pixels, mode="linear"
            )[0].T.contiguous()
            for cells, pixels in zip(grid, size, strict=True)
        )

    def enlarge(self, x: Tensor) -> Tensor:
        """... x h x w -> ... x H x W."""
        return self._rows @ x @ self._columns.T

    def adjoint(self, x: Tensor) -> Tensor:
        """... x H x W -> ... x h x w."""
        return self._rows.T @ x @ self._columns


class Targets:
    """What the scores of N samples should be, enlarged to the frame, and how much each pixel of each counts."""

    def __init__(self, masks: Tensor, enlargement: Enlargement, *, foreground: float, smallest: int = 0) -> None:
        """Take masks; with less than `foreground` of the frame, an object's pixels weigh that much together.

        Args:
            masks: N x 1 x H x W in [0, 1].
            enlargement: From scores to masks.
            foreground: See `SolverConfig`.
            smallest: All pixels of a mask that has fewer above one half weigh 1.
        """
        self._enlargement = enlargement
        self.inside = masks > 0.5
        self._weights = _class_weights(self.inside, foreground, smallest)
        self.wanted = enlargement.adjoint(masks * self._pixel_weights())

    def _pixel_weights(self, chosen: slice = slice(None)) -> Tensor:
        inside, outside = (x[chosen, :, None, None] for x in self._weights)
        return torch.where(self.inside[chosen], inside, outside)

    def weigh(self, scores: Tensor, *, at_once: int = 16) -> Tensor:
        """Enlarge N x 1 x h x w, weigh each pixel, and come back by the adjoint."""
        parts = [slice(start, start + at_once) for start in range(0, len(scores), at_once)]
        weighed = (self._enlargement.enlarge(scores[part]) * self._pixel_weights(part) for part in parts)
        return torch.cat([self._enlargement.adjoint(x) for x in weighed])

    def put(self, slot: int, other: "Targets") -> None:
        """Take a sample of others in place of sample `slot`, or behind the last one."""
        self.inside, self.wanted = _put(self.inside, slot, other.inside), _put(self.wanted, slot, other.wanted)
        inside, outside = zip(self._weights, other._weights, strict=True)
        self._weights = _put(inside[0], slot, inside[1]), _put(outside[0], slot, outside[1])


def _class_weights(inside: Tensor, least: float, smallest: int) -> tuple[Tensor, Tensor]:
    """Return the weight of pixels inside and outside of each mask, N x 1 each."""
    share, pixel = inside.float().mean((2, 3)), 1 / inside[0].numel()
    influence, small = share.clamp(min=least), inside.sum((2, 3)) < smallest
    within, without = influence / share.clamp(min=pixel), (1 - influence) / (1 - share).clamp(min=pixel)
    return within.masked_fill(small, 1), without.masked_fill(small, 1)


def _put(store: Tensor, slot: int, new: Tensor) -> Tensor:
    if slot == len(store):
        return torch.cat([store, new])
    store[slot] = new[0]
    return store
