"""Breaks commands on purpose and looks at what is left: for tests/faults, and in full for benchmarks/faults.py."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from watched_processes import (
    PATIENCE_SECONDS,
    Process,
    Processes,
    TooLateError,
    ended,
    others,
    require,
    require_gone,
    stop,
    wait_for,
    workers,
)
from watched_processes import VOS_BENCH as VOS_BENCH
from watched_processes import LostError as LostError
from watched_processes import started as started

FAKES = Path(__file__).resolve().parent
Found = Mapping[str, bytes]


@dataclass(frozen=True)
class Work:
    """A command that can be broken, and how to see what it has done.

    Attributes:
        name: What it is called in tables.
        command: The command for a folder; given that of an earlier try it goes on.
        results: What must be the same in the end, however often it was broken.
        kept: What is finished at any moment, and may never be lost nor made again.
        progress: How far it is, in any unit, from 0.
        environment: Besides that of this process.
    """

    name: str
    command: Callable[[Path], tuple[str, ...]]
    results: Callable[[Path], Found]
    kept: Callable[[Path], Found]
    progress: Callable[[Path], int]
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Unbroken:
    """What comes out undisturbed, how far that is, how long it takes, and how large it is on a disk."""

    results: Found
    progress: int
    seconds: float
    pages: int


def unbroken(work: Work, out: Path, processes: Processes) -> Unbroken:
    """Do some work undisturbed."""
    began = time.monotonic()
    processes.finish(processes.start(work.command(out), work.environment))
    seconds = time.monotonic() - began
    pages = sum(-(-path.stat().st_size // 4096) for path in out.rglob("*") if path.is_file())
    return Unbroken(work.results(out), work.progress(out), seconds, pages)


@dataclass(frozen=True)
class Trial:
    """One fault on its way.

    Attributes:
        work: What is broken.
        out: Its folder, new.
        sound: What comes out undisturbed.
        chance: Where the moments come from.
        processes: What starts the command.
    """

    work: Work
    out: Path
    sound: Unbroken
    chance: random.Random
    processes: Processes

    def start(self, **environment: str) -> Process:
        return self.processes.start(self.work.command(self.out), {**self.work.environment, **environment})

    def wait_for_a_moment(self, process: Process, *, least: int = 0) -> None:
        """Wait until a random part of the work is done, `least` of it at least, and a random while longer."""
        goal = self.chance.randrange(least, self.sound.progress + 1)
        pause = self.chance.random() * (0.03 if goal else self.sound.seconds)
        wait_for(lambda: self.work.progress(self.out) >= goal, process)
        deadline = time.monotonic() + pause
        wait_for(lambda: time.monotonic() >= deadline, process)

    def require_kept(self, before: Found, when: str) -> None:
        now = self.work.kept(self.out)
        for name, content in before.items():
            require(name in now, f"{name} is gone {when}")
            require(now[name] == content, f"{name} is another one {when}")

    def restart(self, before: Found, **environment: str) -> None:
        """Give the same command again and look at all that came out."""
        self.require_kept(before, "after the fault")
        self.processes.finish(self.start(**environment))
        self.require_kept(before, "after the restart")
        self.require_whole()

    def require_whole(self) -> None:
        found, expected = self.work.results(self.out), self.sound.results
        names = sorted({*found, *expected})
        differing = [name for name in names if found.get(name) != expected.get(name)]
        require(not differing, f"differs from an unbroken one: {', '.join(differing[:5])}")
        parts = [path.name for path in self.out.rglob("*.part")]
        require(not parts, f"half-written files are left: {', '.join(parts[:5])}")


def signalled(trial: Trial, *numbers: signal.Signals, all_processes: bool, then_clean: bool = False) -> None:
    """Send signals at a random moment, then give the same command again.

    Args:
        trial: The fault.
        numbers: The signals, with a random while between them.
        all_processes: Whether they go to workers too, as those of a terminal do, and the loss of a machine.
        then_clean: Whether the command, once it is at work, has to end without a traceback and leave no process behind.
    """
    process = trial.start()
    trial.wait_for_a_moment(process, least=int(then_clean))
    before = trial.work.kept(trial.out)
    for number in numbers:
        with suppress(ProcessLookupError):
            (os.killpg if all_processes else os.kill)(process.pid, number)
        time.sleep(trial.chance.random() * 0.3 if len(numbers) > 1 else 0)
    ended(process)
    if then_clean:
        require("Traceback" not in trial.processes.said(), f"a traceback: {trial.processes.said()[-2000:]}")
        require_gone(process.pid)
    trial.restart(before)


def killed(trial: Trial) -> None:
    """`kill -9`, of all processes as when the machine dies, or of the first alone."""
    signalled(trial, signal.SIGKILL, all_processes=trial.chance.random() < 0.5)


def killed_at_a_change(trial: Trial) -> None:
    """`kill -9` at a drawn change of a file: opened for writing, renamed or removed."""
    path = trial.work.environment.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    number = trial.chance.randrange(1, 6 * max(trial.sound.progress, 1))
    process = trial.start(
        PYTHONPATH=os.pathsep.join((str(FAKES / "killing"), path)),
        FAKE_KILL_AT=str(number),
        FAKE_KILL_BELOW=str(trial.out),
    )
    if ended(process) != -signal.SIGKILL:
        raise TooLateError(f"it makes fewer than {number} changes")
    trial.restart(trial.work.kept(trial.out))


def terminated(trial: Trial) -> None:
    """SIGTERM to the first process, as `kill` and schedulers send it."""
    signalled(trial, signal.SIGTERM, all_processes=False)


def interrupted_twice(trial: Trial) -> None:
    """Ctrl-C, and again while the first is being answered."""
    signalled(trial, signal.SIGINT, signal.SIGINT, all_processes=True, then_clean=True)


def interrupted_at_start(trial: Trial, *, pause: float) -> None:
    """Ctrl-C once, so long after the first worker process was started: it may be loading Python, or its modules."""
    process = trial.start()
    wait_for(lambda: bool(workers(process.pid, program=sys.executable)), process)
    time.sleep(pause)
    os.killpg(process.pid, signal.SIGINT)
    code, said = ended(process), trial.processes.said()
    if code == 0:
        raise TooLateError("it had ended")
    require(code == 130, f"exit code {code}, expected 130: {said[-2000:]}")
    require("Traceback" not in said, f"a traceback: {said[-2000:]}")


def started_twice(trial: Trial) -> None:
    """The same command while the first is at work: the second says so and stops, the first goes on."""
    process = trial.start()
    wait_for(lambda: trial.work.progress(trial.out) > 0, process)
    stop(process)  # so that it is still at work when the second comes
    try:
        if trial.work.progress(trial.out) == trial.sound.progress:
            raise TooLateError("all was done, and its lock may be gone")
        second = trial.start()
        code, said = ended(second), trial.processes.said()
    finally:
        os.kill(process.pid, signal.SIGCONT)
    require(code == 2 and "another run is at work in this folder" in said, f"the second: exit code {code}: {said}")
    trial.processes.finish(process)
    trial.require_whole()


def worker_killed(trial: Trial) -> None:
    """`kill -9` of one worker process at a random moment; what does not go on by itself is started again."""
    process = trial.start()
    wait_for(lambda: bool(workers(process.pid)), process)
    trial.wait_for_a_moment(process)
    before = trial.work.kept(trial.out)
    if not (found := workers(process.pid)):
        raise TooLateError("the workers were gone")
    with suppress(ProcessLookupError):
        os.kill(trial.chance.choice(found), signal.SIGKILL)
    code, said = ended(process), trial.processes.said()
    require("Traceback" not in said, f"a traceback: {said[-2000:]}")
    require(code in (0, 2), f"exit code {code}: {said[-2000:]}")
    trial.restart(before) if code else trial.require_whole()


def worker_hung(trial: Trial) -> None:
    """One worker process stops for ever at a random moment; the run notices, as `--stall` asks, and completes."""
    process = trial.start()
    wait_for(lambda: bool(workers(process.pid)), process)
    trial.wait_for_a_moment(process, least=1)
    if not (found := workers(process.pid)):
        raise TooLateError("the workers were gone")
    stopped = trial.chance.choice(found)
    with suppress(ProcessLookupError):
        os.kill(stopped, signal.SIGSTOP)
    trial.processes.finish(process)
    trial.require_whole()
    require(stopped not in others(process.pid), "the process that hung is left")


def clock_jumped(trial: Trial) -> None:
    """The wall clock goes a day ahead and back again all the time, in every process."""
    path = trial.work.environment.get("PYTHONPATH", os.environ.get("PYTHONPATH", ""))
    process = trial.start(PYTHONPATH=os.pathsep.join((str(FAKES / "jumping"), path)))
    trial.processes.finish(process)
    trial.require_whole()
    for path in trial.out.rglob("*.json"):
        for name, seconds in _durations(json.loads(path.read_text("utf-8"))):
            require(0 <= seconds < PATIENCE_SECONDS, f"{path.name}: {name} is {seconds}")


def _durations(content: object, name: str = "") -> Iterator[tuple[str, float]]:
    if isinstance(content, dict):
        for key, value in content.items():
            yield from _durations(value, key)
    elif isinstance(content, list):
        for value in content:
            yield from _durations(value, name)
    elif isinstance(content, int | float) and name.endswith(("seconds", "_ms", "p50", "p90", "p99")):
        yield name, content / (1 if name.endswith("seconds") else 1e3)


def can_mount(folder: Path) -> bool:
    """Say whether a small file system can be mounted here."""
    try:
        with small_disk(folder, pages=16):
            return True
    except OSError:
        return False


@contextmanager
def small_disk(folder: Path, *, pages: int) -> Iterator[Path]:
    """Mount a file system of so many pages of 4 KiB. Raises OSError without the right to."""
    folder.mkdir(parents=True, exist_ok=True)
    command = ["mount", "-t", "tmpfs", "-o", f"size={4 * pages}k", "tmpfs", str(folder)]
    done = subprocess.run(command, capture_output=True, check=False)
    if done.returncode:
        raise OSError(done.stderr.decode())
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def remount(folder: Path, options: str) -> None:
    subprocess.run(["mount", "-o", f"remount,{options}", str(folder)], check=True)


def disk_filled(trial: Trial) -> None:
    """The disk fills up on the way, and has room again later."""
    share = 0.2 + 0.6 * trial.chance.random()
    with small_disk(trial.out.parent, pages=max(2, int(share * trial.sound.pages))) as disk:
        _fails_with(trial, "No space left on device")
        before = trial.work.kept(trial.out)
        remount(disk, "size=256m")
        trial.restart(before)


def made_read_only(trial: Trial) -> None:
    """The folder can be read and not written any more, after a kill at a random moment; later it can."""
    with small_disk(trial.out.parent, pages=1 << 16) as disk:
        process = trial.start()
        trial.wait_for_a_moment(process)
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        remount(disk, "ro")
        before = trial.work.kept(trial.out)
        _fails_with(trial, "Read-only file system")
        remount(disk, "rw")
        trial.restart(before)


def _fails_with(trial: Trial, reason: str) -> None:
    code, said = ended(trial.start()), trial.processes.said()
    require(code == 2, f"exit code {code}, expected 2: {said[-2000:]}")
    require(reason in said, f"it does not say {reason!r}: {said[-2000:]}")
    require("Traceback" not in said, f"a traceback: {said[-2000:]}")
