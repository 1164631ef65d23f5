"""What LWL reaches on a GPU: speed in every precision, agreement with float32, the machine's peaks, training steps.

    python benchmarks/gpu.py --list
    python benchmarks/gpu.py --case lwl-fp16 --out results
    python benchmarks/gpu.py --case lwl-fp16 --out results --small --device cpu    # a rehearsal without a GPU

One case a call, each under nine minutes. A case writes results/CASE.json, and where it times a method its record beside
it. torch, torchvision and timm, the wheel of vos-bench and the few small packages it imports suffice; no data and no
weights are needed: `lwl` is timed with random parameters, on which its speed does not depend, `lwl-lite` with its own.
"""

import argparse
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from vos_bench import registry, weights
from vos_bench.api import Method, Precision
from vos_bench.benching.session import Repeats, bench
from vos_bench.benching.videos import MadeUpVideo, MadeUpVideos, Shape
from vos_bench.environment import device_name
from vos_bench.files import write_text
from vos_bench.running.building import Recipe, build, configure
from vos_bench.running.settings import RunSettings
from vos_bench.training.session import find_recipe

Figures = dict[str, Any]
PRECISIONS: Mapping[str, tuple[Precision, bool]] = {
    "float32": ("off", False),
    "tf32": ("off", True),
    "bf16": ("bf16", True),
    "fp16": ("fp16", True),
}
"""Name to autocast precision, and whether float32 products may be rounded to TF32."""


@dataclass(frozen=True)
class Setting:
    """Where and how large a case runs."""

    device: str
    out: Path
    small: bool

    def shape(self, *, objects: int = 1, width: int = 832, height: int = 480) -> Shape:
        """Return the video of a case."""
        return Shape(96, 64, objects, 4) if self.small else Shape(width, height, objects, 110)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What a rehearsal makes smaller."""
        return ("crop_size=[64, 96]", "memory_size=2", "first_iterations=2") if self.small else ()


class Silent:
    """Hears of progress and says nothing."""

    def pass_started(self, what: str, frames: int) -> None:
        """Do nothing."""

    def frame_done(self) -> None:
        """Do nothing."""


def speed(setting: Setting, *, method: str, precision: str, compile: bool = False, **shape: int) -> Figures:
    """Time a method by the protocol on the wall clock and on the GPU's own; count its work for a frame."""
    amp, tf32 = PRECISIONS[precision]
    allow_tf32(tf32)
    info = registry.method(method)
    base = RunSettings(
        method=info,
        dataset=MadeUpVideos(setting.shape(**shape)),
        overrides=setting.overrides,
        device=setting.device,
        amp=amp,
        compile=compile,
    ).with_weights(weights.choose(info, "untrained" if info.untrained else None))
    figures: Figures = {"gigaflops_a_frame": work(base)}
    for clock in ("stream", "model") if setting.device.startswith("cuda") else ("stream",):
        folder = setting.out / f"{method}-{precision}{'-compiled' * compile}-{base.dataset.name}-{clock}"
        settings = RunSettings(**{**vars(base), "clock": clock, "out": folder})
        run = bench(settings, repeats=Repeats(3, quick=setting.small), listener=Silent())
        assert run.record.timing is not None
        assert run.record.bench is not None
        figures[clock] = run.record.timing.model_dump(exclude={"definition"})
        figures["warm_up_seconds"] = run.record.bench.warm_up_seconds
    return figures


def work(settings: RunSettings) -> float:
    """Return the floating-point operations of a frame with full memory, in 10^9; a multiply and an add are two."""
    method, video = built(settings), MadeUpVideo(settings.dataset.shape)  # type: ignore[attr-defined]
    method.initialize(video.read_frame("00000"), video.read_prompt("00000"))
    for frame in video.frame_names[1:-1]:
        method.step(video.read_frame(frame))
    with FlopCounterMode(display=False) as counter:
        method.step(video.read_frame(video.frame_names[-1]))
    return counter.get_total_flops() / 1e9


def built(settings: RunSettings) -> Method:
    """Build a frame-by-frame method, uncompiled."""
    recipe = Recipe(
        info=settings.method,
        config=configure(settings.method, settings.overrides),
        weights=settings.weights,
        device=settings.device,
        amp=settings.amp,
        compile=False,
        seed=0,
    )
    method = build(recipe, settings.device)
    assert isinstance(method, Method)
    return method


def agreement(setting: Setting, *, precision: str) -> Figures:
    """Compare lwl-lite's masks in a precision with those in float32: the intersection over union of every object."""
    info = registry.method("lwl-lite")
    video = MadeUpVideo(setting.shape(objects=2))
    labels = []
    for name in ("float32", precision):
        amp, tf32 = PRECISIONS[name]
        allow_tf32(tf32)
        settings = RunSettings(
            method=info,
            dataset=MadeUpVideos(video.shape),
            device=setting.device,
            amp=amp,
            overrides=setting.overrides,
        ).with_weights(weights.choose(info, None))
        method = built(settings)
        method.initialize(video.read_frame("00000"), video.read_prompt("00000"))
        labels.append(np.stack([method.step(video.read_frame(frame)).labels for frame in video.frame_names[1:]]))
    exact, rounded = labels
    overlaps = [
        float(np.sum((a == k) & (b == k)) / union)
        for a, b in zip(exact, rounded, strict=True)
        for k in (1, 2)
        if (union := np.sum((a == k) | (b == k)))
    ]
    return {"least_iou": min(overlaps), "mean_iou": float(np.mean(overlaps)), "goal": 0.995}


