"""What the reports of failures and attributes cost, against the scoring of the same label maps.

    python benchmarks/failures.py MASKS --dataset davis16 --root DIR [--rounds N] [--out FILE]

MASKS is a folder of label maps, SEQUENCE/FRAME.png. Each measurement is a fresh process, and they take turns: `score`,
and the reports `failures` and `by-attribute` on the record of that scoring, beside which the label maps lie as those of
a run. Counted are the CPU seconds (user and system) of the process. A second ratio leaves out what a process takes to
start and to load what all three load: it is measured with the report `runs`.
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
from pathlib import Path

from vos_bench.environment import collect_environment

REPORTS = ("failures", "by-attribute")


def cpu_seconds(*command: str) -> float:
    """Return the CPU seconds of one `vos-bench` command. Raises CalledProcessError where it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    call = [str(Path(sys.executable).with_name("vos-bench")), *command]
    subprocess.run(call, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "OMP_NUM_THREADS": "1"})
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def measure(masks: Path, dataset: str, root: Path, rounds: int) -> dict[str, list[float]]:
    """Return what each command took, round by round; the first round, which compiles, is left out."""
    found: dict[str, list[float]] = {name: [] for name in ("start", "score", *REPORTS)}
    with tempfile.TemporaryDirectory() as folder:
        scored, out = Path(folder) / "scored", Path(folder) / "run"
        data = ("--dataset", dataset, "--root", str(root))
        for number in range(rounds + 1):
            seconds = {"score": cpu_seconds("score", str(masks), *data, "--out", str(scored))}
            if not number:
                shutil.copytree(scored, out)
                (out / "masks").symlink_to(masks.resolve(), target_is_directory=True)
            seconds["start"] = cpu_seconds("report", "runs", str(out))
            for name in REPORTS:
                seconds[name] = cpu_seconds("report", name, str(out), "--root", str(root), "--format", "csv")
            if number:
                for name, value in seconds.items():
                    found[name].append(value)
    return found


def main() -> int:
    """Measure, print the medians and ratios, write the record."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("masks", type=Path)
    parser.add_argument("--dataset", default="davis16")
    parser.add_argument("--root", type=Path, required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    found = measure(arguments.masks, arguments.dataset, arguments.root, arguments.rounds)
    medians = {name: round(statistics.median(values), 3) for name, values in found.items()}
    start = medians["start"]
    ratios = {name: round(medians[name] / medians["score"], 2) for name in REPORTS}
    work = {name: round((medians[name] - start) / (medians["score"] - start), 2) for name in REPORTS}
    for name, seconds in medians.items():
        print(f"{name}: {seconds} CPU seconds")
    for name in REPORTS:
        print(f"{name}: {ratios[name]} times score, {work[name]} times without what starting takes")
    if arguments.out:
        environment = collect_environment("")
        record = {
            "command": f"python benchmarks/failures.py MASKS --dataset {arguments.dataset} --root DIR --rounds "
            f"{arguments.rounds}",
            "masks": arguments.masks.name,
            "figures": "CPU seconds (user and system) of whole processes, medians; ratios to score",
            "environment": environment.model_dump(mode="json"),
            "medians": medians,
            "rounds": {name: [round(value, 3) for value in values] for name, values in found.items()},
            "ratio": ratios,
            "ratio without starting": work,
        }
        arguments.out.write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
