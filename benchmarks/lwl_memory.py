"""Whether LWL's memory stays flat over a long video: resident memory every hundred frames.

    python benchmarks/lwl_memory.py --frames 2000 --crop 192x320

The network is small by default, so that 2,000 frames take minutes; `--released` takes the released one.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import torch

from vos_bench.api import Prompt
from vos_bench.methods.lwl.config import BackboneConfig, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.methods.lwl.tracker import LwlTracker

SMALL = LwlConfig(
    backbone=BackboneConfig(name="mobilenetv3_small_050"), target_channels=64, label_channels=8, decoder_channels=8
)


def resident_mib() -> float:
    """Return the resident memory of this process (Linux)."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


def main() -> None:
    """Track noise and print the memory."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=2000)
    parser.add_argument("--crop", default="192x320")
    parser.add_argument("--released", action="store_true")
    parser.add_argument("--threads", type=int, default=2)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    height, width = map(int, arguments.crop.split("x"))
    network = LwlNetwork(LwlConfig() if arguments.released else SMALL)
    tracker = LwlTracker(network, TrackerConfig(crop_size=(height, width)))
    generator, mask = np.random.default_rng(0), np.zeros((240, 400), bool)
    mask[80:160, 120:240] = True
    images = generator.integers(0, 255, (16, 240, 400, 3), dtype=np.uint8)
    tracker.initialize(images[0], Prompt(masks={1: mask}))
    start, settled = time.perf_counter(), 0.0
    for frame in range(1, arguments.frames):
        tracker.step(images[frame % len(images)])
        if frame == 100:
            settled = resident_mib()
        if frame % 100 == 0:
            seconds = time.perf_counter() - start
            print(f"frame {frame}: {resident_mib():.1f} MiB, {seconds / frame:.3f} s a frame", flush=True)
    print(f"from frame 100 to {arguments.frames}: {resident_mib() - settled:+z.1f} MiB")


if __name__ == "__main__":
    main()
