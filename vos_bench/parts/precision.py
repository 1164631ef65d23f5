"""The precision that networks compute in."""

from contextlib import AbstractContextManager, nullcontext

import torch

from vos_bench.api import Precision

_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def autocast(device: torch.device, amp: Precision) -> AbstractContextManager[None]:
    """Return torch's autocast to a precision on a device; for `off` and `tf32` a context that changes nothing."""
    return torch.autocast(device.type, dtype=_TYPES[amp]) if amp in _TYPES else nullcontext()
