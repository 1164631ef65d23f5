"""AOT and DeAOT (github.com/yoxu515/aot-benchmark, BSD-3) for `vos-bench run aot`; runs in an environment of theirs.

Frames are prepared as the authors' loader does it: shrunk so that the longer side has at most `--longest` pixels, and
to one more than a multiple of 16 where the model aligns corners.
"""

import argparse
import importlib
import importlib.util
import os
import sys
import tempfile

import cv2
import numpy as np
import torch
from driver_tools import autocast, read_weights, set_tf32
from torch.nn import functional
from vos_bench_client import serve

MEAN, DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
SAMPLER = "spatial_correlation_sampler"


def require_sampler(model):
    """End with one sentence where a model needs a package that is not installed."""
    if "deaot" not in model.lower() and importlib.util.find_spec(SAMPLER) is None:
        raise SystemExit(
            f"{model} needs the package {SAMPLER} (built with a CUDA compiler): install it in the system's"
            " environment, or --set model=r50_deaotl"
        )


class Aot:
    """One network and engine; the engine is started over for each sequence."""

    def __init__(self, hello, options):
        from networks.engines import build_engine
        from networks.models import build_vos_model
        from utils.checkpoint import load_network

        self.device, self.amp, self.longest = hello["device"], hello["amp"], options.longest
        set_tf32(self.amp)
        number = int(self.device.partition(":")[2] or 0)
        configuration = importlib.import_module("configs." + options.stage).EngineConfig("vos_bench", options.model)
        configuration.TEST_CKPT_PATH = hello["weights"]
        self.align = configuration.MODEL_ALIGN_CORNERS
        network = build_vos_model(configuration.MODEL_VOS, configuration).to(self.device)
        read_weights(hello["weights"])  # first: their code would run what is pickled in it
        network, left_out = load_network(network, hello["weights"], number)
        if left_out:
            raise SystemExit(f"{hello['weights']}: holds parameters of another model: {sorted(left_out)[:8]}")
        network.eval()
        self.engine = build_engine(
            configuration.MODEL_ENGINE,
            phase="eval",
            aot_model=network,
            gpu_id=number,
            long_term_mem_gap=configuration.TEST_LONG_TERM_MEM_GAP,
            short_term_mem_skip=getattr(configuration, "TEST_SHORT_TERM_MEM_SKIP", 1),
        )
        self.engine.eval()

    def start(self, image, new, boxes):
        """Begin a sequence."""
        self.engine.restart_engine()
        self.objects, self.number = [], 0
        return self.step(image, new, boxes)

    @torch.no_grad()
    def step(self, image, new, boxes):
        """Answer the next frame."""
        del boxes  # vos-bench hands none over: this method starts from masks
        with autocast(self.device, self.amp):
            small = self.preprocess(image)
            labels = torch.zeros((1, 1, *image.shape[:2]), device=self.device)
            if self.number:
                self.engine.match_propogate_one_frame(small)
                logits = self.engine.decode_current_logits(image.shape[:2])
                labels = torch.softmax(logits, dim=1).argmax(dim=1, keepdim=True).float()
            started = [int(k) for k in np.unique(new) if k]
            for k in started:
                self.objects.append(k)
                labels[0, 0, torch.from_numpy(new == k).to(self.device)] = len(self.objects)
            seen = functional.interpolate(labels, size=small.shape[2:], mode="nearest")
            if started:
                self.engine.add_reference_frame(small, seen, obj_nums=[len(self.objects)], frame_step=self.number)
            else:
                self.engine.update_memory(seen)
        self.number += 1
        return np.array([0, *self.objects], np.uint16)[labels[0, 0].long().cpu().numpy()]

    def preprocess(self, image):
        """Return the frame as the network takes it, 1 x 3 x h x w."""
        scale = min(1.0, self.longest / max(image.shape[:2]))
        height, width = (self.fitting_side(int(scale * side)) for side in image.shape[:2])
        pixels = image.astype(np.float32)
        if (height, width) != image.shape[:2]:
            pixels = cv2.resize(pixels, dsize=(width, height), interpolation=cv2.INTER_CUBIC)
        pixels /= 255.0
        pixels -= MEAN
        pixels /= DEVIATION
        return torch.from_numpy(np.ascontiguousarray(pixels.transpose(2, 0, 1)))[None].to(self.device)

    def fitting_side(self, side):
        """Return the nearest side that the network's strides fit."""
        return max(1, int(np.around((side - self.align) / 16))) * 16 + int(self.align)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--repository", required=True)
    parser.add_argument("--model", default="r50_aotl")
    parser.add_argument("--stage", default="pre_ytb_dav")
    parser.add_argument("--longest", type=int, default=1040)
    given = parser.parse_args()
    require_sampler(given.model)
    sys.path.insert(0, given.repository)
    with tempfile.TemporaryDirectory() as folder:  # their configuration makes folders for results where it stands
        os.chdir(folder)
        serve(lambda hello: Aot(hello, given))
        os.chdir(given.repository)
