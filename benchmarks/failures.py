"""What failures, attributes, review and calibration cost, against the scoring of the same label maps.

    python benchmarks/failures.py MASKS --dataset davis16 --root DIR [--rounds N] [--probabilities DIR] [--out FILE]
    python benchmarks/failures.py MASKS --dataset davis16 --root DIR [--rounds N] --against OTHER/bin/python

MASKS is a folder of label maps, SEQUENCE/FRAME.png. Each measurement is a fresh process, and they take turns. Counted
are the CPU seconds (user and system) of the whole process. The reports are made of the record of the scoring, beside
which the label maps lie as those of a run, and probabilities: soft masks that are made of the label maps, into DIR
where it is given and empty.

`together` is one command with all four reports, after `score --failures`; what that takes longer than `score` counts
too. `first together` is the same command where nothing was counted before: it reads all label maps. `start` is the
report `runs`, which needs next to nothing but a process that starts.

The second form compares `score` without the option with that of another installation, such as one of an earlier commit.
"""

import argparse
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from vos_bench.environment import collect_environment
from vos_bench.formats.probabilities import write_probabilities
from vos_bench.labelmaps import read_label_map

REPORTS = ("failures", "by-attribute", "review", "calibration")
TOGETHER = ",".join(REPORTS)
ASKED = "score --failures"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONDONTWRITEBYTECODE": ""}
"""Of the commands: one thread, and modules that are compiled once, as after an installation."""

SOFTNESS = 2.0
"""Pixels from a mask's edge over which its probability falls from 1/2 to 1/4 or so."""

Measure = Callable[[], float]


def cpu_seconds(*command: str, python: str = sys.executable) -> float:
    """Return the CPU seconds of one `vos-bench` command. Raises CalledProcessError where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call = [str(Path(python).with_name("vos-bench")), *command]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL, env=ENVIRONMENT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def soft_planes(labels: NDArray[np.uint16], ids: list[int]) -> NDArray[np.float32]:
    """Return probabilities of background and objects, (1 + K) x H x W: sigmoids of the distance to each edge."""
    planes = [np.zeros(labels.shape, np.float32)]
    for k in ids:
        mask = (labels == k).astype(np.uint8)
        inside, outside = (cv2.distanceTransform(each, cv2.DIST_L2, 3) for each in (mask, 1 - mask))
        planes.append(1 / (1 + np.exp(np.clip(outside - inside, -60, 60) / SOFTNESS)).astype(np.float32))
    planes[0] = np.clip(1 - np.sum(planes[1:], axis=0), 0, 1)
    return np.stack(planes)


def make_probabilities(masks: Path, out: Path) -> None:
    """Write soft masks for all label maps of a folder, unless there are some already."""
    if out.is_dir() and any(out.iterdir()):
        return
    for folder in sorted(path for path in masks.iterdir() if path.is_dir()):
        paths = sorted(folder.glob("*.png"))
        ids = sorted({int(k) for path in paths for k in np.unique(read_label_map(path))} - {0, 255})
        for path in paths:
            labels = read_label_map(path)
            write_probabilities(out / folder.name / f"{path.stem}.npz", soft_planes(labels, ids), labels, ids)


def alternate(measures: dict[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Return what each took, round by round; the first round, which compiles, is left out."""
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds + 1):
        for name, measure in measures.items():
            seconds = measure()
            if number:
                found[name].append(round(seconds, 3))
    return found


def reports_of(folder: Path, masks: Path, probabilities: Path, data: list[str], rounds: int) -> dict[str, list[float]]:
    """Measure scoring with and without the option, and the reports."""
    plain, asked, run, first = (folder / name for name in ("plain", "asked", "run", "first"))
    cpu_seconds("score", str(masks), *data, "--failures", "--out", str(asked))
    for copy in (run, first):
        shutil.copytree(asked, copy)
        (copy / "masks").symlink_to(masks.resolve(), target_is_directory=True)
        (copy / "probabilities").symlink_to(probabilities.resolve(), target_is_directory=True)
    root = data[2:]

    def report(name: str, of: Path) -> float:
        return cpu_seconds("report", name, str(of), *(root if name != "review" else ()))

    def from_nothing(name: str) -> float:
        shutil.rmtree(first / "overlaps", ignore_errors=True)
        return report(name, first)

    return alternate(
        {
            "start": lambda: cpu_seconds("report", "runs", str(run)),
            "score": lambda: cpu_seconds("score", str(masks), *data, "--out", str(plain)),
            ASKED: lambda: cpu_seconds("score", str(masks), *data, "--failures", "--out", str(asked)),
            "together": lambda: report(TOGETHER, run),
            **{name: lambda name=name: report(name, run) for name in REPORTS},
            "first together": lambda: from_nothing(TOGETHER),
            "first failures": lambda: from_nothing("failures"),
        },
        rounds,
    )


def scorings_of(folder: Path, masks: Path, data: list[str], other: str, rounds: int) -> dict[str, list[float]]:
    """Measure scoring without the option, here and with another installation."""

    def score(python: str, name: str) -> float:
        return cpu_seconds("score", str(masks), *data, "--out", str(folder / name), python=python)

    return alternate({"here": lambda: score(sys.executable, "a"), "there": lambda: score(other, "b")}, rounds)


def ratios(found: dict[str, list[float]]) -> dict[str, float]:
    """Return medians over the median of plain scoring."""
    medians = {name: statistics.median(values) for name, values in found.items()}
    base = medians["score"] if "score" in medians else medians["there"]
    over = {name: value / base for name, value in medians.items()}
    if ASKED in medians:
        extra = medians[ASKED] - base
        over["all of it, counted in the pass of scoring"] = (extra + medians["together"]) / base
    return {name: round(value, 3) for name, value in over.items()}


def main() -> int:
    """Measure, print the medians and ratios, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("masks", type=Path)
    parser.add_argument("--dataset", default="davis16")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--probabilities", type=Path)
    parser.add_argument("--against")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    data = ["--dataset", arguments.dataset, "--root", str(arguments.root)]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if arguments.against:
            found = scorings_of(folder, arguments.masks, data, arguments.against, arguments.rounds)
        else:
            probabilities = arguments.probabilities or folder / "soft"
            make_probabilities(arguments.masks, probabilities)
            found = reports_of(folder, arguments.masks, probabilities, data, arguments.rounds)
    print_and_keep(found, arguments)
    return 0


def print_and_keep(found: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    """Print the medians and ratios; write the record where one is asked for."""
    over = ratios(found)
    for name, values in found.items():
        print(f"{name}: {statistics.median(values):.3f} CPU seconds, {over[name]:.2f} times the scoring")
    for name in sorted(over.keys() - found.keys()):
        print(f"{name}: {over[name]:.2f} times the scoring")
    if arguments.out is None:
        return
    record: dict[str, Any] = {
        "command": f"python benchmarks/failures.py MASKS --dataset {arguments.dataset} --root DIR --rounds "
        f"{arguments.rounds}",
        "masks": arguments.masks.name,
        "figures": "CPU seconds (user and system) of whole processes, round by round; ratios of medians to score",
        "environment": collect_environment("").to_data(),
        "rounds": found,
        "ratios": over,
    }
    arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
