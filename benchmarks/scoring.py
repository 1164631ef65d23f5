"""Compares the speed of scoring with vos-benchmark, on label maps made up like those of DAVIS 2017 val.

    python benchmarks/scoring.py [--small] [--grey] [--data DIR] [--rounds N] [--jobs 1,2] [--json FILE]
    python benchmarks/scoring.py --protocol davis,sav,sav-folders,mosev2,lvos,vost [--data DIR] [--rounds N]
    python benchmarks/scoring.py --against OTHER/bin/python [--data DIR] [--rounds N] [--json FILE]

The second form compares protocols on the same label maps, in object-frames per CPU second; `sav-folders` has a file for
each object and frame. The third form compares the whole command `vos-bench score` with that of another installation,
such as one of an earlier commit: on all sequences, and on one sequence of 50 frames.

Each measurement is a fresh process: start-up, imports, decoding, scoring and, with several workers, those workers are
all in its CPU seconds (user and system). The tools take turns, so that a busy machine hurts both alike. vos-benchmark
is measured where it is installed (`pip install vos-benchmark`); everything else runs without it.
"""

import argparse
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import Image

from vos_bench.labelmaps import DAVIS_PALETTE, read_narrow

HEIGHT, WIDTH = 480, 854
FRAMES = 1999
OBJECTS = [*[1] * 14, *[2] * 9, *[3] * 4, 4, 6, 7]
"""How many objects each of the 30 sequences has: 61 together."""

SHORT = "sequence14"
"""The sequence whose first 50 frames are measured alone; it has two objects."""

SMALL = 6
"""Every how manieth sequence `--small` keeps."""

TOOLS = {
    "vos-bench": """
import sys
from pathlib import Path
from vos_bench.scoring.sequences import score_sequences
from vos_bench.scoring.truth import truth_folder
root, jobs = Path(sys.argv[1]), int(sys.argv[2])
results = score_sequences(truth_folder(root / "truth"), root / "masks", protocol="davis", jobs=jobs)
assert not any(result.error for result in results)
from vos_bench.metrics.statistics import overall
print(overall(scores for result in results for scores in result.objects)["J&F"])
""",
    "vos-benchmark": """
import sys
from vos_benchmark.benchmark import benchmark
root, jobs = sys.argv[1], int(sys.argv[2])
scores, *_ = benchmark([f"{root}/truth"], [f"{root}/masks"], strict=True, num_processes=jobs, verbose=False)
print(scores[0] / 100)
""",
    "decoding alone": """
import sys
from pathlib import Path
from vos_bench.labelmaps import read_narrow
for path in sorted(Path(sys.argv[1]).glob("*/*/*.png")):
    read_narrow(path)
print("nan")
""",
    "start-up alone": """
import vos_bench.metrics.counts, vos_bench.scoring.sequences
import numpy as np
labels = np.zeros((8, 8), np.uint8)
vos_bench.metrics.counts.CompiledCounter()(labels, labels)
print("nan")
""",
}

PROTOCOL = """
import sys
from dataclasses import replace
from pathlib import Path
from vos_bench.api import FrameRange
from vos_bench.scoring.sequences import score_sequences
from vos_bench.scoring.truth import truth_folder
root, name = Path(sys.argv[1]), sys.argv[2]
if name == "sav-folders":
    from vos_bench.registry import open_truth
    dataset = open_truth("sav", root / "objects" / "truth")
    sequences, masks, name = [*dataset], root / "objects" / "masks", "sav"
else:
    masks = root / "masks"
    sequences = []
    for each in truth_folder(root / "truth"):
        objects = tuple(range(1, int(each.read_truth(each.truth_names[0]).max()) + 1))
        ranges = dict.fromkeys(objects, FrameRange(each.truth_names, len(each.truth_names))) if name == "lvos" else {}
        sequences.append(replace(each, listed_objects=objects, frame_ranges=ranges))
results = score_sequences(sequences, masks, protocol=name)
assert not any(result.error for result in results)
print(sum(len(scores.frames) for result in results for scores in result.objects))
"""

