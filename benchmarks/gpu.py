"""What LWL reaches on a GPU: speed in every precision, agreement with float32, the machine's peaks, training steps.

    python benchmarks/gpu.py --list
    python benchmarks/gpu.py --case lwl-fp16 --out results
    python benchmarks/gpu.py --quick --out results                # all cases, a glance at each, in ten minutes
    python benchmarks/gpu.py --quick --out results --small --device cpu            # a rehearsal without a GPU

One case a call by the protocol, meant to stay under nine minutes; of several no case begins after eight, and what
matters most comes first: `lwl` at 832 x 480 with a memory of 32, in each precision, on 1 and 4 objects; agreement
between precisions; training steps; then compiled networks. A case writes results/CASE.json, rewritten after each clock,
so that one that is cut off leaves what it had, and where it times a method its record beside it. No data and no weights
are needed: `lwl` is timed with random parameters, on which its speed does not depend, `lwl-lite` with its own. In a
rehearsal nothing is compiled. `--quick` gives the median frame's rate, not an FPS by the protocol.

Besides torch, torchvision and timm it needs the packages of the first two lines, and what they bring; nvidia-ml-py,
which reads the memory of the whole device, may be absent. For a machine without network, made on one of the same
platform and Python:

    pip download -d wheels cloudpickle filelock joblib msgspec opencv-python-headless platformdirs psutil
    pip download -d wheels pydantic scipy zlib-ng
    pip download -d wheels nvidia-ml-py
    pip wheel --no-deps --wheel-dir wheels .

and there:

    pip install --no-index --no-deps wheels/*.whl
"""

import argparse
import gc
import importlib.util
import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from vos_bench import registry, weights
from vos_bench.api import Method, Precision
from vos_bench.benching.session import Repeats, bench_method
from vos_bench.benching.videos import MadeUpVideo, MadeUpVideos, Shape
from vos_bench.devices import set_float32_mode
from vos_bench.environment import device_name
from vos_bench.files import write_text
from vos_bench.running.method import MethodSpec, build_method, configure
from vos_bench.running.settings import RunSettings
from vos_bench.training.session import find_recipe

Figures = dict[str, Any]
PRECISIONS: Mapping[str, Precision] = {"float32": "off", "tf32": "tf32", "bf16": "bf16", "fp16": "fp16"}
"""Name to what `--amp` says."""

TYPES = {"fp16": torch.float16, "bf16": torch.bfloat16}
LAST_FRAMES = 4
"""Over how many frames the work is averaged: `lwl-lite` updates every fourth."""

SURVEY_SECONDS = 480.0
"""After which no case of several begins."""

PAPER_FPS, GOAL_FPS = 14.0, 140.0
"""What the paper has of LWL on one object of DAVIS, on a V100; and what this implementation is to reach."""

POLL_SECONDS = 0.05
"""How often the memory of the device is looked at: seldom, so that timings hardly feel it; torch gives little back."""


@dataclass(frozen=True)
class Setting:
    """Where and how large a case runs.

    Attributes:
        device: A torch device name.
        out: The folder of the results.
        small: Whether it is a rehearsal: tiny frames and crops, nothing compiled.
        quick: Whether one short pass does, in place of the protocol.
        keep: Takes the figures so far.
    """

    device: str
    out: Path
    small: bool
    quick: bool = False
    keep: Callable[[Figures], None] = lambda _: None

    def shape(self, *, objects: int = 1, width: int = 832, height: int = 480) -> Shape:
        """Return the video of a case."""
        return Shape(96, 64, objects, 2 + LAST_FRAMES) if self.small else Shape(width, height, objects, 110)

    @property
    def overrides(self) -> tuple[str, ...]:
        """What a rehearsal makes smaller."""
        return ("crop_size=[64, 96]", "memory_size=2", "first_iterations=2") if self.small else ()


