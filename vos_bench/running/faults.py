"""Why a sequence failed, and faults of the machine told apart from a method's: no memory left, or a lost GPU."""

import gc
import sys
import traceback
from typing import NamedTuple, Self

from vos_bench.environment import without_home
from vos_bench.errors import BadInputError, MethodError, VosBenchError, one_line
from vos_bench.foreign_code import message_of
from vos_bench.names import to_utf8

_WORDS = (
    "DefaultCPUAllocator",  # torch on the CPU has a RuntimeError and no class for it
    "CUDA error: out of memory",  # likewise where the driver says so and not torch's own allocator
    "CUBLAS_STATUS_ALLOC_FAILED",
    "Insufficient memory",  # OpenCV
)


class GpuLostError(BadInputError):
    """The GPU no longer answers this process, so this process runs nothing more."""

    @classmethod
    def during(cls, sequence: str, error: str) -> Self:
        """Say on which sequence it was lost, and what to do."""
        return cls(
            f"{sequence}: {error}\n"
            "  the GPU no longer answers, so that the run ends here; finished sequences are kept\n"
            "  the same command goes on with those that were not tried yet and tries this one last\n"
            "  if the GPU fails again, look at what the driver says of it (nvidia-smi, dmesg), or give another --device"
        )


class Failure(NamedTuple):
    """Why a sequence failed: one line, and the traceback of foreign code (empty for an error of this package)."""

    error: str
    traceback: str

    @classmethod
    def of(cls, error: Exception) -> Self:
        """Describe an error without the user's home folder."""
        known = isinstance(error, VosBenchError)
        cause = error.__cause__ if known else error
        trace = "".join(traceback.format_exception(cause)) if cause is not None else ""
        text = message_of(error) if known else f"{type(error).__name__}: {message_of(error)}"
        return cls(to_utf8(without_home(one_line(text))), to_utf8(without_home(trace)))


class Halving(NamedTuple):
    """How many objects went through a method together, and how many should."""

    before: int
    after: int


def ran_out_of_memory(error: BaseException) -> bool:
    """Say whether a method failed because there was no memory left; what reading of data fails on does not count."""
    if isinstance(error, VosBenchError) and not isinstance(error, MethodError):
        return False
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, _kinds()) or any(words in message_of(found) for words in _WORDS):
            return True
        found = found.__cause__
    return False


def _kinds() -> tuple[type[BaseException], ...]:
    torch = sys.modules.get("torch")  # a method that never loaded it raises nothing of its
    return (MemoryError,) if torch is None else (MemoryError, torch.OutOfMemoryError)


def halved(most: int | None, objects: int) -> Halving | None:
    """Return how many objects to take at a time after memory ran out; None where nothing is left to halve."""
    before = min(most or 1, max(objects, 1))
    return Halving(before, (before + 1) // 2) if before > 1 else None


def advice(method: str, most: int | None, objects: int) -> str:
    """Return what to say of a sequence of so many objects for which there is too little memory, whatever is tried."""
    alone = most is not None and min(most, objects) <= 1
    tried = "with 1 object at a time too" if alone else f"and {method} cannot take fewer objects at a time"
    return f"out of memory, {tried}; expected more memory, fewer --jobs, or smaller frames"


def release_memory(device: str) -> None:
    """Release memory that a failed attempt still holds; call it outside the `except` that holds its traceback."""
    gc.collect()
    torch = sys.modules.get("torch")
    if torch is not None and device.startswith("cuda"):
        torch.cuda.empty_cache()


def gpu_is_lost(device: str) -> bool:
    """Ask a GPU whether it still answers this process; after some errors every later call fails, whoever makes it."""
    torch = sys.modules.get("torch")
    if torch is None or not device.startswith("cuda"):
        return False
    try:
        torch.cuda.synchronize(device)
    except RuntimeError:
        return True
    return False