COMMAND = """
import json, sys
from vos_bench.cli import main
root, out = sys.argv[1:]
assert main(["score", f"{root}/masks", "--truth", f"{root}/truth", "--out", out]) == 0
print(json.load(open(f"{out}/run.json"))["scores"]["J&F"])
"""


@dataclass(frozen=True)
class Cost:
    """What one process took, itself and its workers."""

    cpu_seconds: float
    wall_seconds: float
    score: float


def blob(rng: np.random.Generator, frames: int, size: float) -> list[NDArray[np.int32]]:
    """Return one object's outline on each frame: smooth, moving and deforming, with a rough edge, never out of view."""
    angles = np.linspace(0, 2 * np.pi, 360, endpoint=False)
    start, velocity = rng.uniform((150, 100), (WIDTH - 150, HEIGHT - 100)), rng.normal(0, 1.5, 2)
    phases = rng.uniform(0, 2 * np.pi, (2, 7))
    amplitudes, roughness = rng.uniform(0, 0.3, 7) / np.arange(1, 8), rng.uniform(0.5, 2.5)
    outlines = []
    for frame in range(frames):
        waves = np.sin(
            np.arange(1, 8)[:, None] * angles + phases[0, :, None] + 0.07 * frame * np.sin(phases[1])[:, None]
        )
        radius = size * (1 + amplitudes @ waves) * (1 + 0.15 * np.sin(0.05 * frame + phases[1, 0]))
        radius = np.maximum(radius + rng.normal(0, roughness, angles.shape), 2)
        centre = np.clip(start + velocity * frame + 12 * np.sin(0.1 * frame + phases[0, :2]), 0, (WIDTH, HEIGHT))
        outlines.append(np.stack((centre[0] + radius * np.cos(angles), centre[1] + radius * np.sin(angles)), 1))
    return [np.round(outline).astype(np.int32) for outline in outlines]


def predicted(rng: np.random.Generator, outline: NDArray[np.int32], drift: NDArray[np.float64]) -> NDArray[np.int32]:
    """Return an outline as a method might: drifted, smoother, a little too large or small, sometimes far off."""
    kernel = np.ones(9) / 9
    smooth = np.stack([np.convolve(np.r_[c[-4:], c, c[:4]], kernel, "valid") for c in outline.T.astype(float)], 1)
    centre = smooth.mean(0)
    return np.round(centre + (smooth - centre) * rng.normal(1.0, 0.03) + drift).astype(np.int32)


def write(path: Path, outlines: list[NDArray[np.int32]], *, grey: bool) -> None:
    """Write a label map as most tools do, with Pillow's defaults; it filters the rows of grey images."""
    labels = np.zeros((HEIGHT, WIDTH), np.uint8)
    for label, outline in enumerate(outlines, 1):
        cv2.fillPoly(labels, [outline], label)
    image = Image.fromarray(labels)
    if not grey:
        image.putpalette(DAVIS_PALETTE)
    image.save(path)


