"""What several drivers share. Runs in the environments of the systems: Python 3.8, torch, no more."""

import torch


def autocast(device, amp):
    """Return the context in which a network runs in the precision that was asked for."""
    precision = torch.bfloat16 if amp == "bf16" else torch.float16
    return torch.autocast(device.split(":")[0], dtype=precision, enabled=amp in ("fp16", "bf16"))


def set_tf32(amp):
    """Let float32 products be rounded to TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = amp == "tf32"


def read_weights(path, device="cpu"):
    """Read a checkpoint; a file that would run code is refused here, before the authors' code opens it."""
    return torch.load(path, map_location=device, weights_only=True)


def skip_imagenet_weights(resnet):
    """Keep a module of ResNets from downloading ImageNet parameters, all of which the checkpoint replaces.

    Args:
        resnet: The system's own module with `model_zoo` and `load_weights_add_extra_dim`.
    """
    resnet.model_zoo.load_url = lambda *_, **__: {}
    resnet.load_weights_add_extra_dim = lambda *_, **__: None
