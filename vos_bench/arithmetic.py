"""Which GPU torch computes on where none is named."""

import sys


def make_current(device: str) -> None:
    """Make this GPU the one that torch takes where none is named, if this process uses a GPU at all.

    Args:
        device: A torch device name.
    """
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    index = torch.device(device).index
    if index is not None:
        torch.cuda.set_device(index)
