"""The one gate to code of others: whatever it raises, `sys.exit` too, becomes one error of ours that says so."""

import atexit
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from types import TracebackType

from vos_bench.errors import VosBenchError

FILE_MODULE = "_vos_bench_file_"
"""What the names of modules begin with that were read from a file which the user named."""


@contextmanager
def foreign_code(error_of: Callable[[str], VosBenchError], *, place: bool = False) -> Iterator[None]:
    """Run code of others in a block.

    Args:
        error_of: Makes the error from what was raised, `ValueError: no such layer`.
        place: Whether to add the file and the line, for the author of that code.

    Raises:
        VosBenchError: What the code raised, whatever it was. Errors of this package pass as they are, and so does
            Ctrl-C.
    """
    try:
        yield
    except (VosBenchError, KeyboardInterrupt):
        raise
    except BaseException as error:
        raise error_of(describe(error) + (_place(error) if place else "")) from error


def _place(error: BaseException) -> str:
    """Return in which file and line an error was raised: in a file that the user named where it came by there."""
    frames = list(_frames(error.__traceback__))
    own = [each for each in frames if str(each.tb_frame.f_globals.get("__name__", "")).startswith(FILE_MODULE)]
    if not (last := (own or frames)[-1:]):
        return ""
    return f" ({last[0].tb_frame.f_code.co_filename}, line {last[0].tb_lineno}; --debug shows more)"


THREAD_SECONDS = 1.0
"""How long threads that a method started may go on after it was closed."""

_threads: list[threading.Thread] = []


@contextmanager
def threads_noted() -> Iterator[None]:
    """Note which threads a block leaves behind; `leave` does not wait for them."""
    before = {*threading.enumerate()}
    try:
        yield
    finally:
        _threads.extend(each for each in threading.enumerate() if each not in before and not each.daemon)


def leave(code: int) -> None:
    """End the process with a code, and wait for no thread that foreign code left behind; return where others run.

    The interpreter's own end would take a tenth of a second to free, object by object, what the system frees at once.
    """
    deadline = time.monotonic() + THREAD_SECONDS
    for thread in _threads:
        thread.join(max(0.0, deadline - time.monotonic()))
    if any(_is_waited_for(thread) for thread in threading.enumerate()):
        return
    atexit._run_exitfuncs()
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError, AttributeError):
            stream.flush()
    os._exit(code)


def _is_waited_for(thread: threading.Thread) -> bool:
    return not (thread.daemon or thread is threading.main_thread() or thread in _threads)


def describe(error: BaseException) -> str:
    """Return the class and the message of an error, whose own class may be at fault too."""
    return f"{type(error).__name__}: {message_of(error)}"


def message_of(error: BaseException) -> str:
    """Return the message of an error, or why it cannot be had."""
    try:
        return str(error)
    except KeyboardInterrupt:
        raise
    except BaseException as second:
        return f"(its message cannot be had: {type(second).__name__})"


def culprit(error: BaseException, packages: Mapping[str, str]) -> str | None:
    """Return whose code an error came through last; None where it is that of this package and its libraries.

    Args:
        error: What was raised.
        packages: Packages of plugins by name, with what to call them.
    """
    found = None
    for frame in _frames(error.__traceback__):
        module = str(frame.tb_frame.f_globals.get("__name__", ""))
        if module.startswith(FILE_MODULE):
            found = frame.tb_frame.f_code.co_filename
        else:
            found = packages.get(module.partition(".")[0], found)
    return found


def _frames(trace: TracebackType | None) -> Iterator[TracebackType]:
    while trace is not None:
        yield trace
        trace = trace.tb_next
