"""Runs on clusters and with killed workers, held against one process byte for byte.

    python benchmarks/engines.py --root DAVIS --out benchmarks/engines.json

A dask scheduler with three worker processes and ray are started on this machine. Each case is a `vos-bench run` of its
own; in some a worker process, or the process that watches over it, is killed with -9 once it has written label maps.
Label maps, objects.csv and frames.csv.gz must be those of the serial run; it ends with 1 where they are not.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

from vos_bench.environment import collect_environment
from vos_bench.files import write_text
from vos_bench.records import load_run

PATIENCE_SECONDS = 3600
CANNOT_BE_JOINED = 2
COMMAND = [sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())"]
Victim = Callable[[psutil.Process], psutil.Process | None]
"""Of a worker process: which process to kill."""


def results(out: Path) -> dict[str, bytes]:
    """Return what must be equal."""
    paths = [*out.glob("masks/*/*"), out / "objects.csv", out / "frames.csv.gz"]
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(paths)}


@contextmanager
def dask_cluster(folder: Path) -> Iterator[str]:
    """Start a scheduler and three workers; yield the engine."""
    where = folder / "scheduler.json"
    common = ["--scheduler-file", str(where), "--no-dashboard"]
    module = [sys.executable, "-m"]
    commands = [[*module, "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common]]
    commands += [[*module, "distributed.cli.dask_worker", "--nthreads", "1", *common]] * 3
    with (folder / "dask.txt").open("wb") as log:
        started = [subprocess.Popen(command, stdout=log, stderr=log, cwd=folder) for command in commands]
    try:
        wait_for(where.exists)
        yield json.loads(where.read_text("utf-8"))["address"].replace("tcp://", "dask://")
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError("waited too long")
        time.sleep(0.02)


def workers() -> list[psutil.Process]:
    """Return the worker processes among all that this process started."""
    family = psutil.Process().children(recursive=True)
    return [process for process in family if any("worker_process import main" in part for part in process.cmdline())]


def run(arguments: list[str], out: Path, victim: Victim | None) -> dict[str, object]:
    """Run, kill if asked for, and return what is to be said of it."""
    began = time.monotonic()
    with out.with_suffix(".txt").open("wb") as log:
        process = subprocess.Popen([*COMMAND, *arguments, "--out", str(out)], stdout=log, stderr=log)
        if victim is not None:
            wait_for(lambda: len(list(out.glob("masks/*/*.png"))) >= 20 or process.poll() is not None)
            target = victim(alive[0]) if (alive := workers()) else None
            if target is None:
                raise RuntimeError("it had ended before a worker could be killed; choose a slower --method")
            target.kill()
        code = process.wait(PATIENCE_SECONDS)
    found = load_run(out)
    notes = {name: sequence.notes for name, sequence in found.sequence_records.items() if sequence.notes}
    return {
        "exit_code": code,
        "status": found.record.status,
        "seconds": round(time.monotonic() - began, 1),
        "notes": notes,
    }


def main() -> int:
    """Run all cases."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--root", type=Path, required=True, help="the folder of DAVIS")
    parser.add_argument("--method", default="flow-warp")
    parser.add_argument("--sequences", default="blackswan,car-shadow,drift-straight,horsejump-high")
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    common = ["run", given.method, "--dataset", "davis16", "--root", str(given.root), "--sequences", given.sequences]
    report: dict[str, dict[str, object]] = {}
    ray = ["--engine", "ray://local", "--jobs", "3"]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        os.environ["HOME"] = scratch  # ray writes there

        def case(name: str, engine: list[str], victim: Victim | None = None) -> None:
            out = folder / name.replace(" ", "-")
            found = run([*common, *engine], out, victim)
            if found["exit_code"] == CANNOT_BE_JOINED:  # ray gives itself thirty seconds, whatever else is going on
                found = run([*common, *engine], out, victim)
            report[name] = {**found, "equal_to_serial": results(out) == results(folder / "serial")}
            print(name, report[name], flush=True)

        case("serial", [])
        case("local, a worker killed", ["--jobs", "3"], lambda worker: worker)
        case("ray", ray)
        case("ray, a ray worker killed", ray, psutil.Process.parent)
        with dask_cluster(folder) as dask:
            case("dask", ["--engine", dask])
            case("dask, a worker killed", ["--engine", dask], lambda worker: worker)
            case("dask, a dask worker killed", ["--engine", dask], psutil.Process.parent)
    if given.out:
        environment = collect_environment().to_data()
        named = {"method": given.method, "sequences": given.sequences.split(",")}
        write_text(given.out, json.dumps({**named, "cases": report, "environment": environment}, indent=2) + "\n")
    good = all(found["equal_to_serial"] and found["status"] == "complete" for found in report.values())
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
