"""Turns what a command raised into one message on standard error; the exit code is then 2."""

import errno
from collections.abc import Callable

from vos_bench.commands.streams import debugging, warn
from vos_bench.errors import VosBenchError
from vos_bench.foreign_code import culprit, describe, message_of


def guarded(command: Callable[[], int]) -> int:
    """Run a command and return its exit code. An error that a user can mend, or of foreign code, becomes a message."""
    try:
        return command()
    except VosBenchError as error:
        _show_traceback()
        return complain(str(error))
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except BaseException as error:
        if (message := _foreign_fault(error) or _unusable(error)) is None:
            raise  # our own mistake: its traceback is what we need
        _show_traceback()
        return complain(message)


def _show_traceback() -> None:
    """Print where the error that is handled comes from, if `--debug` was given."""
    if debugging():
        import traceback  # here, since few commands fail

        traceback.print_exc()


def complain(message: str) -> int:
    """Print a message and return the exit code of bad input."""
    warn(f"vos-bench: {message}")
    return 2


_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EFBIG, errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a system that has no more files, memory or threads."""

_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "cannot enable executable stack")
"""What the loader of libraries says where memory runs out, and Python passes on without a number."""


def exhausted(error: BaseException) -> str | None:
    """Return what to say where the system has no more files, memory or threads to give; None for another error."""
    seen: list[BaseException] = []
    waiting: list[BaseException | None] = [error]
    while waiting:
        each = waiting.pop()
        if each is None or each in seen:
            continue
        if reason := _shortage(each):
            return (
                f"the system gives no more: {reason}; raise the limit (ulimit -a shows all) or free some, and give the "
                "same command again: what was finished is kept"
            )
        seen.append(each)
        waiting += [each.__cause__, each.__context__]
    return None


def _unusable(error: BaseException) -> str | None:
    """Return what to say where the system refuses a path that nobody looked at before; None for another error."""
    if isinstance(error, RuntimeError) and str(error).startswith("Symlink loop"):  # of `Path.resolve`
        return f"{error}; give another path"
    if isinstance(error, OSError) and error.errno is not None and error.filename is not None:
        if error.errno in _LIMITS:
            return None
        return f"{error.filename!s:.300}: {error.strerror}; give another path, or the right to use this one"
    return None


def _shortage(error: BaseException) -> str:
    if isinstance(error, MemoryError):
        return "out of memory"
    if isinstance(error, OSError) and error.errno in _LIMITS:
        return str(error.strerror)
    text = message_of(error)
    if isinstance(error, OSError | ImportError) and any(said in text.lower() for said in _NO_MEMORY):
        return f"out of memory ({text})"
    return text if isinstance(error, RuntimeError) and text.startswith("can't start new thread") else ""


def _foreign_fault(error: BaseException) -> str | None:
    """Return what to say of an error that no gate has caught; None for a mistake in this package."""
    from vos_bench import registry  # here, for few calls need it

    found = culprit(error, registry.foreign_packages())
    if found is not None:
        return f"{found}: raised {describe(error)}; mend it or remove it (--debug shows where)"
    if isinstance(error, Exception):
        return None
    return f"ended by {describe(error)}, which no command raises; --debug shows where it comes from"
