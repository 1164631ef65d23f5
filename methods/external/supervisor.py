"""Runs a command in a process group of its own and ends the whole group with the command, or when a pipe is closed.

A program of its own, started as `python supervisor.py FD COMMAND...`: the pipe FD is held open by whoever started it,
so that nothing of the command is left when that process ends, however it ends.
"""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

GRACE_SECONDS = 2.0
"""How long the group has between SIGTERM and SIGKILL."""


def main() -> int:
    """Run the command; return its exit code, negative for a signal."""
    leash, command = int(sys.argv[1]), sys.argv[2:]
    os.set_inheritable(leash, False)
    awake, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake)
    try:
        child = subprocess.Popen(command, start_new_session=True)
    except OSError as error:
        sys.stderr.write(f"{command[0]}: cannot be started: {error.strerror}\n")
        return 127
    _forget_streams()
    while child.poll() is None:
        if leash in select.select([leash, awake], [], [])[0]:
            _end(child)
            break
        os.read(awake, 64)
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)  # what the command left behind
    return child.wait()


def _forget_streams() -> None:
    """Close the command's streams here, so that they end when the command closes them."""
    null = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(null, stream)


def _end(child: "subprocess.Popen[bytes]") -> None:
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        child.wait(GRACE_SECONDS)


if __name__ == "__main__":
    code = main()
    if code < 0:  # tell by dying the same way
        with suppress(OSError):
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    sys.exit(code)
