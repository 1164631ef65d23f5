"""Writes random parameters of a system: `python checkout_parameters.py XMem|AOT OUT SEED CLIP.npz` beside its checkout.

The checkout's own code builds the network, so that it has to be on the path (PYTHONPATH).
"""

import importlib
import sys
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

XMEM_SETTINGS = {
    "top_k": 30,
    "mem_every": 5,
    "deep_update_every": -1,
    "enable_long_term": True,
    "enable_long_term_count_usage": False,
    "min_mid_term_frames": 5,
    "max_mid_term_frames": 10,
    "max_long_term_elements": 10000,
    "num_prototypes": 128,
}


def xmem(frames: torch.Tensor, masks: torch.Tensor) -> dict[str, Any]:
    """Return parameters such that masks are neither empty nor full: untouched random ones leave them all empty.

    The last layer is shifted and scaled: logits of the second frame then have the median 0 and the deviation 3.
    """
    network = importlib.import_module("model.network").XMem(XMEM_SETTINGS).eval()
    logits: list[torch.Tensor] = []
    last = network.decoder.pred
    last.register_forward_hook(lambda *found: logits.append(found[2]))
    core = importlib.import_module("inference.inference_core").InferenceCore(network, config=XMEM_SETTINGS)
    labels = list(range(1, len(masks) + 1))
    core.set_all_labels(labels)
    core.step(frames[0], masks, labels)
    core.step(frames[1])
    median, deviation = logits[-1].median(), logits[-1].std()
    last.weight.mul_(3 / deviation)
    last.bias.sub_(median).mul_(3 / deviation)
    found: dict[str, Any] = network.state_dict()
    return found


def aot(frames: torch.Tensor, masks: torch.Tensor) -> dict[str, Any]:
    """Return parameters as they start, of the model that needs no package that only a CUDA compiler builds."""
    del frames, masks
    configuration = importlib.import_module("configs.pre_ytb_dav").EngineConfig("peers", "r50_deaotl")
    network = importlib.import_module("networks.models").build_vos_model(configuration.MODEL_VOS, configuration)
    return {"state_dict": network.state_dict()}


SYSTEMS: dict[str, Callable[[torch.Tensor, torch.Tensor], dict[str, Any]]] = {"XMem": xmem, "AOT": aot}


@torch.no_grad()
def main() -> None:
    """Write the parameters of one system."""
    system, out, seed, clip = sys.argv[1:]
    torch.manual_seed(int(seed))
    with np.load(clip) as arrays:
        frames, masks = torch.from_numpy(arrays["frames"]).float() / 255, torch.from_numpy(arrays["masks"]).float()
    torch.save(SYSTEMS[system](frames.permute(0, 3, 1, 2), masks), out)


if __name__ == "__main__":
    main()
