"""Compares the speed of scoring with vos-benchmark, on label maps made up like those of DAVIS 2017 val.

    python benchmarks/scoring.py [--small] [--grey] [--data DIR] [--rounds N] [--jobs 1,2] [--peer PYTHON] [--json FILE]
    python benchmarks/scoring.py --size 1920x1080 --objects 3 --sequences 4 --frames 400 [as above]
    python benchmarks/scoring.py --protocol davis,sav,sav-folders,mosev2,lvos,vost [--data DIR] [--rounds N]
    python benchmarks/scoring.py --against OTHER/bin/python [--data DIR] [--rounds N] [--json FILE]
    python benchmarks/scoring.py --memory 100,400,1600 [--size ...] [--json FILE]

The first two forms compare the whole command `vos-bench score` with vos-benchmark, whose Python `--peer` names where it
is not this one; without it, vos-bench is measured alone. The third form compares protocols on the same label maps, in
object-frames per CPU second; `sav-folders` has a file for each object and frame. The fourth form compares the whole
command with that of another installation, such as one of an earlier commit: on all sequences, and on one sequence of 50
frames. The fifth form gives the peak memory of the command for one video of each length.

Each measurement is a fresh process: start-up, imports, decoding, scoring and, with several workers, those workers are
all in its CPU seconds (user and system). The tools take turns, so that a busy machine hurts both alike. Byte code is
kept, as installed packages have it.
"""

import argparse
import json
import math
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from made_up_label_maps import (
    FRAMES,
    HEIGHT,
    OBJECTS,
    WIDTH,
    Shape,
    make_data,
    make_object_folders,
    object_frames,
)

SHORT = "sequence14"
"""The sequence whose first 50 frames are measured alone; it has two objects."""

ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}

