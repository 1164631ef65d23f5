"""The fault suite in full: commands that are killed, stopped, starved of disk, memory or rights, and given again.

    python benchmarks/faults.py --out benchmarks/faults.json
    python benchmarks/faults.py --share 0.1 --only "kill -9"        # a tenth of the kills

After each fault what was finished has to be there still, the same command (a training's with --resume) has to complete,
and the result has to equal an undisturbed one byte for byte: label maps, objects.csv, frames.csv.gz, weights. The
moments are drawn from a seed. It prints and writes how many faults of each kind were tried, survived and lost, and ends
with 1 when anything was lost. Full and read-only disks need the right to mount a small file system; without it they are
left out and counted so.
"""

import argparse
import json
import os
import platform
import random
import resource
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock

FAKES = Path(__file__).resolve().parents[1] / "tests" / "fakes"
sys.path.insert(0, str(FAKES))

import breaking  # noqa: E402
import power  # noqa: E402
import run_fake  # noqa: E402
import works  # noqa: E402
from breaking import LostError, Processes, TooLateError, Trial, Unbroken, Work  # noqa: E402

from vos_bench.environment import collect_environment  # noqa: E402
from vos_bench.files import write_text  # noqa: E402

Fault = Callable[[Trial], None]
REDRAWS = 20
NEEDS_DISK = {"full disk", "read-only folder"}


@dataclass(frozen=True)
class Case:
    """A kind of fault on some work, tried so many times."""

    fault: str
    break_it: Fault
    work: Work
    times: int
    whole: Work | None = None
    """The work that is not broken, where another one gives what must come out."""


@dataclass
class Tally:
    """What became of the faults of one kind."""

    tried: int = 0
    survived: int = 0
    lost: list[str] = field(default_factory=list)
    left_out: int = 0


def memory_ran_out(trial: Trial) -> None:
    """Two sequences run out of memory and start again with fewer objects at a time; nothing else is different."""
    trial.processes.finish(trial.start())
    trial.require_whole()
    notes = [json.loads(path.read_text())["notes"] for path in sorted(trial.out.glob("sequences/[bd].json"))]
    told = ["out of memory with 2 objects at a time: run with 1"]
    breaking.require(notes == [told, told], f"the records do not say so: {notes}")


def power_was_cut(trial: Trial) -> None:
    """The power fails at a drawn sync; what was not synced is gone, its name too or its content alone."""
    disk_folder = trial.out.parent / "disk"
    disk_folder.mkdir(parents=True)
    out = disk_folder / "out"
    arguments = trial.work.command(out)[2:]
    with mock.patch.dict(os.environ, trial.work.environment), power.Disk(disk_folder).watched() as disk:
        code = run_fake.main(out, arguments[1], int(arguments[2]), int(arguments[3]))
    breaking.require(code == 0, f"exit code {code}")
    moment = trial.chance.choice(disk.moments)
    left = disk.after_a_cut(moment, trial.out.parent / "left", names_kept=trial.chance.random() < 0.5)
    if (left / "out").exists():
        (left / "out").rename(trial.out)
    before = {name: data for name, data in trial.work.kept(trial.out).items() if data}
    trial.restart(before)


def foreign_code_ended_it(trial: Trial) -> None:
    """A method ends the process, or raises what nobody expects: never exit code 0 and never a traceback."""
    raised = trial.chance.choice(("import sys; sys.exit(0)", "raise BaseException", "raise GeneratorExit"))
    where = trial.chance.choice(("__init__", "initialize", "step", "finish"))
    trial.out.parent.mkdir(parents=True)
    path = trial.out.parent / "faulty.py"
    body = f"    def {where}(self, *a, **k):\n        {raised}\n"
    path.write_text(f"from vos_bench.methods.copy_first import CopyFirst\n\nclass Faulty(CopyFirst):\n{body}")
    what = ("run", f"{path}:Faulty", "--dataset", "demo", "--sequences", "tiny", "--out", str(trial.out))
    code = breaking.ended(trial.processes.start((*breaking.VOS_BENCH, *what)))
    said = trial.processes.said()
    breaking.require(code in (1, 2) and "Traceback" not in said, f"{where}: {raised}: exit code {code}: {said[-500:]}")


