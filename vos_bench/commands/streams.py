"""Standard output and error, made safe to write to: they may be closed, full, or of a small encoding."""

import io
import os
import sys
from contextlib import suppress
from typing import Any

from vos_bench.errors import BadInputError
from vos_bench.names import printable

_debug = False
_wide = False


def set_debug(on: bool) -> None:
    """Say whether `--debug` was given."""
    global _debug
    _debug = on


def debugging() -> bool:
    """Return whether `--debug` was given, so that tracebacks are printed."""
    return _debug


def set_wide(on: bool) -> None:
    """Say whether `--wide` was given."""
    global _wide
    _wide = on


def is_wide() -> bool:
    """Return whether `--wide` was given, so that tables have all their columns whatever the terminal's width."""
    return _wide


def require_streams() -> None:
    """Make both streams accept every text, even if they are closed, full, or of an encoding with few characters."""
    while (number := os.open(os.devnull, os.O_RDWR)) <= 2:
        pass  # the number of a closed stream would else go to the next file that is opened
    os.close(number)
    for name in ("stdout", "stderr"):
        stream = getattr(sys, name)
        if stream is None:
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115 (for the whole process)
        elif isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace" if name == "stdout" else "backslashreplace")
    sys.stderr = _ErrorStream(sys.stderr)


class _ErrorStream:
    """Standard error; text that cannot be written is dropped, since no other stream is left to report it."""

    def __init__(self, stream: Any) -> None:
        self._stream = stream

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)

    def write(self, text: str) -> int:
        with suppress(OSError):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with suppress(OSError):
            self._stream.flush()


LEAST_COLUMNS = 20
"""The narrowest terminal that anything is laid out for."""


def require_width() -> None:
    """Take a terminal that says it is narrower for one of `LEAST_COLUMNS`: the help would take minutes to lay out."""
    told = os.environ.get("COLUMNS", "")
    if told.isdecimal() and 0 < int(told[:9]) < LEAST_COLUMNS:
        os.environ["COLUMNS"] = str(LEAST_COLUMNS)


def require_folder() -> None:
    """Check that there is a current folder. Raises BadInputError where it was removed."""
    try:
        os.getcwd()  # noqa: PTH109 (asks for no more than whether it is there)
    except OSError as error:
        raise BadInputError(f"the current folder cannot be used: {error.strerror}; change to another one") from None


def write_out(text: str) -> None:
    """Print a text on standard output. Raises BadInputError where that is full."""
    try:
        sys.stdout.write(text)
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _full(error) from None


def warn(message: str) -> None:
    """Print one line that is no result, where it does not mix with results."""
    with suppress(OSError):
        sys.stderr.write(printable(f"{message}\n"))


def flush() -> None:
    """Write out what was printed. Raises BadInputError where standard output is full."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        raise
    except OSError as error:
        raise _full(error) from None


def _full(error: OSError) -> BadInputError:
    return BadInputError(
        f"standard output: cannot be written: {error.strerror}; files that the command wrote are whole, so send its "
        "output elsewhere"
    )


def close_output() -> None:
    """Send what is left for standard output nowhere: the interpreter at its end would try again."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
