"""Bringing images to a size that a network's strides divide, and back."""

from typing import NamedTuple, Self

import torch
from torch import Tensor
from torch.nn import functional


class Padding(NamedTuple):
    """What is added around an image, in pixels."""

    left: int
    right: int
    top: int
    bottom: int

    @classmethod
    def to_multiple(
        cls, size: tuple[int, int], multiple: int, *, always: bool = False, odd_first: bool = False
    ) -> Self:
        """Return the least padding that makes `size` (H, W) divisible; an odd pixel goes right and to the bottom.

        With `always`, a side that is divisible already gets one more multiple. With `odd_first`, an odd pixel goes left
        and to the top.
        """
        down, across = (multiple - extent % multiple if always else -extent % multiple for extent in size)
        top, left = ((extent + odd_first) // 2 for extent in (down, across))
        return cls(left, across - left, top, down - top)

    def pad(self, x: Tensor) -> Tensor:
        """Surround ... x H x W by zeros."""
        return functional.pad(x, self) if any(self) else x

    def reflect(self, x: Tensor) -> Tensor:
        """Surround ... x H x W by its mirror image, which does not repeat the edge, again and again where it is small.

        On an image larger than the padding this is PyTorch's mode `reflect`.
        """
        if not any(self):
            return x
        rows = _mirrored(x.shape[-2], self.top, self.bottom, x.device)
        columns = _mirrored(x.shape[-1], self.left, self.right, x.device)
        return x[..., rows[:, None], columns]

    def crop(self, x: Tensor) -> Tensor:
        """Undo `pad` or `reflect`."""
        height, width = x.shape[-2], x.shape[-1]
        return x[..., self.top : height - self.bottom, self.left : width - self.right]


def _mirrored(extent: int, before: int, after: int, device: torch.device) -> Tensor:
    """Return which of `extent` places each place of a mirrored line shows."""
    period = max(1, 2 * (extent - 1))
    places = torch.arange(-before, extent + after, device=device).abs() % period
    return torch.minimum(places, period - places)
