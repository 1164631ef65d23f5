"""Commands that are started, waited for and left by nothing: what they say, their workers, and their ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil

VOS_BENCH = (sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())")
PATIENCE_SECONDS = 1800
"""Until a command is taken for one that hangs; a machine may be busy with other things."""

Process = subprocess.Popen[bytes]


class LostError(Exception):
    """Something that was finished is gone, or what came out in the end is not what comes out undisturbed."""


class TooLateError(Exception):
    """The command had ended before the fault could meet it: nothing was tried."""


def require(true: object, message: str) -> None:
    """Raise LostError unless something holds; `assert` would be gone under `python -O`."""
    if not true:
        raise LostError(message)


def interrupted(arguments: Sequence[str], folder: Path, *, begun: Path) -> tuple[int, str]:
    """Interrupt a command as Ctrl-C does, once a file is there; return its exit code and what it said of it."""
    process = subprocess.Popen([*VOS_BENCH, *arguments], cwd=folder, stderr=subprocess.PIPE, text=True)
    try:
        until = time.monotonic() + PATIENCE_SECONDS
        while not begun.exists() and process.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=PATIENCE_SECONDS)
    finally:
        process.kill()
    return process.returncode, said


def ended(process: Process) -> int:
    """Wait for the end of a process and return its exit code."""
    try:
        return process.wait(PATIENCE_SECONDS)
    except subprocess.TimeoutExpired:
        raise LostError(f"it has not ended after {PATIENCE_SECONDS} s") from None


class Processes:
    """Starts commands in sessions of their own and leaves none behind."""

    def __init__(self, said: Path) -> None:
        self._said = said
        self._started: list[Process] = []

    def start(self, command: tuple[str, ...], environment: Mapping[str, str] | None = None) -> Process:
        with self._said.open("ab") as said:
            said.write(f"\n$ {' '.join(command)}\n".encode())
            said.flush()
            self._began = said.tell()
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                start_new_session=True,
                env={**os.environ, "OMP_NUM_THREADS": "1", **(environment or {})},
            )
        self._started.append(process)
        return process

    def said(self) -> str:
        """Return what the command that was started last has said."""
        return self._said.read_bytes()[self._began :].decode("utf-8", "replace")

    def finish(self, process: Process) -> None:
        code = ended(process)
        require(code == 0, f"exit code {code}, expected 0: {self.said()[-2000:]}")

    def end(self) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextmanager
def started(folder: Path) -> Iterator[Processes]:
    """Yield a starter whose processes are gone when the block ends."""
    processes = Processes(folder / "said.txt")
    try:
        yield processes
    finally:
        processes.end()


def wait_for(condition: Callable[[], bool], process: Process) -> None:
    """Wait until something holds. Raises TooLateError where the process ends first."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        if process.poll() is not None:
            if condition():  # in between
                return
            raise TooLateError(f"it ended first, with {process.returncode}")
        require(time.monotonic() < deadline, "nothing happens")
        time.sleep(0.002)


def stop(process: Process) -> None:
    """Stop a process and wait until it stands still. Raises TooLateError where it ends first."""
    os.kill(process.pid, signal.SIGSTOP)
    wait_for(lambda: psutil.Process(process.pid).status() == psutil.STATUS_STOPPED, process)


def require_gone(session: int) -> None:
    """Wait until no process of a session is left."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while left := others(session):
        require(time.monotonic() < deadline, f"processes are left: {left}")
        time.sleep(0.1)


def others(session: int) -> list[int]:
    """Return the processes that are left of a session."""
    found = []
    for pid in psutil.pids():
        with suppress(ProcessLookupError, PermissionError, psutil.NoSuchProcess):
            if os.getsid(pid) == session and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.append(pid)
    return found


def workers(parent: int, *, program: str = "") -> list[int]:
    """Return the worker processes of a command (of a program alone), without those that only keep account of things."""
    with suppress(psutil.NoSuchProcess):
        return [
            child.pid
            for child in psutil.Process(parent).children(recursive=True)
            if (words := child.cmdline()) and program in words[0] and not any("tracker" in word for word in words)
        ]
    return []
