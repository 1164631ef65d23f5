"""XMem (github.com/hkchengrex/XMem, MIT) for `vos-bench run xmem`; runs in an environment of its own.

Settings, resizing and rounding are those of the authors' evaluation script.
"""

import argparse
import sys

import numpy as np
import torch
from driver_tools import autocast, read_weights, set_tf32, skip_imagenet_weights
from torch.nn import functional
from torchvision import transforms
from vos_bench_client import serve

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class XMem:
    """One network, a fresh memory for each sequence."""

    def __init__(self, hello, options):
        from model import resnet
        from model.network import XMem as Network

        skip_imagenet_weights(resnet)
        self.device, self.amp, self.size = hello["device"], hello["amp"], options.size
        set_tf32(self.amp)
        self.settings = {
            "top_k": options.top_k,
            "mem_every": options.mem_every,
            "deep_update_every": -1,
            "enable_long_term": not options.no_long_term,
            "enable_long_term_count_usage": not options.no_long_term,
            "min_mid_term_frames": 5,
            "max_mid_term_frames": 10,
            "max_long_term_elements": 10000,
            "num_prototypes": 128,
        }
        weights = read_weights(hello["weights"], self.device)  # first: their code opens the file too, for its sizes
        self.network = Network(self.settings, hello["weights"], map_location=self.device).to(self.device).eval()
        self.network.load_weights(weights, init_as_zero_if_needed=True)
        steps = [transforms.Normalize(MEAN, DEVIATION)]
        if self.size > 0:  # the authors leave antialiasing to torchvision's default
            steps.append(transforms.Resize(self.size, transforms.InterpolationMode.BILINEAR))
        self.preprocess = transforms.Compose(steps)

    def start(self, image, new, boxes):
        """Begin a sequence."""
        from inference.inference_core import InferenceCore

        self.core = InferenceCore(self.network, config=self.settings)
        self.objects = []
        return self.step(image, new, boxes)

    @torch.no_grad()
    def step(self, image, new, boxes):
        """Answer the next frame."""
        del boxes  # vos-bench hands none over: this method starts from masks
        pixels = torch.from_numpy(image).permute(2, 0, 1).contiguous().float() / 255
        small = self.preprocess(pixels).to(self.device)
        started = [int(k) for k in np.unique(new) if k]
        masks = labels = None
        if started:
            labels = list(range(len(self.objects) + 1, len(self.objects) + len(started) + 1))
            self.objects += started
            self.core.set_all_labels(list(range(1, len(self.objects) + 1)))
            planes = np.stack([new == k for k in self.objects]).astype(np.float32)
            masks = self.resize_masks(torch.from_numpy(planes).to(self.device))
        with autocast(self.device, self.amp):
            shares = self.core.step(small, masks, labels).float()
        whole = functional.interpolate(shares[None], size=image.shape[:2], mode="bilinear", align_corners=False)[0]
        return np.array([0, *self.objects], np.uint16)[whole.argmax(dim=0).cpu().numpy()]

    def resize_masks(self, planes):
        """Bring the shorter side of K x H x W masks to the size that was asked for; -1 leaves it."""
        if self.size <= 0:
            return planes
        shorter = min(planes.shape[-2:])
        size = tuple(int(side / shorter * self.size) for side in planes.shape[-2:])
        return functional.interpolate(planes[None], size=size, mode="nearest")[0]


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", required=True)
    parser.add_argument("--size", type=int, default=480)
    parser.add_argument("--mem-every", type=int, default=5)
    parser.add_argument("--top-k", type=int, default=30)
    parser.add_argument("--no-long-term", action="store_true")
    given = parser.parse_args()
    sys.path.insert(0, given.repository)
    serve(lambda hello: XMem(hello, given))
