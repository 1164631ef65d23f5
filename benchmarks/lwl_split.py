"""Where LWL's time goes: milliseconds a frame, part by part, for a growing memory, and a lower bound of each.

Runs the tracker on a made-up 832 x 480 video with one or more objects; `lwl` with random parameters, on which its speed
does not depend, `lwl-lite` with its own. What the harness adds beside it, decoding a JPEG and writing the label map,
is measured apart and not part of the total:

    python benchmarks/lwl_split.py lwl --frames 46
    python benchmarks/lwl_split.py lwl-lite --frames 60

The lower bound of a part is the sum over its operations. For each operation it is the longer of two times: its
multiplications divided by the highest rate that several matrix products and 3 x 3 convolutions reach on this machine in
the precision of `--amp`, and its bytes (read and written, each tensor once) divided by the highest rate at which memory
is copied, caches included. Both rates are measured in the same process. Every method runs without probabilities, which
nothing here reads.
"""

import argparse
import math
import resource
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry

from vos_bench import registry, weights
from vos_bench.benching.videos import MadeUpVideo, Shape
from vos_bench.config import apply_overrides
from vos_bench.datasets.frames import read_image
from vos_bench.devices import set_float32_mode
from vos_bench.labelmaps import write_label_map
from vos_bench.methods.lwl.method import LwlMethod
from vos_bench.running.method import method_class

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


FUSED = {"_convolution_pointwise": 1, "_convolution_pointwise_": 2}
"""Convolutions with an activation inside, and where their kernel stands among the arguments."""

PRODUCTS = {"cpu": (768, 1536, 2304), "cuda": (2048, 4096, 8192)}
"""Sides of square matrices whose products are timed."""

CONVOLUTIONS = ((64, 120, 208), (256, 60, 104), (512, 30, 52))
"""Channels, height and width of the maps that 3 x 3 convolutions are timed on: what LWL has of them."""


@dataclass(frozen=True)
class Machine:
    """What this machine reaches: multiplications and bytes a second, and by which work it reached the former."""

    multiplications: float
    bytes: float
    by: str


class Work(TorchDispatchMode):
    """Adds up what the operations within it multiply and move, and the lower bound of their time.

    Attributes:
        multiplications: So far.
        bytes: So far.
        seconds: The lower bound of all of it, operation by operation.
    """

    def __init__(self, machine: Machine) -> None:
        super().__init__()
        self._machine = machine
        self.multiplications = self.bytes = self.seconds = 0.0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        with self:  # an operation made of others, as in inference mode, is taken apart
            out = func.decompose(*args, **(kwargs or {}))
        if out is not NotImplemented:
            return out
        out = func(*args, **(kwargs or {}))
        if func.is_view or func.__name__.startswith(("empty", "new_empty", "detach", "alias")):
            return out
        count = flop_registry.get(func._overloadpacket)
        multiplied = count(*args, **(kwargs or {}), out_val=out) / 2 if count else 0.0
        if (place := FUSED.get(func._overloadpacket.__name__)) is not None:
            multiplied = float(out.numel() * math.prod(args[place].shape[1:]))
        moved = sum(_size(each) for each in tree_leaves((args, kwargs, out)) if isinstance(each, Tensor))
        self.multiplications += multiplied
        self.bytes += moved
        self.seconds += max(multiplied / self._machine.multiplications, moved / self._machine.bytes)
        return out


def _size(x: Tensor) -> int:
    if x.is_mkldnn:  # weights that oneDNN has laid out: their memory is its own
        return x.numel() * x.element_size()
    return min(x.numel() * x.element_size(), x.untyped_storage().nbytes())  # an expanded tensor is stored once


class Split:
    """What each part of the network takes, by frame.

    Attributes:
        seconds: Of each part since the last `take`.
        work: Of each part, while `counting`, which makes the seconds meaningless.
    """

    def __init__(self, method: LwlMethod, machine: Machine) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self.work: dict[str, Work] = defaultdict(lambda: Work(machine))
        self._counting = False
        self._device = method._tracker._engine.device
        network = method._tracker._engine.network
        for name in PARTS:
            setattr(network, name, self._timed(name, getattr(network, name)))

    @contextmanager
    def counting(self) -> Iterator[None]:
        """Count work instead of time."""
        self._counting = True
        with self.work["total"]:
            yield
        self._counting = False

    def take(self) -> dict[str, float]:
        """Return the seconds since the last call."""
        taken, self.seconds = dict(self.seconds), defaultdict(float)
        return taken

    def _timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            if self._counting:
                with self.work[name]:
                    return function(*arguments, **keywords)
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
    method: LwlMethod, arguments: argparse.Namespace, machine: Machine
) -> tuple[list[tuple[int, dict[str, float]]], dict[str, Work]]:
    """Track the video.

    Returns:
        The memory's size and the seconds of each part, by frame; and the work of each part in `COUNTED` more frames.
    """
    video = MadeUpVideo(Shape(832, 480, arguments.objects, arguments.frames))
    images = [video.read_frame(name) for name in video.frame_names]
    split, rows = Split(method, machine), []
    for index, image in enumerate(images):
        start = time.perf_counter()
        if index == 0:
            method.initialize(image, video.read_prompt("00000"))
        else:
            method.step(image)
        total = time.perf_counter() - start
        memory = method._tracker.cohorts[0].memory.weights.filled
        rows.append((memory, {**split.take(), "total": total, "first": float(index == 0)}))
    with split.counting():
        for image in images[:COUNTED]:
            method.step(image)
    return rows, split.work