def peaks(setting: Setting) -> Figures:
    """Measure what the machine gives at best: products of large matrices, and copies in its memory."""
    side, repeats = (256, 2) if setting.small else (8192, 20)
    figures: Figures = {}
    for precision, (amp, tf32) in PRECISIONS.items():
        allow_tf32(tf32)
        dtype = {"off": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[amp]
        a, b = (torch.randn(side, side, device=setting.device).to(dtype) for _ in range(2))
        seconds = median_seconds(partial(torch.matmul, a, b), setting.device, repeats)
        figures[f"teraflops_{precision}"] = 2 * side**3 / seconds / 1e12
    x = torch.empty(side * side, device=setting.device)
    seconds = median_seconds(x.clone, setting.device, repeats)
    figures["gigabytes_a_second"] = 2 * x.numel() * x.element_size() / seconds / 1e9
    return figures


def training(setting: Setting, *, precision: str) -> Figures:
    """Time optimiser steps of LWL's stage 1 on random frames: the model alone, without any reading."""
    amp, tf32 = PRECISIONS[precision]
    allow_tf32(tf32)
    recipe = find_recipe("lwl", "stage1")
    batch_size, (height, width), repeats = (1, (64, 96), 2) if setting.small else (20, (480, 832), 10)
    network = recipe.build().to(setting.device)
    groups = recipe.parameter_groups(network)
    optimizer = torch.optim.Adam([{"params": group.parameters, "lr": group.learning_rate} for group in groups])
    recipe.training_mode(network)
    frames = torch.randint(0, 255, (batch_size, 4, 3, height, width), dtype=torch.uint8, device=setting.device)
    masks = torch.zeros(batch_size, 4, height, width, dtype=torch.bool, device=setting.device)
    masks[..., height // 4 : height // 2, width // 4 : width // 2] = True
    dtype = {"off": None, "fp16": torch.float16, "bf16": torch.bfloat16}[amp]

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(setting.device.partition(":")[0], dtype=dtype, enabled=dtype is not None):
            loss = recipe.loss(network, {"images": frames, "masks": masks}).total
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    seconds = median_seconds(step, setting.device, repeats)
    return {"seconds_a_step": seconds, "steps_a_second": 1 / seconds, "samples_a_step": batch_size}


def median_seconds(function: Callable[[], object], device: str, repeats: int) -> float:
    """Return the median wall time of a call, the device idle at both ends, after two that do not count."""
    synchronize = partial(torch.cuda.synchronize, device) if device.startswith("cuda") else lambda: None
    times = []
    for _ in range(repeats + 2):
        synchronize()
        began = time.perf_counter()
        function()
        synchronize()
        times.append(time.perf_counter() - began)
    return float(np.median(times[2:]))


def allow_tf32(allowed: bool) -> None:
    """Let float32 products be rounded to TF32, or not."""
    torch.backends.cuda.matmul.allow_tf32 = allowed
    torch.backends.cudnn.allow_tf32 = allowed


CASES: Mapping[str, Callable[[Setting], Figures]] = {
    "peaks": peaks,
    **{f"lwl-{name}": partial(speed, method="lwl", precision=name) for name in PRECISIONS},
    **{f"lwl-{name}-compiled": partial(speed, method="lwl", precision=name, compile=True) for name in PRECISIONS},
    **{f"lwl-fp16-{n}-objects": partial(speed, method="lwl", precision="fp16", objects=n) for n in (2, 4, 8)},
    "lwl-fp16-720p": partial(speed, method="lwl", precision="fp16", width=1280, height=720),
    **{f"lwl-lite-{name}": partial(speed, method="lwl-lite", precision=name) for name in ("float32", "fp16")},
    "lwl-lite-fp16-compiled": partial(speed, method="lwl-lite", precision="fp16", compile=True),
    **{f"agreement-{name}": partial(agreement, precision=name) for name in ("tf32", "bf16", "fp16")},
    **{f"training-{name}": partial(training, precision=name) for name in ("float32", "tf32", "bf16")},
}


def main() -> None:
    """Run one case and write its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES)
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    if arguments.list or not arguments.case:
        print("\n".join(CASES))
        return
    setting = Setting(arguments.device, arguments.out, arguments.small)
    about = {"case": arguments.case, "device": device_name(setting.device), "torch": torch.__version__}
    figures = {**about, "small": setting.small, **CASES[arguments.case](setting)}
    write_text(setting.out / f"{arguments.case}.json", json.dumps(figures, indent=2) + "\n")
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
