"""Cutie (github.com/hkchengrex/Cutie, MIT) for `vos-bench run cutie`; runs in the environment where Cutie is installed.

Sizes, memory interval, top-k and resizing are those of the authors' evaluation of DAVIS and YouTube-VOS.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from driver_tools import autocast, read_weights, set_tf32, skip_imagenet_weights
from PIL import Image
from torch.nn import functional
from torchvision.transforms import InterpolationMode, Resize
from vos_bench_client import serve


def load(hello, options):
    """Return the network with its configuration inside, on the device that was asked for."""
    from cutie.inference import inference_core
    from cutie.inference.utils.args_utils import get_dataset_cfg
    from cutie.model.cutie import CUTIE
    from cutie.model.utils import resnet
    from hydra import compose, initialize_config_dir
    from omegaconf import open_dict

    folder = Path(inference_core.__file__).resolve().parent.parent / "config"
    with initialize_config_dir(version_base="1.3.2", config_dir=str(folder)):
        configuration = compose(config_name="eval_config", overrides=["model=" + options.model])
    with open_dict(configuration):
        configuration["weights"] = hello["weights"]
        configuration["mem_every"] = options.mem_every
    get_dataset_cfg(configuration)
    skip_imagenet_weights(resnet)
    network = CUTIE(configuration).to(hello["device"]).eval()
    network.load_weights(read_weights(hello["weights"], hello["device"]))
    return network, configuration


class Cutie:
    """One network, a fresh memory for each sequence."""

    @torch.inference_mode()  # as theirs: with parameters that are made elsewhere, convolutions round otherwise
    def __init__(self, hello, options):
        self.device, self.amp, self.size = hello["device"], hello["amp"], options.size
        self.resize_image = Resize(self.size, interpolation=InterpolationMode.BILINEAR, antialias=True)
        self.resize_labels = Resize(self.size, interpolation=InterpolationMode.NEAREST)
        set_tf32(self.amp)
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
        pixels, labels = torch.from_numpy(image).permute(2, 0, 1).contiguous().float() / 255, new
        if 0 < self.size < min(image.shape[:2]):
            pixels = self.resize_image(pixels)
            labels = np.array(self.resize_labels(Image.fromarray(new.astype(np.int32))))
        started = [int(k) for k in np.unique(labels) if k]
        mask = torch.from_numpy(labels.astype(np.int64)).to(self.device) if started else None
        with autocast(self.device, self.amp):
            shares = self.core.step(pixels.to(self.device), mask, started or None)
            if shares.shape[1:] != image.shape[:2]:
                whole = image.shape[:2]
                shares = functional.interpolate(shares[:, None], whole, mode="bilinear", align_corners=False)[:, 0]
        self.objects += started
        return np.array([0, *self.objects], np.uint16)[shares.argmax(dim=0).cpu().numpy()]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", default="base", choices=("base", "small"))
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--mem-every", type=int, default=5)
    given = parser.parse_args()
    serve(lambda hello: Cutie(hello, given))
