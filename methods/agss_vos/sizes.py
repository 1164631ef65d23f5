"""The size at which AGSS-VOS works."""

from .config import Script

_MULTIPLE = 64
_LARGEST = 1280 * 720
_LONGEST = 700


def network_size(size: tuple[int, int], script: Script) -> tuple[int, int]:
    """Return H and W of the network's input for frames of `size` (H, W): multiples of 64, rounded down, 64 at least."""
    height, width = size
    if script == "ytvos" and max(size) > _LONGEST:
        height, width = height // 2, width // 2
    elif height * width > _LARGEST:
        height, width = _bounded(height, width)
    return _rounded(height), _rounded(width)


def _bounded(height: int, width: int) -> tuple[int, int]:
    """Take three quarters of both sides, in multiples of 8, or a fixed size where that is still too large."""
    portrait = height > width
    height, width = (extent // 4 * 3 // 8 * 8 for extent in (height, width))
    if height * width <= _LARGEST:
        return height, width
    return (640, 320) if portrait else (320, 640)


def _rounded(extent: int) -> int:
    return max(_MULTIPLE, extent // _MULTIPLE * _MULTIPLE)
