"""Kills this process at its n-th change of a file below a folder: FAKE_KILL_AT=N, FAKE_KILL_BELOW=FOLDER.

A change is a file that is opened for writing, renamed or removed, or a folder that is made or removed.
"""

import os
import signal
import sys

CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir"})


def _install(number: int, below: str) -> None:
    found = 0

    def hook(event: str, arguments: tuple[object, ...]) -> None:
        nonlocal found
        if event == "open":
            written = isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR)
            if not written:
                return
        elif event not in CHANGES:
            return
        if isinstance(arguments[0], str | os.PathLike) and os.fspath(arguments[0]).startswith(below):
            found += 1
            if found == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(hook)


if "FAKE_KILL_AT" in os.environ:
    _install(int(os.environ["FAKE_KILL_AT"]), os.environ["FAKE_KILL_BELOW"])
