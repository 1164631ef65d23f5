"""How torch computes on a GPU: how exact float32 is, whether all passes give the same bits, and which GPU it is."""

import sys

from vos_bench.api import Precision


def settle(device: str, amp: Precision, *, deterministic: bool = True) -> None:
    """Set torch's numeric switches for all that runs on this device; on the CPU they stay as they are.

    torch lets convolutions round float32 to TF32's ten bits of mantissa unless it is told not to: here `off` is float32
    throughout, and so is what stays float32 beside `fp16` and `bf16`; `tf32` rounds convolutions and matrix products.
    cuDNN's quickest gradients of convolutions add up in any order, so that two passes over one sequence may differ:
    where `deterministic` it has to take those that do not.

    Args:
        device: A torch device name; torch is imported only for a GPU.
        amp: What the user asked for.
        deterministic: Whether the same input has to give the same bits.
    """
    if not device.startswith("cuda"):
        return
    import torch

    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = amp == "tf32"
    torch.backends.cudnn.deterministic = deterministic


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
