"""What `--device` stands for."""

import shutil
from pathlib import Path

from vos_bench.errors import BadInputError


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


def _has_gpu() -> bool:
    """Ask torch only where the system looks as if it had a GPU: loading torch takes seconds."""
    if not (Path("/proc/driver/nvidia/version").exists() or Path("/dev/kfd").exists() or shutil.which("nvidia-smi")):
        return False
    import torch

    return torch.cuda.is_available()
