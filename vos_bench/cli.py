"""The command line: names the commands, turns errors into messages and results into exit codes.

Exit codes: 0 done; 1 a comparison is worse, or some sequences failed; 2 bad input, usage, or not comparable;
130 interrupted; what is finished is kept.
"""

import atexit
import errno
import gc
import os
import signal
import sys
import traceback
from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, Parameter

import vos_bench
from vos_bench.commands.catalogue import COMMANDS
from vos_bench.commands.exit_codes import INTERRUPTED
from vos_bench.commands.groups import EVERYWHERE
from vos_bench.commands.streams import (
    close_output,
    flush,
    require_folder,
    require_streams,
    require_width,
    set_debug,
    set_wide,
    warn,
)
from vos_bench.errors import VosBenchError
from vos_bench.foreign_code import culprit, describe, leave, message_of
from vos_bench.names import is_unicode
from vos_bench.openmp import choose_one_blas_thread, choose_wait_policy

choose_wait_policy()  # it counts only before torch is loaded, which some commands do as they are imported

app = App(
    name="vos-bench",
    help="Run, score, time and compare methods of semi-supervised video object segmentation.",
    version=vos_bench.__version__,
    version_flags=["--version"],
    suppress_keyboard_interrupt=False,
)
app.meta.suppress_keyboard_interrupt = False  # else it would leave silently, where `main` has something to say
# Commands are named by import path, so that each is imported only when it is called.
for _name, _command in COMMANDS.items():
    app.command(
        f"vos_bench.commands.{_command.module}:{_command.module}",
        name=_name,
        help=_command.help,
        help_epilogue=_command.epilogue,
    )


app.register_install_completion_command(help="Install the completion of commands and options for this shell.")

_AFTER_AN_INTERRUPT = {
    "run": "; finished sequences are kept, the same command goes on from there",
    "ablate": "; finished trainings and runs are kept, the same command goes on from there",
    "train": "; the same command with --resume goes on from the last checkpoint, where there is one",
    "segment": "; finished videos are kept, the same command with --overwrite begins anew",
    "export": "; finished files are kept, the same command writes all of them again",
}
"""Command to how it continues after an interruption; other commands start again from the beginning."""


@app.meta.default
def _launch(
    *tokens: Annotated[str, Parameter(show=False, allow_leading_hyphen=True)],
    debug: Annotated[bool, EVERYWHERE] = False,
    wide: Annotated[bool, EVERYWHERE] = False,
) -> int:
    """Run one command.

    Args:
        tokens: The command and its options.
        debug: Show the traceback of an error, and of a method that raised.
        wide: Print all columns of a table, however wide the terminal is.
    """
    if stranger := next((token for token in tokens if not is_unicode(token)), None):
        return _complain(f"{stranger}: found bytes that are not UTF-8, which no record can hold; give it another name")
    set_debug(debug)
    set_wide(wide)
    try:
        return app(tokens, exit_on_error=False, print_error=False, result_action="return_value") or 0
    except (CycloptsError, VosBenchError) as error:
        if debug:
            traceback.print_exc()
        return _complain(str(error))
    except (KeyboardInterrupt, BrokenPipeError):
        raise
    except BaseException as error:
        if (message := _foreign_fault(error) or _unusable(error)) is None:
            raise  # our own mistake: its traceback is what we need
        if debug:
            traceback.print_exc()
        return _complain(message)


_LIMITS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EAGAIN, errno.EFBIG, errno.ENOSPC, errno.EDQUOT})
"""Error numbers of a system that has no more files, memory or threads."""

_NO_MEMORY = ("failed to map segment", "cannot allocate memory", "cannot enable executable stack")
"""What the loader of libraries says where memory runs out, and Python passes on without a number."""


def _exhausted(error: BaseException) -> str | None:
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


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; `arguments` default to those of the process."""
    if arguments is None:
        require_streams()
        require_width()
    try:
        code = _flushed(_main(arguments))
        if arguments is None:
            leave(code)
        return code
    finally:
        gc.enable()  # which `_speed_up_start` may have disabled


def _main(arguments: Sequence[str] | None) -> int:
    try:
        require_folder()
        _speed_up_start(_called(arguments))
        code = app.meta(arguments, exit_on_error=False, print_error=False, result_action="return_value") or 0
        if code == INTERRUPTED:
            _leave_quietly()
        return code
    except (CycloptsError, VosBenchError) as error:
        return _complain(str(error))
    except KeyboardInterrupt:
        _leave_quietly()
        warn(f"vos-bench: interrupted{_AFTER_AN_INTERRUPT.get(_called(arguments), '')}")
        return INTERRUPTED
    except BrokenPipeError:
        return 0  # the reader has gone, as with `| head`; `_flushed` sees to it that nothing more is said
    except Exception as error:
        if (message := _exhausted(error)) is None:
            raise
        return _complain(message)


def _called(arguments: Sequence[str] | None) -> str:
    """Return the name of the command that the arguments call; empty where they call none."""
    tokens = sys.argv[1:] if arguments is None else arguments
    return next((token for token in tokens if not token.startswith("-")), "")


def _speed_up_start(command: str) -> None:
    """Choose what makes the start of scoring quick, before cyclopts imports the command, and NumPy with it."""
    if command == "score":
        gc.disable()  # what it imports stays, and it makes no cycles: the search for some takes a twentieth of its time
        choose_one_blas_thread()
        if "pydantic" not in sys.modules:  # which would look through all installed packages for plugins of its own
            os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")


def _flushed(code: int) -> int:
    """Write out what was printed, and return the exit code; the interpreter at its end would give a traceback."""
    try:
        flush()
    except BrokenPipeError:
        close_output()
    except VosBenchError as error:
        close_output()
        return _complain(str(error))
    return code


def _leave_quietly() -> None:
    """Ignore further Ctrl-C while the interpreter exits: it would only print tracebacks of libraries."""
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # what is registered last is called first


def _complain(message: str) -> int:
    warn(f"vos-bench: {message}")
    return 2