def speed(setting: Setting, *, method: str, precision: str, compile: bool = False, **shape: int) -> Figures:
    """Time a method by the protocol on the wall clock and on the GPU's own; count its work for a frame."""
    info = registry.method(method)
    base = RunSettings(
        method=info,
        dataset=MadeUpVideos(setting.shape(**shape)),
        overrides=setting.overrides,
        device=setting.device,
        amp=PRECISIONS[precision],
        compile=compile and not setting.small,
    ).with_weights(weights.choose(info, "untrained" if info.untrained else None))
    figures: Figures = {}
    quick = setting.quick or setting.small
    on_gpu = setting.device.startswith("cuda")
    for clock in ("stream", "model") if on_gpu and not quick else ("stream",):
        folder = setting.out / f"{method}-{precision}{'-compiled' * compile}-{base.dataset.name}-{clock}"
        settings = RunSettings(**{**vars(base), "clock": clock, "out": folder})
        with polled_memory(setting.device) as memory:
            run = bench_method(settings, repeats=Repeats(1 if quick else 3, quick=quick))
        timing, bench = run.record.timing, run.record.bench
        assert timing is not None
        assert timing.step_ms is not None
        assert bench is not None
        figures[clock] = {name: value for name, value in timing.to_data().items() if name != "definition"}
        if clock == "stream":
            figures["frames_a_second"] = timing.fps or 1000 / timing.step_ms.p50
        figures |= {"warm_up_seconds": bench.warm_up_seconds, **memory}
        setting.keep(figures)
    if method == "lwl" and base.dataset.shape == Shape():  # type: ignore[attr-defined]
        figures |= {"paper_frames_a_second": PAPER_FPS, "goal_frames_a_second": GOAL_FPS}
    if not setting.quick or setting.small:
        figures["gigaflops_a_frame"] = work(base)
    return figures


@contextmanager
def polled_memory(device: str) -> Iterator[Figures]:
    """Yield figures that have the highest memory when the block ends: of torch, and of the whole device; none on a CPU.

    The device's is looked at in a thread: by NVML where nvidia-ml-py is installed, else by what CUDA calls free.
    """
    found: Figures = {}
    if not device.startswith("cuda"):
        yield found
        return
    by_nvml = importlib.util.find_spec("pynvml") is not None
    ended, highest = threading.Event(), [0]

    def used() -> int:
        if by_nvml:
            return int(torch.cuda.device_memory_used(device))
        free, total = torch.cuda.mem_get_info(device)
        return total - free

    def poll() -> None:
        while not ended.wait(POLL_SECONDS):
            highest[0] = max(highest[0], used())

    torch.cuda.reset_peak_memory_stats(device)
    before = used()
    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        ended.set()
        thread.join()
    found |= {
        "device_mib": max(highest[0], used()) / 2**20,
        "device_mib_before": before / 2**20,
        "device_mib_by": "NVML" if by_nvml else "cudaMemGetInfo",
        "allocated_mib": torch.cuda.max_memory_allocated(device) / 2**20,
    }


def work(settings: RunSettings) -> float:
    """Return the floating-point operations of a frame with full memory, in 10^9; a multiply and an add are two.

    It is the mean of the last frames, of which not all have an update.
    """
    method, video = built(settings), MadeUpVideo(settings.dataset.shape)  # type: ignore[attr-defined]
    method.initialize(video.read_frame("00000"), video.read_prompt("00000"))
    for frame in video.frame_names[1:-LAST_FRAMES]:
        method.step(video.read_frame(frame))
    with FlopCounterMode(display=False) as counter:
        for frame in video.frame_names[-LAST_FRAMES:]:
            method.step(video.read_frame(frame))
    return counter.get_total_flops() / 1e9 / LAST_FRAMES


def built(settings: RunSettings) -> Method:
    """Build a frame-by-frame method, uncompiled."""
    spec = MethodSpec(
        info=settings.method,
        config=configure(settings.method, settings.overrides),
        weights=settings.weights,
        device=settings.device,
        amp=settings.amp,
        compile=False,
        seed=0,
    )
    method = build_method(spec, settings.device)
    assert isinstance(method, Method)
    return method


def agreement(setting: Setting, *, precision: str) -> Figures:
    """Compare lwl-lite's masks in a precision with those in float32: how many are equal, and how far they overlap."""
    video = MadeUpVideo(setting.shape(objects=2))
    labels = []
    for name in ("float32", precision):
        method = built(_settings(setting, "lwl-lite", PRECISIONS[name], video.shape))
        method.initialize(video.read_frame("00000"), video.read_prompt("00000"))
        labels.append(np.stack([method.step(video.read_frame(frame)).labels for frame in video.frame_names[1:]]))
    exact, rounded = labels
    overlaps = [
        float(np.sum((a == k) & (b == k)) / union)
        for a, b in zip(exact, rounded, strict=True)
        for k in (1, 2)
        if (union := np.sum((a == k) | (b == k)))
    ]
    found = {"least_iou": min(overlaps), "mean_iou": float(np.mean(overlaps))} if overlaps else {"nothing_found": True}
    equal = exact == rounded
    shares = {"equal_label_maps": float(equal.all((1, 2)).mean()), "equal_pixels": float(equal.mean())}
    return {**found, **shares, "goal": 0.995}


