"""Where LWL's time goes: seconds per frame, part by part, for a growing memory.

Runs the tracker with untrained weights (speed does not depend on them) on a synthetic 832 x 480 video with one or
more objects, reading and decoding not included:

    python benchmarks/lwl_split.py --frames 46 --threads 2
"""

import argparse
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch

from vos_bench.api import Image, Prompt
from vos_bench.methods.lwl.config import LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.methods.lwl.tracker import LwlTracker

PARTS = {
    "extract": "backbone",
    "target_features": "target features",
    "encode_labels": "label encoder, the new mask",
    "learn": "steepest descent",
    "score": "apply target model",
    "decode": "decoder",
}
REST = "crop, resize, scale, merge, box"


class Split:
    """Seconds of each part of the network, by frame."""

    def __init__(self, tracker: LwlTracker) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._device = tracker._engine.device
        network = tracker._engine.network
        for name in PARTS:
            setattr(network, name, self._timed(name, getattr(network, name)))

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call."""
        taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            start = self._now()
            result = function(*arguments, **keywords)
            self.seconds[name] += self._now() - start
            return result

        return call

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def video(frames: int, objects: int, size: tuple[int, int] = (480, 832)) -> Iterator[tuple[Image, np.ndarray]]:
    """Yield images with moving ellipses on smooth noise, and their label maps."""
    generator = np.random.default_rng(0)
    coarse = torch.from_numpy(generator.uniform(0, 255, (1, 3, 12, 20)))
    background = torch.nn.functional.interpolate(coarse, size=size, mode="bicubic")[0].clamp(0, 255)
    rows, columns = np.mgrid[: size[0], : size[1]]
    for index in range(frames):
        image = background.permute(1, 2, 0).numpy().astype(np.uint8).copy()
        labels = np.zeros(size, np.uint16)
        for k in range(1, objects + 1):
            centre = size[0] * (0.3 + 0.4 * k / (objects + 1)), size[1] * k / (objects + 1) + 2 * index
            inside = ((rows - centre[0]) / 60) ** 2 + ((columns - centre[1]) / 45) ** 2 < 1
            image[inside], labels[inside] = (40 * k % 256, 90, 250 - 30 * k % 256), k
        yield image, labels


def measure(arguments: argparse.Namespace) -> list[tuple[int, dict[str, float]]]:
    """Track the video; return the memory's size and the seconds of each part, by frame."""
    height, width = map(int, arguments.crop.split("x"))
    config = TrackerConfig(crop_size=(height, width), memory_size=arguments.memory, probabilities=False)
    tracker = LwlTracker(
        LwlNetwork(LwlConfig()).eval(),
        config,
        device=arguments.device,
        amp=arguments.amp,
        compile=arguments.compile,
    )
    split, rows = Split(tracker), []
    for index, (image, labels) in enumerate(video(arguments.frames, arguments.objects)):
        start = time.perf_counter()
        if index == 0:
            tracker.initialize(image, Prompt(masks={k: labels == k for k in range(1, arguments.objects + 1)}))
        else:
            tracker.step(image)
        total = time.perf_counter() - start
        parts = split.take()
        rows.append((tracker.cohorts[0].memory.weights.filled, {**parts, "total": total, "first": float(index == 0)}))
    return rows


def table(rows: list[tuple[int, dict[str, float]]], memory: int) -> str:
    """Return min / median seconds of each part for ranges of the memory's size."""
    ranges = [(2, 4), (5, 15), (memory, memory)]
    columns = [[parts for filled, parts in rows[1:] if low <= filled <= high] for low, high in ranges]
    columns = [column for column in columns if column]
    heads = [f"memory {low}-{high}" for (low, high) in ranges][: len(columns)]
    lines = ["| part | " + " | ".join(f"{head} ({len(c)} fr.)" for head, c in zip(heads, columns, strict=True)) + " |"]
    lines.append("|---|" + "---|" * len(columns))
    for name, label in {"total": "**total**", **PARTS, "rest": REST}.items():
        cells = [_cell([_seconds(parts, name) for parts in column]) for column in columns]
        lines.append(f"| {label} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _seconds(parts: dict[str, float], name: str) -> float:
    if name == "rest":
        return parts["total"] - sum(parts.get(part, 0.0) for part in PARTS)
    return parts.get(name, 0.0)


def _cell(seconds: list[float]) -> str:
    return f"{min(seconds):.3f} / {statistics.median(seconds):.3f}"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=46)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--memory", type=int, default=32)
    parser.add_argument("--crop", default="480x832")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--amp", choices=["off", "fp16", "bf16"], default="off")
    parser.add_argument("--compile", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    rows = measure(arguments)
    print(
        f"seconds per frame, min / median; torch {torch.__version__}, {arguments.device}, {arguments.threads} threads"
    )
    print(f"first frame: {rows[0][1]['total']:.3f}")
    print(table(rows, arguments.memory))
    print(f"peak resident memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
