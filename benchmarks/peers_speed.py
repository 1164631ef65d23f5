"""`sam2-hf` beside the propagation of the package `sam2`: CPU seconds a frame and memory, same parameters and frames.

    python benchmarks/peers_speed.py --frames 8 --objects 4 --forms together --out speed.json
    python benchmarks/peers_speed.py --memory 200 --side 256
    python benchmarks/peers_speed.py --table benchmarks/peers_speed.json

Both sides run in one process with one thread, frame by frame in turns, so that what else the machine does meets both
alike. What is timed is CPU time. Theirs is a step of `propagate_in_video`, ours the whole `step` with the frame's
preparation and the label map, which theirs leaves out. Theirs is timed in two forms: all objects in one state
(`together`), and a pass for each (`passes`), as their script runs objects that start on different frames. `--out` adds
a record to those of the file.
"""

import argparse
import gc
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from peer_systems import sam2_package
from peer_systems.clips import Clip

from vos_bench import registry
from vos_bench.api import Image, Mask, Prompt
from vos_bench.environment import collect_environment

SIZE = (480, 854)
PACKAGES = ("transformers", "rf-sam-2", "sam2", "torch")


def texture(frames: int) -> list[Image]:
    """Return blocks of colour that move four pixels a frame, 854 x 480."""
    blocks = np.random.default_rng(0).integers(0, 255, (SIZE[0] // 16, SIZE[1] // 14, 3), dtype=np.uint8)
    base = blocks.repeat(16, axis=0).repeat(14, axis=1)
    return [np.roll(base, 4 * number, axis=1) for number in range(frames)]


def squares(count: int) -> dict[int, Mask]:
    """Return one mask an object."""
    masks = {}
    for k in range(count):
        masks[k + 1] = np.zeros(SIZE, np.bool_)
        masks[k + 1][40 + 100 * k : 120 + 100 * k, 100 + 150 * k : 260 + 150 * k] = True
    return masks


def theirs(predictor: Any, clip: Clip, *, together: bool) -> Iterator[None]:
    """Propagate, one frame a step: all objects in one state, or a pass for each, side by side."""
    masks = clip.prompts[0]
    groups = [masks] if together else [{k: mask} for k, mask in masks.items()]
    with tempfile.TemporaryDirectory() as folder:
        clip.write(Path(folder))
        states = [predictor.init_state(str(Path(folder) / "JPEGImages" / clip.name)) for _ in groups]
    for state, group in zip(states, groups, strict=True):
        for k, mask in group.items():
            predictor.add_new_mask(inference_state=state, frame_idx=0, obj_id=k, mask=mask)
    for _ in zip(*(predictor.propagate_in_video(state) for state in states), strict=True):
        yield


def ours(method: Any, clip: Clip) -> Iterator[None]:
    """Segment, one frame a step."""
    method.initialize(clip.frames[0], Prompt(masks=clip.prompts[0]))
    yield
    for frame in clip.frames[1:]:
        method.step(frame)
        yield


def cpu_seconds(sides: dict[str, Callable[[], Iterator[None]]]) -> dict[str, list[float]]:
    """Run the sides in turns and return what each frame but the first takes each of them."""
    running = {name: side() for name, side in sides.items()}
    found: dict[str, list[float]] = {name: [] for name in sides}
    while True:
        for name, side in running.items():
            began = time.process_time()
            if next(side, "ended") == "ended":
                return {each: seconds[1:] for each, seconds in found.items()}
            found[name].append(time.process_time() - began)


def growth_mib(side: Iterator[None]) -> float:
    """Return by how much running a side to its end makes the process larger."""
    gc.collect()
    process = psutil.Process()
    before, most = process.memory_info().rss, 0
    for _ in side:
        most = max(most, process.memory_info().rss)
    return (most - before) / 2**20


def table(records: list[dict[str, Any]]) -> list[str]:
    """Return the lines of a table: CPU seconds a frame of either side, and the median of their ratios."""
    lines = [
        "| SAM 2.1 tiny at 1024 px | frames | `sam2-hf`, CPU seconds a frame | rf-sam-2 | ours by theirs, median |",
        "| --- | --- | --- | --- | ---: |",
    ]
    forms = {"together": "all in one state", "passes": "a pass for each"}
    for row in (row for record in records for row in record["rows"]):
        for form in (form for form in forms if f"{form}_cpu_seconds" in row):
            what = "1 object" if row["objects"] == 1 else f"{row['objects']} objects, {forms[form]}"
            sides = (", ".join(f"{each:.1f}" for each in row[f"{side}_cpu_seconds"]) for side in ("ours", form))
            cells = (what, f"2 to {row['frames']}", *sides, f"{row[f'ratio_to_{form}']:.2f}")
            lines.append(f"| {' | '.join(cells)} |")
    return lines


def time_row(method: Any, predictor: Any, count: int, frames: int, forms: list[str]) -> dict[str, Any]:
    """Time both sides with so many objects."""
    clip = Clip("clip", texture(frames), {0: squares(count)})
    sides = {"ours": lambda: ours(method, clip)}
    for form in forms:
        if form == "together" or count > 1:
            sides[form] = partial(theirs, predictor, clip, together=form == "together")
    seconds = cpu_seconds(sides)
    row: dict[str, Any] = {"frames": frames, "objects": count}
    row |= {f"{name}_cpu_seconds": [round(each, 3) for each in found] for name, found in seconds.items()}
    for name in (name for name in sides if name != "ours"):
        pairs = zip(seconds["ours"], seconds[name], strict=True)
        row[f"ratio_to_{name}"] = statistics.median(a / b for a, b in pairs)
    return row


def memory_row(method: Any, predictor: Any, frames: int) -> dict[str, Any]:
    """Measure by how much either side makes the process larger."""
    warm = Clip("warm", texture(3), {0: squares(1)})
    for side in (ours(method, warm), theirs(predictor, warm, together=True)):  # buffers that stay
        growth_mib(side)
    clip = Clip("clip", texture(frames), {0: squares(1)})
    mine, other = growth_mib(ours(method, clip)), growth_mib(theirs(predictor, clip, together=True))
    return {"frames": frames, "objects": 1, "ours_mib": mine, "theirs_mib": other, "ratio": mine / other}


def measure(arguments: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Build both sides on the same parameters and measure what is asked for, a row at a time."""
    with tempfile.TemporaryDirectory() as folder:
        checkpoint = Path(folder) / "w.pt"
        sam2_package.make_checkpoint(checkpoint, seed=0)
        sam2_package.make_folder(checkpoint, Path(folder) / "hf", side=arguments.side)
        predictor = sam2_package.build(checkpoint, side=arguments.side)
        method = registry.resolve(registry.method("sam2-hf").factory)(weights=Path(folder) / "hf")
    method.wants_probabilities = False
    if arguments.memory:
        yield memory_row(method, predictor, arguments.memory)
        return
    for count in map(int, arguments.objects.split(",")):
        yield time_row(method, predictor, count, arguments.frames, arguments.forms.split(","))


def main() -> None:
    """Measure, print and write."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--frames", type=int, default=8)
    parser.add_argument("--objects", default="1,4")
    parser.add_argument("--forms", default="together,passes", help="of theirs; passes are for several objects")
    parser.add_argument("--side", type=int, default=1024)
    parser.add_argument("--memory", type=int, help="measure memory over so many frames, one object, instead of time")
    parser.add_argument("--out", type=Path)
    parser.add_argument("--table", type=Path, help="print the table of a file of records, measure nothing")
    arguments = parser.parse_args()
    if arguments.table:
        print("\n".join(table(json.loads(arguments.table.read_text(encoding="utf-8")))))
        return
    torch.set_num_threads(1)
    rows = []
    for row in measure(arguments):
        rows.append(row)
        print(row, flush=True)
    if arguments.out:
        environment = collect_environment("", PACKAGES).to_data()
        times = f"--frames {arguments.frames} --objects {arguments.objects} --forms {arguments.forms}"
        what = f"--memory {arguments.memory}" if arguments.memory else times
        command = f"python benchmarks/peers_speed.py --side {arguments.side} {what}"
        record = {"command": command, "side": arguments.side, "environment": environment, "rows": rows}
        records = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.is_file() else []
        arguments.out.write_text(json.dumps([*records, record], indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
