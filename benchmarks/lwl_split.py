"""Where LWL's time goes: milliseconds a frame, part by part, for a growing memory, and the least each could take.

Runs the tracker on a made-up 832 x 480 video with one or more objects, reading and decoding not included; `lwl` with
random parameters, on which its speed does not depend, `lwl-lite` with its own:

    python benchmarks/lwl_split.py lwl --frames 46
    python benchmarks/lwl_split.py lwl-lite --frames 60

The least time of a part is its multiplications over those that large matrix products reach on this machine, measured in
the same process; what moves memory and multiplies little has none.
"""

import argparse
import resource
import statistics
import time
from collections import defaultdict
from collections.abc import Callable
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from vos_bench import registry, weights
from vos_bench.benching.videos import MadeUpVideo, Shape
from vos_bench.config import apply_overrides
from vos_bench.methods.lwl.method import LwlMethod
from vos_bench.running.building import method_class

PARTS = {
    "extract": "backbone",
    "target_features": "target features",
    "encode_labels": "label encoder, the new mask",
    "learn": "steepest descent",
    "score": "apply target model",
    "decode": "decoder",
}
REST = "crop, resize, scale, merge, box"
COUNTED = 4
"""Frames over which multiplications are counted: lwl-lite updates its target model on every fourth."""


class Split:
    """What each part of the network takes, by frame.

    Attributes:
        seconds: Of each part since the last `take`.
        operations: Multiplications of each part since then; only while `counting`.
        counting: Whether to count multiplications, which makes the seconds meaningless.
    """

    def __init__(self, method: LwlMethod) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.operations: dict[str, float] = defaultdict(float)
        self.counting = False
        self._device = method._tracker._engine.device
        network = method._tracker._engine.network
        for name in PARTS:
            setattr(network, name, self._timed(name, getattr(network, name)))

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call."""
        taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if self.counting:
                with FlopCounterMode(display=False) as counter:
                    result = function(*arguments, **keywords)
                self.operations[name] += counter.get_total_flops() / 2
                return result
            start = self._now()
            result = function(*arguments, **keywords)
            self.seconds[name] += self._now() - start
            return result

        return call

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()


def build(arguments: argparse.Namespace) -> LwlMethod:
    """Build the method that the arguments name."""
    info = registry.method(arguments.method)
    kind = method_class(info)
    assert issubclass(kind, LwlMethod)
    chosen = weights.choose(info, "untrained" if info.untrained else None)
    assert chosen is not None
    config = apply_overrides(kind.Config(), ("probabilities=false", *arguments.set))
    options = {"device": arguments.device, "amp": arguments.amp, "compile": arguments.compile}
    return kind(config, weights=chosen.path, **options)


def measure(
    method: LwlMethod, arguments: argparse.Namespace
) -> tuple[list[tuple[int, dict[str, float]]], dict[str, float]]:
    """Track the video.

    Returns:
        The memory's size and the seconds of each part, by frame; and the multiplications of each part, the mean of the
        last frames.
    """
    video = MadeUpVideo(Shape(832, 480, arguments.objects, arguments.frames))
    images = [video.read_frame(name) for name in video.frame_names]
    split, rows = Split(method), []
    for index, image in enumerate(images):
        start = time.perf_counter()
        if index == 0:
            method.initialize(image, video.read_prompt("00000"))
        else:
            method.step(image)
        total = time.perf_counter() - start
        memory = method._tracker.cohorts[0].memory.weights.filled
        rows.append((memory, {**split.take(), "total": total, "first": float(index == 0)}))
    split.counting = True
    for image in images[:COUNTED]:
        method.step(image)
    return rows, {name: value / COUNTED for name, value in split.operations.items()}


def peak(device: str) -> float:
    """Return how many multiplications a second large matrix products reach."""
    side = 4096 if device.startswith("cuda") else 1536
    a, best = torch.randn(side, side, device=device), float("inf")
    for _ in range(8):
        start = time.perf_counter()
        (a @ a).sum().item()
        best = min(best, time.perf_counter() - start)
    return side**3 / best


def table(rows: list[tuple[int, dict[str, float]]], operations: dict[str, float], peak: float) -> str:
    """Return min / median milliseconds of each part for ranges of the memory's size, and the least possible."""
    full = max(memory for memory, _ in rows)
    ranges = ((2, full // 4), (full // 4 + 1, full - 1), (full, full))
    columns = {
        f"memory {low} to {high}" if low < high else f"memory {high}": [
            parts for memory, parts in rows[1:] if low <= memory <= high
        ]
        for low, high in ranges
    }
    columns = {head: column for head, column in columns.items() if column}
    heads = [f"{head} ({len(column)} frames)" for head, column in columns.items()]
    lines = ["| part | " + " | ".join([*heads, "mean, full memory", "GMAC", "least"]) + " |"]
    lines.append("| --- |" + " ---: |" * (len(heads) + 3))
    for name, label in {"total": "**total**", **PARTS, "rest": REST}.items():
        cells = [_cell([_seconds(parts, name) for parts in column]) for column in columns.values()]
        mean = statistics.mean(_seconds(parts, name) for parts in list(columns.values())[-1])
        macs = sum(operations.values()) if name == "total" else operations.get(name)
        least = ["", ""] if macs is None else [f"{macs / 1e9:.2f}", f"{1e3 * macs / peak:.1f}"]
        lines.append(f"| {label} | " + " | ".join([*cells, f"{1e3 * mean:.1f}", *least]) + " |")
    return "\n".join(lines)


def _seconds(parts: dict[str, float], name: str) -> float:
    if name == "rest":
        return parts["total"] - sum(parts.get(part, 0.0) for part in PARTS)
    return parts.get(name, 0.0)


def _cell(seconds: list[float]) -> str:
    return f"{1e3 * min(seconds):.1f} / {1e3 * statistics.median(seconds):.1f}"


def main() -> None:
    """Parse, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("method", choices=["lwl", "lwl-lite"])
    parser.add_argument("--frames", type=int, default=46)
    parser.add_argument("--objects", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--amp", choices=["off", "fp16", "bf16"], default="off")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="K=V")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    reached = peak(arguments.device)
    rows, operations = measure(build(arguments), arguments)
    where = f"torch {torch.__version__}, {arguments.device}, {arguments.threads} threads"
    print(f"milliseconds a frame, min / median; {where}; matrix products reach {reached / 1e9:.0f} GMAC/s")
    print(f"first frame: {1e3 * rows[0][1]['total']:.0f}")
    print(table(rows, operations, reached))
    print(f"peak resident memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