@torch.inference_mode()
def reach(device: str, amp: str = "off") -> Machine:
    """Measure the best that matrix products, convolutions, and copies of any size reach.

    Args:
        device: Where.
        amp: The precision of the network there; the CPU always works in float32.
    """
    copies = []
    for mebibytes in (0.5, 2, 8, 64):
        source = torch.ones(int(mebibytes * 2**18), device=device)
        copies.append(2 * source.nbytes / _best(partial(source.clone().copy_, source)))
    halves = {"fp16": torch.float16, "bf16": torch.bfloat16} if device.startswith("cuda") else {}
    dtype = halves.get(amp, torch.float32)
    rates = {name: count / _best(work) for name, count, work in _multiplying(device, dtype)}
    best = max(rates, key=rates.__getitem__)
    return Machine(rates[best], max(copies), best)


def _multiplying(device: str, dtype: torch.dtype) -> Iterator[tuple[str, float, Callable[[], Tensor]]]:
    """Yield work of many sizes, one at a time, as what it is, its multiplications, and the call that does it."""
    for side in PRODUCTS["cuda" if device.startswith("cuda") else "cpu"]:
        a = torch.randn(side, side, device=device, dtype=dtype)
        yield f"matrix products of {side} x {side}", float(side**3), partial(torch.matmul, a, a)
    for channels, height, width in CONVOLUTIONS:
        image = torch.randn(1, channels, height, width, device=device, dtype=dtype)
        kernel = torch.randn(channels, channels, 3, 3, device=device, dtype=dtype)
        for order in (torch.contiguous_format, torch.channels_last):
            ordered = (each.to(memory_format=order) for each in (image, kernel))
            last = ", channels last" if order is torch.channels_last else ""
            name = f"3 x 3 convolutions of {channels} x {height} x {width}{last}"
            yield name, 9.0 * channels**2 * height * width, partial(torch.conv2d, *ordered, padding=1)


def _best(work: Callable[[], Tensor]) -> float:
    """Return the least of several times, each of enough calls to be measured."""
    seconds = []
    for _ in range(8):
        start, calls = time.perf_counter(), 0
        while calls == 0 or time.perf_counter() - start < 0.02:
            result, calls = work(), calls + 1
        result.flatten()[0].item()
        seconds.append((time.perf_counter() - start) / calls)
    return min(seconds)


def table(rows: list[tuple[int, dict[str, float]]], work: dict[str, Work]) -> str:
    """Return min / median milliseconds of each part for ranges of the memory's size, and its lower bound."""
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
    lines = ["| part | " + " | ".join([*heads, "mean, full memory", "GMAC", "MB", "lower bound, ms"]) + " |"]
    lines.append("| --- |" + " ---: |" * (len(heads) + 4))
    for name, label in {"total": "**total**", **PARTS, "rest": REST}.items():
        cells = [_cell([_seconds(parts, name) for parts in column]) for column in columns.values()]
        mean = statistics.mean(_seconds(parts, name) for parts in list(columns.values())[-1])
        lines.append(f"| {label} | " + " | ".join([*cells, f"{1e3 * mean:.1f}", *_least(name, work)]) + " |")
    return "\n".join(lines)


def _least(name: str, work: dict[str, Work]) -> tuple[str, str, str]:
    def of(field: str) -> float:
        inner = sum(getattr(work[part], field) for part in PARTS)
        value = getattr(work["total"], field)
        return float({"total": value, "rest": value - inner}.get(name, getattr(work[name], field))) / COUNTED

    return f"{of('multiplications') / 1e9:.2f}", f"{of('bytes') / 1e6:.0f}", f"{1e3 * of('seconds'):.1f}"


def beside(machine: Machine) -> str:
    """Return what decoding and writing a frame of the video take, and their lower bound: the image moved once."""
    video = MadeUpVideo(Shape(832, 480, 1, 1))
    image, labels = video.read_frame("00000"), np.zeros((480, 832), np.uint16)
    labels[100:300, 200:500] = 1
    with tempfile.TemporaryDirectory() as folder:
        frame = Path(folder) / "frame.jpg"
        cv2.imwrite(str(frame), image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 95])
        times = {
            "decode a JPEG": (_timed(lambda: read_image(frame)), image.nbytes),
            "write a label map": (_timed(lambda: write_label_map(Path(folder) / "labels.png", labels)), labels.nbytes),
        }
    lines = ["| beside the method | ms (min / median) | lower bound, ms |", "| --- | ---: | ---: |"]
    lines += [
        f"| {what} | {_cell(times)} | {1e3 * size / machine.bytes:.2f} |" for what, (times, size) in times.items()
    ]
    return "\n".join(lines)


def _timed(call: Callable[[], object]) -> list[float]:
    seconds = []
    for _ in range(30):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return seconds


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
    parser.add_argument("--amp", choices=["off", "tf32", "fp16", "bf16"], default="off")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--set", action="append", default=[], metavar="K=V")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    set_float32_mode(arguments.device, arguments.amp)
    machine = reach(arguments.device, arguments.amp)
    rows, work = measure(build(arguments), arguments, machine)
    where = f"torch {torch.__version__}, {arguments.device}, {arguments.threads} threads"
    speed = f"{machine.multiplications / 1e9:.0f} GMAC/s, copies {machine.bytes / 1e9:.0f} GB/s"
    print(f"milliseconds a frame, min / median; {where}; {machine.by} reach {speed}")
    print(f"first frame: {1e3 * rows[0][1]['total']:.0f}")
    print(table(rows, work))
    print(beside(machine))
    print(f"peak resident memory: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MiB")


if __name__ == "__main__":
    main()
