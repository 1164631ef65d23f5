"""Weights of our own making: safetensors, half precision on disk, single precision in use."""

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from vos_bench.errors import BadInputError


def read_weights(path: Path) -> dict[str, Tensor]:
    """Read a safetensors file; floating-point tensors become float32.

    Raises:
        BadInputError: There is no such file, or it is not one.
    """
    try:
        tensors = load_file(path)
    except (OSError, SafetensorError) as error:
        raise BadInputError(f"{path}: cannot be read as safetensors: {error}") from None
    return {name: value.float() if value.is_floating_point() else value for name, value in tensors.items()}
