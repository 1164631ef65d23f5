"""Whether memory stays flat and time grows linearly: long sequences, large frames, many objects, sequences and files.

    python benchmarks/long_and_large.py --out benchmarks/long_and_large.json
    python benchmarks/long_and_large.py --cases long files --small

Each case is made in three sizes and goes through `vos-bench run` and `vos-bench score`, each in a process of its own
with one thread: processor seconds (user and system, start-up included) and the highest resident memory. Wall time is
not used, so that other work on the machine matters little. A few different frames are drawn and then linked again
and again, so that the disk holds few. Files are those that a command reads: a run has a frame and a label map of each,
and writes half as many more. The slope ratio is the time of one more unit between the second and the third size,
divided by that between the first and the second: 1 where time is linear, and 4 for these sizes where it is quadratic.
It is "none" where the time did not grow from the first size to the second, as can be with --small.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import cv2

from vos_bench.benching.videos import MadeUpVideo, Shape
from vos_bench.environment import collect_environment
from vos_bench.labelmaps import write_label_map

CHILD = """
import json, resource, sys
from pathlib import Path
from vos_bench.cli import main
code = main(sys.argv[2:])
used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
# Not ru_maxrss, which begins with that of the process that started this one.
peak = next(line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
Path(sys.argv[1]).write_text(json.dumps([sum(u.ru_utime + u.ru_stime for u in used), int(peak) / 1024]))
sys.exit(code)
"""
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


@dataclass(frozen=True)
class Size:
    """One size of a case; each sequence has the same frames."""

    units: float
    width: int
    height: int
    objects: int
    sequences: int
    frames: int
    different: int = 10


@dataclass(frozen=True)
class Case:
    """What grows, in which unit, and what runs on it."""

    unit: str
    commands: tuple[str, ...]
    sizes: tuple[Size, ...]
    small: tuple[Size, ...]


@dataclass(frozen=True)
class Row:
    """One measurement."""

    case: str
    command: str
    unit: str
    units: float
    seconds: float
    peak_mib: float


def _frame_sizes(sizes: tuple[tuple[int, int], ...], frames: int) -> tuple[Size, ...]:
    return tuple(Size(w * h * frames / 1e6, w, h, 2, 1, frames) for w, h in sizes)


CASES = {
    "long": Case(
        "frame",
        ("run copy-first", "score"),
        tuple(Size(n, 384, 216, 2, 1, n, 100) for n in (1000, 5000, 20_000)),
        tuple(Size(n, 96, 64, 2, 1, n) for n in (5, 10, 20)),
    ),
    "large": Case(
        "megapixel",
        ("run copy-first", "run flow-warp", "score"),
        _frame_sizes(((960, 540), (1920, 1080), (3840, 2160)), 40),
        _frame_sizes(((96, 64), (128, 96), (192, 128)), 3),
    ),
    "objects": Case(
        "object",
        ("run copy-first", "run flow-warp", "score"),
        tuple(Size(n, 854, 480, n, 1, 10) for n in (50, 100, 200)),
        tuple(Size(n, 96, 64, n, 1, 3) for n in (2, 4, 8)),
    ),
    "sequences": Case(
        "sequence",
        ("run copy-first", "score"),
        tuple(Size(n, 160, 96, 2, n, 10) for n in (100, 250, 500)),
        tuple(Size(n, 96, 64, 2, n, 3) for n in (2, 4, 8)),
    ),
    "files": Case(
        "file",
        ("run copy-first", "score"),
        tuple(Size(2 * n, 64, 48, 2, 100, n // 100) for n in (5000, 15_000, 50_000)),
        tuple(Size(2 * n, 64, 48, 2, 5, n // 5) for n in (15, 30, 60)),
    ),
}


def draw(root: Path, size: Size) -> None:
    """Write a dataset of the kind `folder`, and label maps that lag two frames behind, as links to a few files."""
    video = MadeUpVideo(Shape(size.width, size.height, size.objects, max(2, size.different)))
    for number in range(min(size.different, size.frames)):
        frame = root / "few" / "JPEGImages" / f"{number}.jpg"
        frame.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(frame), cv2.cvtColor(video.read_frame(f"{number:05d}"), cv2.COLOR_RGB2BGR))
        write_label_map(root / "few" / "Annotations" / f"{number}.png", video.labels(number))
        write_label_map(root / "few" / "masks" / f"{number}.png", video.labels(max(0, number - 2)))
    for kind, suffix in (("JPEGImages", "jpg"), ("Annotations", "png"), ("masks", "png")):
        for sequence in range(size.sequences):
            folder = root / kind / f"{sequence:04d}"
            folder.mkdir(parents=True)
            for number in range(size.frames):
                os.link(root / "few" / kind / f"{number % size.different}.{suffix}", folder / f"{number:06d}.{suffix}")


def measure(root: Path, command: str) -> tuple[float, float]:
    """Run a command on a dataset; return processor seconds and the highest resident memory in MiB."""
    name, *method = command.split()
    out, figures = root / f"out-{'-'.join([name, *method])}", root / "figures.json"
    arguments = [*method, "--dataset", "folder"] if method else [str(root / "masks"), "--dataset", "folder"]
    options = ["--root", str(root), "--out", str(out)]
    call = [sys.executable, "-c", CHILD, str(figures), name, *arguments, *options]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    seconds, peak = json.loads(figures.read_text())
    return seconds, peak


def measure_case(name: str, *, small: bool, scratch: Path) -> Iterator[Row]:
    """Measure all sizes of a case; the folder of each is removed before the next is made."""
    case = CASES[name]
    for size in case.small if small else case.sizes:
        with tempfile.TemporaryDirectory(dir=scratch) as folder:
            draw(Path(folder), size)
            for command in case.commands:
                seconds, peak = measure(Path(folder), command)
                yield Row(name, command, case.unit, round(size.units, 3), round(seconds, 3), round(peak, 1))


def slope_ratio(rows: list[Row]) -> float | None:
    """Return the time of a unit from the second size to the third, by that from the first to the second, or None.

    There is none where the time did not grow from the first size to the second.
    """
    first, second, third = rows
    before = (second.seconds - first.seconds) / (second.units - first.units)
    after = (third.seconds - second.seconds) / (third.units - second.units)
    return after / before if before > 0 else None


def table(rows: list[Row]) -> str:
    """Return Markdown: a line for each case and command, the three sizes side by side."""
    lines = [
        "| case | command | sizes | processor seconds | peak MiB | slope ratio |",
        "| --- | --- | --- | --- | --- | ---: |",
    ]
    for case, command in dict.fromkeys((row.case, row.command) for row in rows):
        found = [row for row in rows if (row.case, row.command) == (case, command)]
        ratio = slope_ratio(found)
        cells = (
            ", ".join(f"{row.units:,.6g}" for row in found) + f" {found[0].unit}s",
            ", ".join(f"{row.seconds:.1f}" for row in found),
            ", ".join(f"{row.peak_mib:.0f}" for row in found),
            "none" if ratio is None else f"{ratio:.2f}",
        )
        lines.append(f"| {case} | {command} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    """Measure the cases that are asked for, and print and keep what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=tuple(CASES), default=tuple(CASES))
    parser.add_argument("--small", action="store_true", help="tiny sizes, to see that the script works")
    parser.add_argument("--scratch", type=Path, help="a folder for the made-up data; else the system's own")
    parser.add_argument("--out", type=Path, help="a JSON file for the figures; those of other cases in it stay")
    arguments = parser.parse_args()
    rows: list[Row] = []
    for name in arguments.cases:
        rows += measure_case(name, small=arguments.small, scratch=arguments.scratch or Path(tempfile.gettempdir()))
        print(f"{name}: measured", file=sys.stderr, flush=True)
        if arguments.out:
            keep(rows, arguments.out)
    print(table(rows))


def keep(rows: list[Row], out: Path) -> None:
    """Write the figures, with those of other cases that the file has."""
    measured = {row.case for row in rows}
    old = json.loads(out.read_text())["rows"] if out.exists() else []
    found = [Row(**row) for row in old if row["case"] not in measured] + rows
    git = collect_environment().git
    machine = {"machine": platform.machine(), "python": platform.python_version(), "threads": 1}
    commit = {"commit": git.commit[:12] if git else "", "changes": git.changes if git else ""}
    out.write_text(json.dumps({**machine, **commit, "rows": [asdict(row) for row in found]}, indent=1) + "\n")


if __name__ == "__main__":
    main()