def agreement_of_logits(setting: Setting, *, precision: str) -> Figures:
    """Compare what lwl's network says in a precision with float32: same frames, crops and target models in both.

    With random parameters masks mean nothing and would soon part ways; so the float32 tracker leads, and the other
    network answers the same questions. Differences are in standard deviations of the float32 logits.
    """
    video = MadeUpVideo(setting.shape(objects=2))
    lead, other = (built(_settings(setting, "lwl", PRECISIONS[name], video.shape)) for name in ("float32", precision))
    leader, follower = lead._tracker._engine, other._tracker._engine  # type: ignore[attr-defined]
    follower.network.load_state_dict(leader.network.state_dict())
    observe, differences, equal = leader.observe, list[torch.Tensor](), list[torch.Tensor]()

    def both(frame: torch.Tensor, crops: Any, filters: torch.Tensor) -> Any:
        set_float32_mode(setting.device, PRECISIONS[precision])
        rounded = follower.observe(frame, crops, filters)
        set_float32_mode(setting.device, "off")
        exact = observe(frame, crops, filters)
        differences.append(((rounded.logits - exact.logits).abs() / exact.logits.std()).flatten(1).cpu())
        equal.append(((rounded.logits > 0) == (exact.logits > 0)).flatten(1).float().cpu())
        return exact

    leader.observe = both
    set_float32_mode(setting.device, "off")
    lead.initialize(video.read_frame("00000"), video.read_prompt("00000"))
    for frame in video.frame_names[1 : 2 if setting.small else 11]:
        lead.step(video.read_frame(frame))
    joined = torch.cat(differences)
    return {
        "mean_difference": float(joined.mean()),
        "largest_difference": float(joined.max()),
        "equal_mask_pixels": float(torch.cat(equal).mean()),
    }


def _settings(setting: Setting, method: str, amp: Precision, shape: Shape) -> RunSettings:
    info = registry.method(method)
    settings = RunSettings(
        method=info, dataset=MadeUpVideos(shape), device=setting.device, amp=amp, overrides=setting.overrides
    )
    return settings.with_weights(weights.choose(info, "untrained" if info.untrained else None))


def peaks(setting: Setting) -> Figures:
    """Measure what the machine gives at best: products of large matrices, and copies in its memory."""
    side, repeats = (256, 2) if setting.small else (8192, 20)
    figures: Figures = {}
    for precision, amp in PRECISIONS.items():
        set_float32_mode(setting.device, amp)
        dtype = TYPES.get(amp, torch.float32)
        a, b = (torch.randn(side, side, device=setting.device).to(dtype) for _ in range(2))
        seconds = median_seconds(partial(torch.matmul, a, b), setting.device, repeats)
        figures[f"teraflops_{precision}"] = 2 * side**3 / seconds / 1e12
    x = torch.empty(side * side, device=setting.device)
    seconds = median_seconds(x.clone, setting.device, repeats)
    figures["gigabytes_a_second"] = 2 * x.numel() * x.element_size() / seconds / 1e9
    return figures