def gpu_was_lost(trial: Trial) -> None:
    """The GPU fails in one sequence and answers no more; once it is fixed the same command goes on."""
    process = trial.start()
    code, said = breaking.ended(process), trial.processes.said()
    breaking.require(code != 0 and "Traceback" not in said, f"exit code {code}: {said[-2000:]}")
    before = trial.work.kept(trial.out)
    breaking.require(before, "nothing was finished")
    trial.restart(before, FAKE_MENDED="1")


def cases(folder: Path) -> list[Case]:
    """Return the whole suite."""
    one, two = works.made_up_run(1), works.made_up_run(2)
    real = works.any_run("run of flow-warp on demo, 1 job", "flow-warp", "fast-motion,lighting,tiny", jobs=1)
    real_two = works.any_run("run of copy-first on demo, 2 jobs", "copy-first", "fast-motion,lighting,tiny", jobs=2)
    stalled = works.any_run(
        "run of flow-warp on demo, 2 jobs", "flow-warp", "fast-motion,lighting,tiny", "--stall", "10", jobs=2
    )
    lite = works.any_run("run of lwl-lite on demo, 1 job", "lwl-lite", "fast-motion,lighting", jobs=1)
    score, score_five = works.scoring(folder / "one"), works.scoring(folder / "five", jobs=5)
    train, train_two = works.training(folder / "t0"), works.training(folder / "t2", workers=2)
    kills = (
        (one, 8),
        (two, 8),
        (real, 6),
        (real_two, 6),
        (lite, 4),
        (score, 8),
        (score_five, 4),
        (train, 8),
        (train_two, 3),
    )
    signals = ((one, 3), (two, 3), (score, 2), (train, 3))
    disks = ((one, 3), (two, 2), (score, 3), (train, 3))
    table: Sequence[tuple[str, Fault, tuple[tuple[Work, int], ...]]] = (
        ("kill -9", breaking.killed, kills),
        ("kill -9 at a change of a file", breaking.killed_at_a_change, ((one, 14), (score, 14))),
        ("power cut", power_was_cut, ((one, 20),)),
        ("method that ends the process", foreign_code_ended_it, ((one, 12),)),
        ("SIGTERM", breaking.terminated, signals),
        ("Ctrl-C twice", breaking.interrupted_twice, ((one, 3), (two, 3), (train, 3))),
        ("full disk", breaking.disk_filled, disks),
        ("read-only folder", breaking.made_read_only, disks),
        ("second start in the folder", breaking.started_twice, ((one, 2), (two, 2), (train, 2))),
        ("worker killed", breaking.worker_killed, ((two, 4), (score_five, 2), (train_two, 3))),
        ("worker hangs", breaking.worker_hung, ((stalled, 5),)),
        ("clock jumps", breaking.clock_jumped, ((one, 1), (two, 2), (score, 1), (train, 2))),
    )
    plain = [Case(fault, break_it, work, times) for fault, break_it, rows in table for work, times in rows]
    machine = (("out of memory", memory_ran_out, "Greedy", "bd"), ("GPU lost", gpu_was_lost, "LosesTheGpu", "c"))
    for fault, break_it, method, sick in machine:
        whole = works.made_up_run(1, method="Drift", sick=sick)
        plain += [Case(fault, break_it, works.made_up_run(jobs, method=method, sick=sick), 2, whole) for jobs in (1, 2)]
    return plain


