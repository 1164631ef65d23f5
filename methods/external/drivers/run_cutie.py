"""Cutie (github.com/hkchengrex/Cutie, MIT) for `vos-bench run cutie`; runs in the environment where Cutie is installed.

Sizes, memory interval and top-k are those of the authors' evaluation of DAVIS and YouTube-VOS.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from vos_bench_client import serve


def load(hello, options):
    """Return the network with its configuration inside, on the device that was asked for."""
    from cutie.inference import inference_core
    from cutie.inference.utils.args_utils import get_dataset_cfg
    from cutie.model.cutie import CUTIE
    from hydra import compose, initialize_config_dir
    from omegaconf import open_dict

    folder = Path(inference_core.__file__).resolve().parent.parent / "config"
    with initialize_config_dir(version_base="1.3.2", config_dir=str(folder)):
        configuration = compose(config_name="eval_config", overrides=["model=" + options.model])
    with open_dict(configuration):
        configuration["weights"] = hello["weights"]
        configuration["mem_every"] = options.mem_every
        configuration["max_internal_size"] = options.size
    get_dataset_cfg(configuration)
    network = CUTIE(configuration).to(hello["device"]).eval()
    network.load_weights(torch.load(hello["weights"], map_location=hello["device"], weights_only=True))
    return network, configuration


class Cutie:
    """One network, a fresh memory for each sequence."""

    def __init__(self, hello, options):
        self.device, self.amp = hello["device"], hello["amp"]
        torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = self.amp == "tf32"
        self.network, self.configuration = load(hello, options)

    def start(self, image, new, boxes):
        """Begin a sequence."""
        from cutie.inference.inference_core import InferenceCore

        self.core = InferenceCore(self.network, cfg=self.configuration)
        self.objects = []
        return self.step(image, new, boxes)

    @torch.inference_mode()
    def step(self, image, new, boxes):
        """Answer the next frame."""
        del boxes  # vos-bench hands none over: this method starts from masks
        pixels = torch.from_numpy(image.copy()).to(self.device).permute(2, 0, 1).float() / 255
        started = [int(k) for k in np.unique(new) if k]
        mask = torch.from_numpy(new.astype(np.int64)).to(self.device) if started else None
        precision = torch.bfloat16 if self.amp == "bf16" else torch.float16
        with torch.autocast(self.device.split(":")[0], dtype=precision, enabled=self.amp in ("fp16", "bf16")):
            shares = self.core.step(pixels, mask, started or None)
        self.objects += started
        return np.array([0, *self.objects], np.uint16)[shares.argmax(dim=0).cpu().numpy()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="base", choices=("base", "small"))
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--mem-every", type=int, default=5)
    given = parser.parse_args()
    serve(lambda hello: Cutie(hello, given))