def make_data(root: Path, *, small: bool, grey: bool) -> None:
    """Write truth and masks of every sequence under `root`, unless they are there."""
    lengths = np.full(len(OBJECTS), FRAMES // len(OBJECTS))
    lengths[: FRAMES % len(OBJECTS)] += 1
    lengths[::2] += 25
    lengths[1::2] -= 25
    for number, (objects, frames) in enumerate(zip(OBJECTS, lengths, strict=True)):
        name = f"sequence{number:02d}"
        if (small and number % SMALL) or (root / "done" / name).exists():
            continue
        rng = np.random.default_rng(number)
        for folder in ("truth", "masks", "done"):
            (root / folder / name if folder != "done" else root / folder).mkdir(parents=True, exist_ok=True)
        sizes = sorted(rng.uniform(25, 110, objects), reverse=True)  # the small in front of the large, so that all show
        outlines, drift = [blob(rng, frames, size) for size in sizes], np.zeros((objects, 2))
        for frame in range(frames):
            drift += rng.normal(0, 0.6, drift.shape)
            shapes = [outline[frame] for outline in outlines]
            write(root / "truth" / name / f"{frame:05d}.png", shapes, grey=False)
            masks = [predicted(rng, shape, offset) for shape, offset in zip(shapes, drift, strict=True)]
            write(root / "masks" / name / f"{frame:05d}.png", masks, grey=grey)
        (root / "done" / name).touch()


def object_frames(root: Path) -> int:
    """Return how many object-frames the DAVIS protocol scores."""
    total = 0
    for sequence in (root / "truth").iterdir():
        frames = sorted(sequence.iterdir())
        total += int(read_narrow(frames[0]).max()) * (len(frames) - 2)
    return total


def measure(tool: str, root: Path, jobs: int) -> Cost:
    """Run one tool in a process of its own."""
    return run([sys.executable, "-c", TOOLS[tool], str(root), str(jobs)], tool)


def run(arguments: list[str], what: str) -> Cost:
    """Run a command whose last word is a score."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(arguments, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{what} failed")
        output.seek(0)
        score = float(output.read().split()[-1])
    return Cost(usage.ru_utime + usage.ru_stime, time.perf_counter() - started, score)


def compare_commands(root: Path, other: str, rounds: int, file: Path | None) -> None:
    """Measure `vos-bench score` of this and of another installation in turns."""
    for path in (Path(kind) / SHORT / f"{frame:05d}.png" for kind in ("truth", "masks") for frame in range(50)):
        target = root / "short" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((root / path).read_bytes())
    pythons = {"this": sys.executable, "other": other}
    summary: dict[str, object] = {
        "machine": machine(),
        "command": "vos-bench score MASKS --truth TRUTH --out OUT",
        "figures": "CPU seconds (user and system) of the whole process, medians; ratio: this by other, round by round",
        "rounds": rounds,
        "commits": {name: commit(python) for name, python in pythons.items()},
    }
    for data, folder in (("all sequences", root), ("one sequence of 50 frames", root / "short")):
        costs: dict[str, list[float]] = {name: [] for name in pythons}
        for turn in range(-1, rounds):  # the turn before the first compiles where that was never done
            for name, python in pythons.items():
                cost = run([python, "-P", "-c", COMMAND, str(folder), str(root / "out" / name)], name)
                costs[name] += [cost.cpu_seconds] if turn >= 0 else []
        ratios = [ours / theirs for ours, theirs in zip(costs["this"], costs["other"], strict=True)]
        medians = {name: round(statistics.median(each), 3) for name, each in costs.items()}
        spread = {"ratio": round(statistics.median(ratios), 3), "ratios": [round(each, 3) for each in sorted(ratios)]}
        summary[data] = {**medians, **spread}
    text = json.dumps(summary, indent=2) + "\n"
    print(text, end="")
    if file is not None:
        file.write_text(text)


def make_object_folders(root: Path) -> None:
    """Write truth and masks once more, one file an object and frame, unless they are there."""
    if (root / "objects" / "done").exists():
        return
    for path in sorted([*root.glob("truth/*/*.png"), *root.glob("masks/*/*.png")]):
        labels, (kind, sequence, frame) = read_narrow(path), path.parts[-3:]
        first = read_narrow(root / "truth" / sequence / "00000.png")
        for label in range(1, int(first.max()) + 1):
            target = root / "objects" / kind / sequence / f"{label - 1:03d}" / frame
            target.parent.mkdir(parents=True, exist_ok=True)
            image = Image.fromarray((labels == label).astype(np.uint8))
            image.putpalette(DAVIS_PALETTE)
            image.save(target)
    (root / "objects" / "done").touch()


def compare_protocols(root: Path, protocols: list[str], rounds: int, file: Path | None) -> None:
    """Measure protocols in turns on the same label maps."""
    if "sav-folders" in protocols:
        make_object_folders(root)
    rates: dict[str, list[float]] = {name: [] for name in protocols}
    for turn in range(-1, rounds):  # the turn before the first compiles where that was never done
        for name in protocols:
            cost = run([sys.executable, "-P", "-c", PROTOCOL, str(root), name], name)
            rates[name] += [cost.score / cost.cpu_seconds] if turn >= 0 else []
    first = protocols[0]
    summary = {
        "machine": machine(),
        "commit": commit(),
        "figures": f"object-frames per CPU second with start-up, medians; ratio to {first}, round by round, median",
        "rounds": rounds,
        "protocols": {
            name: {
                "rate": round(statistics.median(values)),
                "ratio": round(statistics.median(a / b for a, b in zip(values, rates[first], strict=True)), 3),
            }
            for name, values in rates.items()
        },
    }
    text = json.dumps(summary, indent=2) + "\n"
    print(text, end="")
    if file is not None:
        file.write_text(text)


def machine() -> str:
    """Return the processor's name and how many cores there are."""
    model = platform.processor() or platform.machine()
    if (information := Path("/proc/cpuinfo")).exists():
        lines = information.read_text().splitlines()
        model = next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), model)
    return f"{model}, {os.cpu_count()} cores, Python {platform.python_version()}, NumPy {np.__version__}"