TOOLS = {
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
from vos_bench.openmp import choose_one_blas_thread
choose_one_blas_thread()
from vos_bench.labelmaps import read_narrow
for path in sorted(Path(sys.argv[1]).glob("*/*/*.png")):
    read_narrow(path)
print("nan")
""",
    "start-up alone": """
from vos_bench.openmp import choose_one_blas_thread
choose_one_blas_thread()
import vos_bench.metrics.counts, vos_bench.scoring.sequences
import numpy as np
labels = np.zeros((8, 8), np.uint8)
vos_bench.metrics.counts.CompiledCounter()(labels, labels)
print("nan")
""",
}

PROTOCOL = """
import sys
from pathlib import Path
from vos_bench.openmp import choose_one_blas_thread
choose_one_blas_thread()
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
        sequences.append(type(each)(each.folder, each.truth_names, listed_objects=objects, frame_ranges=ranges))
results = score_sequences(sequences, masks, protocol=name)
assert not any(result.error for result in results)
print(sum(len(scores.frames) for result in results for scores in result.objects))
"""

COMMAND = "import sys; from vos_bench.cli import main; sys.exit(main())"
"""What the command `vos-bench` does; named by its Python, since installations differ in nothing else."""


@dataclass(frozen=True)
class Cost:
    """What one process took, itself and its workers; its own peak memory, and what it gave."""

    cpu_seconds: float
    wall_seconds: float
    peak_mib: float
    score: float


def measure(tool: str, root: Path, jobs: int, python: str = sys.executable) -> Cost:
    """Run one tool in a process of its own."""
    if tool == "vos-bench":
        return command(python, root, root / "out" / "this", "--jobs", str(jobs))
    return run([python, "-P", "-c", TOOLS[tool], str(root), str(jobs)], tool)


def command(python: str, root: Path, out: Path, *options: str) -> Cost:
    """Run `vos-bench score` of an installation."""
    words = ["score", f"{root}/masks", "--truth", f"{root}/truth", "--out", str(out), *options]
    cost = run([python, "-P", "-c", COMMAND, *words], "vos-bench score", prints_score=False)
    return replace(cost, score=json.loads((out / "run.json").read_text())["scores"]["J&F"])


def run(arguments: list[str], what: str, *, prints_score: bool = True) -> Cost:
    """Run a command, whose last word may be a score."""
    started = time.perf_counter()
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(arguments, stdout=output, env=ENVIRONMENT)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            raise SystemExit(f"{what} failed")
        wall = time.perf_counter() - started
        output.seek(0)
        score = float(output.read().split()[-1]) if prints_score else math.nan
    return Cost(usage.ru_utime + usage.ru_stime, wall, round(usage.ru_maxrss / 1024, 1), score)


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
                cost = command(python, folder, root / "out" / name)
                costs[name] += [cost.cpu_seconds] if turn >= 0 else []
        ratios = [ours / theirs for ours, theirs in zip(costs["this"], costs["other"], strict=True)]
        medians = {name: round(statistics.median(each), 3) for name, each in costs.items()}
        spread = {"ratio": round(statistics.median(ratios), 3), "ratios": [round(each, 3) for each in sorted(ratios)]}
        summary[data] = {**medians, **spread}
    tell(summary, file)


def tell(summary: Mapping[str, object], file: Path | None) -> None:
    """Print what was measured, and write it to a file."""
    text = json.dumps(summary, indent=2) + "\n"
    print(text, end="")
    if file is not None:
        file.write_text(text)


def compare_lengths(root: Path, shape: Shape, lengths: list[int], file: Path | None) -> None:
    """Measure the peak memory of the command for one video of each length."""
    peaks: dict[str, float] = {}
    for frames in lengths:
        folder = root / f"frames{frames}"
        make_data(folder, replace(shape, objects=shape.objects[:1], frames=frames), small=False, grey=False)
        command(sys.executable, folder, root / "out" / "memory")  # compiles where that was never done
        peaks[str(frames)] = command(sys.executable, folder, root / "out" / "memory").peak_mib
    tell(
        {
            "machine": machine(),
            "commit": commit(),
            "size": f"{shape.width} x {shape.height}, {shape.objects[0]} objects",
            "figures": "peak resident MiB of `vos-bench score` by the number of frames of one video",
            "peak_mib": peaks,
        },
        file,
    )


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
    tell(summary, file)


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
    parser.add_argument("--small", action="store_true", help="6 sequences instead of 30")
    parser.add_argument("--grey", action="store_true", help="masks as grey PNG files, whose rows are filtered")
    parser.add_argument("--size", default=f"{WIDTH}x{HEIGHT}", help="WIDTHxHEIGHT of the label maps")
    parser.add_argument("--objects", type=int, help="how many objects each sequence has; as in DAVIS by default")
    parser.add_argument("--sequences", type=int, default=len(OBJECTS), help="how many sequences, with --objects")
    parser.add_argument("--frames", type=int, default=FRAMES, help="how many frames all sequences have together")
    parser.add_argument("--data", type=Path, help="where the label maps are kept; a temporary folder by default")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--jobs", default="1,2", help="numbers of workers, separated by commas")
    parser.add_argument("--json", type=Path, help="write every measurement to this file")
    parser.add_argument("--peer", default=sys.executable, help="the Python that has vos-benchmark")
    parser.add_argument("--against", help="the Python of another installation, whose command is compared with this one")
    parser.add_argument("--protocol", help="protocols to compare with the first of them, separated by commas")
    parser.add_argument("--memory", help="lengths of videos, in frames, whose peak memory is measured")
    options = parser.parse_args()
    width, _, height = options.size.partition("x")
    objects = (options.objects,) * options.sequences if options.objects else tuple(OBJECTS)
    shape = Shape(int(width), int(height), objects, options.frames)
    with tempfile.TemporaryDirectory() as temporary:
        root = options.data or Path(temporary)
        if options.memory:
            compare_lengths(root, shape, [int(frames) for frames in options.memory.split(",")], options.json)
            return
        make_data(root, shape, small=options.small, grey=options.grey)
        if options.protocol:
            compare_protocols(root, options.protocol.split(","), options.rounds, options.json)
        elif options.against:
            compare_commands(root, options.against, options.rounds, options.json)
        else:
            report(root, shape, options.rounds, [int(jobs) for jobs in options.jobs.split(",")], options)


def report(root: Path, shape: Shape, rounds: int, jobs: list[int], options: argparse.Namespace) -> None:
    """Measure everything and print it."""
    total = object_frames(root)
    finding = [options.peer, "-c", "import vos_benchmark"]
    has_peer = not subprocess.run(finding, capture_output=True, check=False).returncode
    pythons = {"vos-bench": sys.executable, **({"vos-benchmark": options.peer} if has_peer else {})}
    pythons |= {tool: sys.executable for tool in TOOLS if tool.endswith("alone")}
    measure("vos-bench", root, 1)  # compiles the kernel where that was never done, and fills the disk's cache
    costs: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        for workers in jobs:
            for tool, python in pythons.items():
                if workers == jobs[0] or not tool.endswith("alone"):
                    costs.setdefault(f"{tool}, {workers}", []).append(measure(tool, root, workers, python))
    tell(
        {
            "machine": machine(),
            "commit": commit(),
            "data": f"{len([*root.glob('truth/*')])} sequences, {total} object-frames, {shape.width} x {shape.height}",
            "figures": f"medians of {rounds} rounds; times: CPU seconds of vos-benchmark by those of the whole command "
            "`vos-bench score`, round by round",
            "tools": {name: _medians(each, None if "alone" in name else total) for name, each in costs.items()},
            "times": {str(workers): _times(costs, workers) for workers in jobs},
            "costs": {name: [asdict(cost) for cost in each] for name, each in costs.items()},
        },
        options.json,
    )


def _medians(costs: list[Cost], total: int | None) -> dict[str, float]:
    names = ("cpu_seconds", "wall_seconds", "peak_mib")
    found = {name: round(statistics.median(getattr(cost, name) for cost in costs), 3) for name in names}
    return found if total is None else {**found, "object_frames_per_cpu_second": round(total / found["cpu_seconds"])}


def _times(costs: dict[str, list[Cost]], workers: int) -> dict[str, float]:
    """Return how many times as fast as vos-benchmark the command is; nothing where only one of them was measured."""
    pairs = zip(costs[f"vos-bench, {workers}"], costs.get(f"vos-benchmark, {workers}", []), strict=False)
    ratios = [theirs.cpu_seconds / ours.cpu_seconds for ours, theirs in pairs]
    if not ratios:
        return {}
    return {
        "median": round(statistics.median(ratios), 1),
        "least": round(min(ratios), 1),
        "most": round(max(ratios), 1),
    }


if __name__ == "__main__":
    main()