def training(setting: Setting, *, precision: str, batch_size: int = 4) -> Figures:
    """Time optimiser steps of LWL's stage 1 on random frames, without any reading, and say what memory they take."""
    set_float32_mode(setting.device, PRECISIONS[precision], deterministic=False)
    narrow = ("network.target_channels=16", "network.decoder_channels=8", "network.label_encoder_channels=[4, 8, 8]")
    recipe = find_recipe("lwl", "stage1").configured(narrow if setting.small else ())
    batch_size, (height, width) = (1, (64, 96)) if setting.small else (batch_size, (480, 832))
    repeats = 1 if setting.small else 3 if setting.quick else 10
    network = recipe.build_network().to(setting.device)
    groups = recipe.parameter_groups(network)
    optimizer = torch.optim.Adam([{"params": group.parameters, "lr": group.learning_rate} for group in groups])
    recipe.training_mode(network)
    frames = torch.randint(0, 255, (batch_size, 4, 3, height, width), dtype=torch.uint8, device=setting.device)
    masks = torch.zeros(batch_size, 4, height, width, dtype=torch.bool, device=setting.device)
    masks[..., height // 4 : height // 2, width // 4 : width // 2] = True
    dtype = TYPES.get(PRECISIONS[precision])

    def step() -> None:
        optimizer.zero_grad()
        with torch.autocast(setting.device.partition(":")[0], dtype=dtype, enabled=dtype is not None):
            loss = recipe.loss(network, {"images": frames, "masks": masks}).total
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()

    with polled_memory(setting.device) as memory:
        seconds = median_seconds(step, setting.device, repeats)
    return {"seconds_a_step": seconds, "steps_a_second": 1 / seconds, "samples_a_step": batch_size, **memory}


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


CASES: Mapping[str, Callable[[Setting], Figures]] = {
    "peaks": peaks,
    **{f"lwl-{name}": partial(speed, method="lwl", precision=name) for name in PRECISIONS},
    **{f"lwl-{name}-4-objects": partial(speed, method="lwl", precision=name, objects=4) for name in PRECISIONS},
    **{f"lwl-lite-{name}": partial(speed, method="lwl-lite", precision=name) for name in PRECISIONS},
    **{f"agreement-{name}": partial(agreement, precision=name) for name in ("tf32", "bf16", "fp16")},
    **{f"agreement-lwl-{name}": partial(agreement_of_logits, precision=name) for name in ("tf32", "bf16", "fp16")},
    **{f"training-{name}": partial(training, precision=name) for name in ("float32", "tf32", "bf16")},
    **{
        f"lwl-{name}-compiled": partial(speed, method="lwl", precision=name, compile=True)
        for name in ("fp16", "float32", "tf32", "bf16")
    },
    "lwl-fp16-4-objects-compiled": partial(speed, method="lwl", precision="fp16", objects=4, compile=True),
    "lwl-lite-fp16-compiled": partial(speed, method="lwl-lite", precision="fp16", compile=True),
    **{f"lwl-fp16-{n}-objects": partial(speed, method="lwl", precision="fp16", objects=n) for n in (2, 8)},
    "lwl-fp16-720p": partial(speed, method="lwl", precision="fp16", width=1280, height=720),
    "training-bf16-batch-20": partial(training, precision="bf16", batch_size=20),
}
"""The cases, what matters most first: several in one call end where the time does."""


def run_case(name: str, setting: Setting) -> Figures:
    """Run one case; its file holds what is known of it from the first clock on."""
    about = {"case": name, "device": device_name(setting.device), "torch": torch.__version__, "small": setting.small}

    def keep(figures: Figures) -> None:
        write_text(setting.out / f"{name}.json", json.dumps({**about, **figures}, indent=2) + "\n")

    figures = CASES[name](replace(setting, keep=keep))
    keep(figures)
    return {**about, **figures}


def survey(names: Iterable[str], setting: Setting) -> bool:
    """Run cases in turn, for as long as there is time; return whether none failed, which costs no other."""
    began, well = time.perf_counter(), True
    for name in names:
        if time.perf_counter() - began > SURVEY_SECONDS:
            print(f"{name}: no time left")
            continue
        try:
            print(json.dumps(run_case(name, setting)), flush=True)
        except Exception as error:  # whatever a case meets on a machine that nobody saw before
            print(f"{name}: {type(error).__name__}: {error}", flush=True)
            well = False
        release(setting.device)
    return well


def release(device: str) -> None:
    """Give back what the last case left on the GPU."""
    gc.collect()
    if device.startswith("cuda"):
        torch.cuda.empty_cache()


def main() -> None:
    """Run one case or all, and write their figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", choices=CASES, nargs="+")
    parser.add_argument("--list", action="store_true")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--device", default="cuda")
    parser.add_argument("--out", type=Path, default=Path("results"))
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    setting = Setting(arguments.device, arguments.out, arguments.small, arguments.quick)
    if arguments.list or not (arguments.case or arguments.quick):
        print("\n".join(CASES))
    elif arguments.case and len(arguments.case) == 1:
        print(json.dumps(run_case(arguments.case[0], setting), indent=2))
    elif not survey([name for name in CASES if not arguments.case or name in arguments.case], setting):
        raise SystemExit(1)


if __name__ == "__main__":
    main()
