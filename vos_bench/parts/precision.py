"""The precision that networks compute in."""

from contextlib import AbstractContextManager, nullcontext

import torch

from vos_bench.api import Precision

_TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}


def autocast(device: torch.device, amp: Precision) -> AbstractContextManager[None]:
    """Return torch's autocast to a precision on a device; for `off` a context that changes nothing."""
    return nullcontext() if amp == "off" else torch.autocast(device.type, dtype=_TYPES[amp])