def commit(python: str = sys.executable) -> str:
    """Return the commit of the checkout that an installation runs from."""
    where = "import pathlib, vos_bench; print(pathlib.Path(vos_bench.__file__).parent)"
    folder = subprocess.check_output([python, "-P", "-c", where], text=True).strip()
    command = ["git", "-C", folder, "rev-parse", "--short", "HEAD"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    return answer.stdout.strip() or "unknown"


def main() -> None:
    """Make the data, measure in turns, print medians and ratios."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--small", action="store_true", help="5 sequences instead of 30")
    parser.add_argument("--grey", action="store_true", help="masks as grey PNG files, whose rows are filtered")
    parser.add_argument("--data", type=Path, help="where the label maps are kept; a temporary folder by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", default="1,2", help="numbers of workers, separated by commas")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    parser.add_argument("--against", help="the Python of another installation, whose command is compared with this one")
    parser.add_argument("--protocol", help="protocols to compare with the first of them, separated by commas")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.data or Path(temporary)
        make_data(root, small=options.small, grey=options.grey)
        if options.protocol:
            compare_protocols(root, options.protocol.split(","), options.rounds, options.json)
            return
        if options.against:
            compare_commands(root, options.against, options.rounds, options.json)
            return
        report(root, options.rounds, [int(jobs) for jobs in options.jobs.split(",")], options.json)


def report(root: Path, rounds: int, jobs: list[int], file: Path | None) -> None:
    """Measure everything and print it."""
    total = object_frames(root)
    tools = [tool for tool in TOOLS if tool != "vos-benchmark" or importlib.util.find_spec("vos_benchmark")]
    measure("vos-bench", root, 1)  # compiles the kernel where that was never done, and fills the disk's cache
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for workers in jobs:
            for tool in tools:
                if workers == jobs[0] or not tool.endswith("alone"):
                    costs.setdefault(f"{tool}, {workers}", []).append(measure(tool, root, workers))
    print(f"{machine()}; commit {commit()}; {total} object-frames at {HEIGHT} x {WIDTH}; medians of {rounds} rounds")
    print(f"{'tool, workers':22} {'CPU s':>8} {'wall s':>8} {'object-frames / CPU s':>22} {'J&F':>9}")
    for name, each in costs.items():
        cpu, wall = (statistics.median(getattr(cost, f) for cost in each) for f in ("cpu_seconds", "wall_seconds"))
        rate = "" if "alone" in name else f"{total / cpu:.0f}"
        print(f"{name:22} {cpu:8.2f} {wall:8.2f} {rate:>22} {each[0].score:9.6f}")
    for workers in jobs:
        ours, theirs = costs[f"vos-bench, {workers}"], costs.get(f"vos-benchmark, {workers}", [])
        ratios = [b.cpu_seconds / a.cpu_seconds for a, b in zip(ours, theirs, strict=False)]
        if ratios:
            low, high = min(ratios), max(ratios)
            print(f"{workers} worker(s): {statistics.median(ratios):.1f} times vos-benchmark ({low:.1f} to {high:.1f})")
    if file is not None:
        data = {name: [asdict(cost) for cost in each] for name, each in costs.items()}
        file.write_text(json.dumps({"machine": machine(), "object_frames": total, "costs": data}, indent=2) + "\n")


if __name__ == "__main__":
    main()
