"""The command line: names the commands, turns errors into messages and results into exit codes.

Exit codes: 0 done; 1 a comparison is worse, or some sequences failed; 2 bad input, usage, or not comparable;
130 interrupted; what is finished is kept.
"""

import atexit
import gc
import os
import signal
import sys
from collections.abc import Sequence
from itertools import pairwise

from vos_bench.commands.error_messages import complain, exhausted, guarded
from vos_bench.commands.exit_codes import INTERRUPTED
from vos_bench.commands.plain_line import plain_arguments
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
from vos_bench.errors import BadInputError, VosBenchError
from vos_bench.foreign_code import leave
from vos_bench.openmp import choose_one_blas_thread, choose_wait_policy

choose_wait_policy()  # it counts only before torch is loaded, which some commands do as they are imported

_AFTER_AN_INTERRUPT = {
    "run": "; finished sequences are kept, the same command goes on from there",
    "ablate": "; finished trainings and runs are kept, the same command goes on from there",
    "train": "; the same command with --resume goes on from the last checkpoint, where there is one",
    "segment": "; finished videos are kept, the same command with --overwrite begins anew",
    "log": "; runs that were named are logged, the same command goes on from there",
    "export": "; finished files are kept, the same command writes all of them again",
}
"""Command to how it continues after an interruption; other commands start again from the beginning."""


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
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    command = next((word for word in words if not word.startswith("-")), "")
    try:
        require_folder()
        _require_no_empty_path(words)
        _speed_up_start(command)
        code = _run(words)
        if code == INTERRUPTED:
            _leave_quietly()
        return code
    except VosBenchError as error:
        return complain(str(error))
    except KeyboardInterrupt:
        _leave_quietly()
        warn(f"vos-bench: interrupted{_AFTER_AN_INTERRUPT.get(command, '')}")
        return INTERRUPTED
    except BrokenPipeError:
        return 0  # the reader has gone, as with `| head`; `_flushed` sees to it that nothing more is said
    except Exception as error:
        if (message := exhausted(error)) is None:
            raise
        return complain(message)


_PATHS = frozenset({"--out", "--root", "--truth"})
"""Options that take a path, and for which an empty one would be the current folder."""


def _require_no_empty_path(words: Sequence[str]) -> None:
    """Raise BadInputError for an empty path, as a variable of the shell leaves that nobody set."""
    for before, word in pairwise(("", *words)):
        option, given, value = word.partition("=")
        if given and not value and option in _PATHS:
            before, word = option, ""
        if not word and before in _PATHS:
            raise BadInputError(f"{before}: found an empty text; expected a path: is a variable of the shell not set?")


def _run(words: list[str]) -> int:
    """Run the command that the words name and return its exit code."""
    if (plain := plain_arguments(words)) is None:
        from vos_bench.commands import app  # here, since cyclopts takes long to load

        return app.call(words)
    set_debug(False)
    set_wide(False)

    def call() -> int:
        if words[0] == "score":
            from vos_bench.commands.scoring import score_masks

            return score_masks(**plain)
        from vos_bench.commands.reporting import make_reports

        return make_reports(**plain)

    return guarded(call)


def _speed_up_start(command: str) -> None:
    """Choose what makes the start of a quick command quick, before it is imported, and NumPy with it."""
    if command in ("score", "report"):
        gc.disable()  # what it imports stays, and it makes no cycles: to look for some takes up to a tenth of its time
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
        return complain(str(error))
    return code


def _leave_quietly() -> None:
    """Ignore further Ctrl-C while the interpreter exits: it would only print tracebacks of libraries."""
    atexit.register(signal.signal, signal.SIGINT, signal.SIG_IGN)  # what is registered last is called first