class Suite:
    """Tries faults one after the other and keeps count."""

    def __init__(self, scratch: Path, processes: Processes, *, seed: int) -> None:
        self.scratch, self.processes, self.seed = scratch, processes, seed
        self.tallies: dict[tuple[str, str], Tally] = {}
        self._sound: dict[str, Unbroken] = {}
        self._can_mount = breaking.can_mount(scratch / "probe")

    def run(self, case: Case, times: int) -> None:
        """Try a case so many times."""
        tally = self.tallies.setdefault((case.fault, case.work.name), Tally())
        if case.fault in NEEDS_DISK and not self._can_mount:
            tally.left_out += times
            return
        for number in range(times):
            tally.tried += 1
            try:
                self._try(case, number)
            except LostError as error:
                tally.lost.append(str(error))
                ended = f"LOST: {error}"
            else:
                tally.survived += 1
                ended = "survived"
            print(f"{case.fault}, {case.work.name}, {number + 1} of {times}: {ended}", flush=True)

    def _try(self, case: Case, number: int) -> None:
        sound = self._unbroken(case.whole or case.work)
        for draw in range(REDRAWS):
            name = f"{case.fault}-{case.work.name}-{number}-{draw}".replace(" ", "-").replace(",", "")
            chance = random.Random(f"{self.seed} {name}")
            try:
                case.break_it(Trial(case.work, self.scratch / name / "out", sound, chance, self.processes))
                return
            except TooLateError:
                continue  # it had ended: another moment is drawn
        raise LostError("never met at work")

    def _unbroken(self, work: Work) -> Unbroken:
        key = f"{work.name} {work.environment.get('FAKE_SICK')}"
        if key not in self._sound:
            self._sound[key] = breaking.unbroken(work, self.scratch / f"unbroken-{len(self._sound)}", self.processes)
        return self._sound[key]


def report(suite: Suite, *, seconds: float, command: str) -> dict[str, Any]:
    """Return the figures as they are written."""
    environment = collect_environment()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    commit = environment.git.commit[:12] if environment.git else ""
    rows = [
        {"fault": fault, "work": work, **vars(tally), "commit": commit}
        for (fault, work), tally in suite.tallies.items()
    ]
    return {
        "command": command,
        "seed": suite.seed,
        "commit": commit,
        "changes": environment.git.changes if environment.git else "",
        "machine": f"{os.cpu_count()} processors, {platform.machine()}, {platform.system()}, no GPU used",
        "python": platform.python_version(),
        "seconds": round(seconds),
        "processor_seconds": round(used.ru_utime + used.ru_stime),
        "total": total(rows),
        "rows": rows,
    }


def total(rows: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Sum up what became of all faults."""
    names = ("tried", "survived", "left_out")
    return {**{name: sum(row[name] for row in rows) for name in names}, "lost": sum(len(row["lost"]) for row in rows)}


def updated(before: dict[str, Any], figures: dict[str, Any]) -> dict[str, Any]:
    """Put the rows of some faults that were tried again in the place of those from before; each says its commit."""
    new = {(row["fault"], row["work"]): row for row in figures["rows"]}
    rows = [new.pop((row["fault"], row["work"]), row) for row in before["rows"]] + [*new.values()]
    again = {name: figures[name] for name in ("command", "commit", "changes", "seconds", "processor_seconds")}
    return {**before, "rows": rows, "total": total(rows), "again": [*before.get("again", ()), again]}


def chosen(all_cases: Sequence[Case], *, only: str, share: float) -> Iterator[tuple[Case, int]]:
    """Yield the cases that were asked for, each with how often it is tried."""
    for case in all_cases:
        if only in case.fault or only in case.work.name:
            yield case, max(1, round(case.times * share))


def main() -> int:
    """Run the suite; return 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, help="a file for the figures")
    parser.add_argument("--update", action="store_true", help="keep the other rows of that file")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--share", type=float, default=1.0, help="of the times that each fault is tried")
    parser.add_argument("--only", default="", help="faults, or work, with these words in the name")
    options = parser.parse_args()
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="faults-") as folder, breaking.started(Path(folder)) as processes:
        suite = Suite(Path(folder) / "trials", processes, seed=options.seed)
        (Path(folder) / "trials").mkdir(exist_ok=True)
        for case, times in chosen(cases(Path(folder)), only=options.only, share=options.share):
            suite.run(case, times)
        figures = report(suite, seconds=time.monotonic() - began, command=" ".join(["python", *sys.argv]))
    print(json.dumps(figures["total"]))
    if options.out:
        kept = updated(json.loads(options.out.read_text("utf-8")), figures) if options.update else figures
        write_text(options.out, json.dumps(kept, indent=2) + "\n")
    return int(figures["total"]["lost"] > 0)


if __name__ == "__main__":
    sys.exit(main())
