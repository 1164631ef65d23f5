"""Runs a command in a process group of its own and ends all of it with the command, or when a pipe is closed.

A program of its own, started as `python supervisor.py LEASH LIFE COMMAND...`: the pipe LEASH is held open by whoever
started it, so that nothing of the command is left when that process ends, however it ends. The pipe LIFE is held open
here and nowhere else, so that its other end tells when this process, and the command before it, has ended.

On Linux what the command started falls to this process when its parent ends, whatever session it is in, and is killed
too; elsewhere only the command's process group is. It needs the standard library alone: it runs without the packages
of the environment, which would take longer to be found than to be of use.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

GRACE_SECONDS = 2.0
"""How long the group has between SIGTERM and SIGKILL."""

SWEEP_SECONDS = 5.0
"""How long to kill what is left; a process may be stuck in the kernel, or belong to somebody else."""

PR_SET_CHILD_SUBREAPER = 36


def main() -> int:
    """Run the command; return its exit code, negative for a signal."""
    leash, life, command = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:]
    os.set_inheritable(leash, False)
    os.set_inheritable(life, False)
    awake, wake = os.pipe()
    os.set_blocking(awake, False)
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    _adopt_orphans()
    try:
        child = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: cannot be started: {error.strerror}\n")
        return 127
    _forget_streams()
    code = None
    while code is None:
        if leash in select.select([leash, awake], [], [])[0]:
            code = _told_to_end(child.pid, awake)
            break
        code = _reaped(child.pid, awake)
    _signal_group(child.pid, signal.SIGKILL)  # what the command left behind
    while code is None:
        select.select([awake], [], [])
        code = _reaped(child.pid, awake)
    child.returncode = code
    _sweep()
    return code


def _adopt_orphans() -> None:
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _forget_streams() -> None:
    """Close the command's streams here, so that they end when the command closes them."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _told_to_end(pid: int, awake: int) -> "int | None":
    _signal_group(pid, signal.SIGTERM)
    deadline = time.monotonic() + GRACE_SECONDS
    code = _reaped(pid, awake)
    while code is None and (rest := deadline - time.monotonic()) > 0:
        select.select([awake], [], [], rest)
        code = _reaped(pid, awake)
    return code


def _signal_group(pid: int, number: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, number)


def _reaped(pid: int, awake: int) -> "int | None":
    """Collect every child that ended, orphans among them; return the exit code of one of them, if it did."""
    with suppress(BlockingIOError):
        os.read(awake, 4096)
    code = None
    with suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            code = os.waitstatus_to_exitcode(found[1]) if found[0] == pid else code
    return code


def _sweep() -> None:
    """Kill the orphans that fell to this process, and those that fall to it by that, until there is none."""
    deadline = time.monotonic() + SWEEP_SECONDS
    with suppress(ChildProcessError):  # there is none
        while time.monotonic() < deadline:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
            for pid in _children():
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(pid, signal.SIGKILL)
            time.sleep(0.01)


def _children() -> "list[int]":
    """Return the processes whose parent is this one, from /proc."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            fields = (entry / "stat").read_text(errors="replace").rpartition(")")[2].split()
            found += [int(entry.name)] if int(fields[1]) == os.getpid() else []
    return found


if __name__ == "__main__":
    code = main()
    if code < 0:  # tell by dying the same way
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
