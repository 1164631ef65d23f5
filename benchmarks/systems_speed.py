"""How long systems take for a frame of 480p with several objects, and how much memory: `vos-bench bench` of each.

    python benchmarks/systems_speed.py --out benchmarks/systems_speed.json          # what the record lacks
    python benchmarks/systems_speed.py --out … --cells sam2-hf:4,cutie:1            # these, whether it has them or not
    python benchmarks/systems_speed.py --table benchmarks/systems_speed.json        # the table

A cell is a system and a number of objects: two calls of `vos-bench bench` on made-up videos, one of two frames and a
longer one, each in processes of its own with one thread. What a frame takes is the processor time by which the longer
call takes more, its passes to warm up and to time together, so that a busy machine does not change it. The record is
written after each cell, and a later call goes on. Parameters are random but for `lwl-lite`; their values change no
work. `sam2.1` and `cutie` are the authors' packages (rf-sam-2, rf-cutie), driven by our adapters on the same frames;
the environment is that of `tox -e peers`.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent))

from vos_bench.environment import collect_environment
from vos_bench.files import write_text

OBJECTS = (1, 2, 4)
SIZE = "854x480"
SHORTEST = 2
PASSES = 2
"""One to warm up and one to time."""

WATCHER = """
import json, resource, subprocess, sys
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
"""Starts a command from a small process: on Linux the peak of a process includes that of the one that started it."""

PACKAGES = ("transformers", "rf-sam-2", "rf-cutie", "torch", "torchvision", "numpy")

SYSTEMS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "sam2-hf": ("SAM 2.1 tiny, 1024 px, by transformers", ("--weights", "{work}/sam2-hf")),
    "sam2.1": (
        "SAM 2.1 tiny, 1024 px, rf-sam-2's predictor",
        ("--weights", "{work}/sam2.pt", "--set", "python={python}", "--set", "model=tiny", "--set", "precision=off"),
    ),
    "edgetam-hf": ("EdgeTAM, 1024 px, by transformers", ("--weights", "untrained")),
    "cutie": ("Cutie base, 480 px, rf-cutie's core", ("--weights", "{work}/cutie.pth", "--set", "python={python}")),
    "stcn": ("STCN", ("--weights", "untrained")),
    "stm": ("STM", ("--weights", "untrained")),
    "lwl": ("LWL, ResNet-50", ("--weights", "untrained")),
    "lwl-lite": ("LWL-lite, its own parameters", ()),
}
"""Method to what it is and how it is called."""


def prepare(name: str, work: Path) -> None:
    """Make the random parameters that a system reads."""
    from peer_systems import cutie_package, sam2_package
    from peer_systems.clips import make_clips

    work.mkdir(parents=True, exist_ok=True)
    if name in {"sam2-hf", "sam2.1"} and not (work / "sam2-hf").is_dir():
        sam2_package.make_checkpoint(work / "sam2.pt", seed=0)
        sam2_package.make_folder(work / "sam2.pt", work / "sam2-hf")
    if name == "cutie" and not (work / "cutie.pth").is_file():
        with torch.inference_mode():
            cutie_package.make_checkpoint(work / "cutie.pth", make_clips(3)[0], seed=0)


def measure(name: str, objects: int, *, frames: int, work: Path) -> dict[str, Any]:
    """Measure one cell.

    Raises:
        SystemExit: A command failed.
    """
    _, short, _ = _bench(name, objects, frames=SHORTEST, work=work)
    command, long, peak = _bench(name, objects, frames=frames, work=work)
    return {
        "method": name,
        "objects": objects,
        "frames": frames,
        "cpu_ms": 1e3 * (long - short) / PASSES / (frames - SHORTEST),
        "peak_mib": peak,
        "command": command,
    }


def _bench(name: str, objects: int, *, frames: int, work: Path) -> tuple[str, float, float]:
    """Return a command, processor seconds of all that it started, and MiB of the largest of these processes."""
    given = [each.format(work=work, python=sys.executable) for each in SYSTEMS[name][1]]
    command = [
        "bench", name, *given, "--size", SIZE, "--objects", str(objects), "--frames", str(frames), "--quick",
        "--repeats", "1", "--device", "cpu", "--out", str(work / f"{name}-{objects}-{frames}"),
    ]  # fmt: skip
    program = str(Path(sys.executable).with_name("vos-bench"))
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    watched = [sys.executable, "-S", "-c", WATCHER, program, *command]
    found = subprocess.run(watched, env=environment, stdout=subprocess.PIPE, check=True, text=True)
    code, seconds, largest = json.loads(found.stdout)
    said = f"vos-bench {' '.join(command)}".replace(str(work), "FOLDER").replace(sys.executable, "python")
    if code:
        raise SystemExit(f"{said}: ended with {code}")
    return said, seconds, largest / (2**20 if sys.platform == "darwin" else 1024)


def table(record: Mapping[str, Any]) -> list[str]:
    """Return the lines of a table of milliseconds a frame and MiB."""
    cells = {(row["method"], row["objects"]): row for row in record["rows"]}
    lines = [
        "| method | what | CPU ms a frame: " + " | ".join(_counted(n) for n in OBJECTS) + " | peak MiB: 1 object | 4 |",
        "| --- | --- |" + " ---: |" * (len(OBJECTS) + 2),
    ]
    for name, (what, _) in SYSTEMS.items():
        found = [cells.get((name, n)) for n in OBJECTS]
        times = [f"{cell['cpu_ms']:,.0f}" if cell else "" for cell in found]
        peaks = [f"{cell['peak_mib']:,.0f}" if cell else "" for cell in (found[0], found[-1])]
        lines.append(f"| `{name}` | {what} | " + " | ".join((*times, *peaks)) + " |")
    return lines


def _counted(number: int) -> str:
    return "1 object" if number == 1 else str(number)


def _wanted(cells: str | None, done: Sequence[Mapping[str, Any]]) -> list[tuple[str, int]]:
    if cells:
        pairs = [each.partition(":") for each in cells.split(",")]
        return [(name, int(number)) for name, _, number in pairs]
    known = {(row["method"], row["objects"]) for row in done}
    return [(name, number) for name in SYSTEMS for number in OBJECTS if (name, number) not in known]


def main() -> None:
    """Measure what is wanted and write it, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--table", type=Path, help="print the table of a record, measure nothing")
    parser.add_argument("--cells", help="NAME:OBJECTS,…; by default all that the record lacks")
    parser.add_argument("--frames", type=int, default=4)
    parser.add_argument("--work", type=Path, default=Path("systems_speed"), help="for parameters and runs")
    parser.add_argument("--out", type=Path, default=Path("systems_speed.json"))
    arguments = parser.parse_args()
    if arguments.table:
        print("\n".join(table(json.loads(arguments.table.read_text(encoding="utf-8")))))
        return
    work = arguments.work.resolve()
    rows = json.loads(arguments.out.read_text(encoding="utf-8"))["rows"] if arguments.out.is_file() else []
    for name, objects in _wanted(arguments.cells, rows):
        prepare(name, work)
        row = measure(name, objects, frames=arguments.frames, work=work)
        rows = [each for each in rows if (each["method"], each["objects"]) != (name, objects)] + [row]
        environment = collect_environment("", PACKAGES).to_data()
        write_text(arguments.out, json.dumps({"environment": environment, "rows": rows}, indent=2) + "\n")
        print(f"{name}, {objects} objects: {row['cpu_ms']:.0f} ms, {row['peak_mib']:.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
