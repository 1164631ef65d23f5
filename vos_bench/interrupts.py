"""Ctrl-C reaches every process of a terminal at once; the first of them answers it, for all that it started."""

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blocked() -> Iterator[None]:
    """Hold Ctrl-C back in this thread, and in the processes that it starts in the block from their first moment on.

    A process that is still loading Python would end with a traceback. Works in any thread, as `signal.signal` does not.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore() -> None:
    """Ignore Ctrl-C in this process, and what was held back of it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
