"""Bringing images to a size that a network's strides divide, and back."""

from typing import NamedTuple, Self

from torch import Tensor
from torch.nn import functional


class Padding(NamedTuple):
    """What is added around an image, in pixels."""

    left: int
    right: int
    top: int
    bottom: int

    @classmethod
    def to_multiple(cls, size: tuple[int, int], multiple: int, *, always: bool = False) -> Self:
        """Return the least padding that makes `size` (H, W) divisible; an odd pixel goes right and to the bottom.

        With `always`, a side that is divisible already gets one more multiple.
        """
        down, across = (multiple - extent % multiple if always else -extent % multiple for extent in size)
        return cls(across // 2, across - across // 2, down // 2, down - down // 2)

    def pad(self, x: Tensor) -> Tensor:
        """Surround ... x H x W by zeros."""
        return functional.pad(x, self) if any(self) else x

    def crop(self, x: Tensor) -> Tensor:
        """Undo `pad`."""
        height, width = x.shape[-2], x.shape[-1]
        return x[..., self.top : height - self.bottom, self.left : width - self.right]
