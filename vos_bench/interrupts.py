"""Ctrl-C reaches every process of a terminal at once. Only the parent handles it; children ignore it."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def blocked() -> Iterator[None]:
    """Block Ctrl-C in this thread for a block, and in the processes that it starts there from their first moment on.

    A process that is still loading Python would end with a traceback. This works in any thread, unlike `signal.signal`.
    """
    if sys.platform == "win32":
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


@contextmanager
def quiet_pool() -> Iterator[None]:
    """Hide the traceback of joblib's own thread where a pool of processes ends early.

    The thread of joblib 1.6 (loky) may look for a task in a table that the interruption has just emptied. It may do so
    after the block, so a block that ends by an error leaves this in place.
    """
    before = threading.excepthook

    def hide(error: threading.ExceptHookArgs) -> None:
        thread = error.thread.name if error.thread else ""
        if not (thread == "ExecutorManagerThread" and issubclass(error.exc_type, KeyError)):
            before(error)

    threading.excepthook = hide
    yield
    threading.excepthook = before


def ignore() -> None:
    """Ignore Ctrl-C in this process, and drop a Ctrl-C that was blocked."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform != "win32":
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
