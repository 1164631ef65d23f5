"""What `--device` stands for, and how torch computes on a GPU: how exact float32 is, and with which bits."""

import shutil
import sys
from dataclasses import dataclass
from pathlib import Path

from vos_bench.api import Precision
from vos_bench.errors import BadInputError


@dataclass(frozen=True)
class TorchFlags:
    """torch's numeric switches; each None while torch is not loaded.

    Attributes:
        tf32: Whether float32 matrix products or convolutions may be rounded to TF32 on a GPU: one of the next two.
        tf32_products: Whether matrix products may be.
        tf32_convolutions: Whether convolutions may be.
        deterministic: Whether convolutions on a GPU are held to algorithms that give the same bits every time.
        cudnn_benchmark: Whether cuDNN picks its algorithm by trying.
    """

    tf32: bool | None = None
    tf32_products: bool | None = None
    tf32_convolutions: bool | None = None
    deterministic: bool | None = None
    cudnn_benchmark: bool | None = None


def resolve_device(device: str, *, worker: int = 0, workers: int = 1) -> str:
    """Return the torch device name that `device` stands for.

    Args:
        device: `auto` for a GPU where there is one, else a torch device name.
        worker: Which process asks, from 0; with several, process i gets GPU i modulo the number of GPUs, unless
            `device` names one.
        workers: How many there are.

    Raises:
        BadInputError: There is no such device.
    """
    if device == "cpu" or (device == "auto" and not _has_gpu()):
        return "cpu"
    if device == "auto":
        device = "cuda"
    kind, _, index = device.partition(":")
    if kind != "cuda" or not (index.isdigit() or device == "cuda"):
        raise BadInputError(f"--device {device}: expected auto, cpu, cuda or cuda:N")
    import torch

    count = torch.cuda.device_count()
    if int(index or 0) >= count:
        raise BadInputError(
            f"--device {device}: found {count} GPUs that torch can use; expected a GPU, or --device cpu"
        )
    return f"cuda:{worker % count}" if workers > 1 and not index else device


def torch_flags() -> TorchFlags:
    """Read torch's numeric switches if something has loaded torch already."""
    torch = sys.modules.get("torch")
    if torch is None:
        return TorchFlags()
    products, convolutions = torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32
    return TorchFlags(
        tf32=products or convolutions,
        tf32_products=products,
        tf32_convolutions=convolutions,
        deterministic=torch.backends.cudnn.deterministic or torch.are_deterministic_algorithms_enabled(),
        cudnn_benchmark=torch.backends.cudnn.benchmark,
    )


def set_float32_mode(device: str, amp: Precision, *, deterministic: bool = True) -> None:
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


def use_device(device: str) -> None:
    """Make this GPU the one that torch takes where none is named, if this process uses a GPU at all."""
    torch = sys.modules.get("torch")
    if torch is None or not torch.cuda.is_initialized():
        return
    index = torch.device(device).index
    if index is not None:
        torch.cuda.set_device(index)


def _has_gpu() -> bool:
    """Ask torch only where the system looks as if it had a GPU: loading torch takes seconds."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists() or shutil.which("nvidia-smi")):
        return False
    import torch

    return torch.cuda.is_available()
