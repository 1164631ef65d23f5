"""The command line as cyclopts reads it: all commands, their help, and the completion of shells."""

from collections.abc import Sequence
from typing import Annotated

from cyclopts import App, CycloptsError, MissingArgumentError, Parameter

import vos_bench
from vos_bench.commands.catalogue import COMMANDS
from vos_bench.commands.error_messages import guarded
from vos_bench.commands.groups import EVERYWHERE
from vos_bench.commands.streams import set_debug, set_wide
from vos_bench.errors import BadInputError
from vos_bench.names import is_unicode

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
app.command(
    "vos_bench.commands.completion:completion",
    name="--install-completion",
    help="Install the completion of commands and options for this shell.",
)


def call(arguments: Sequence[str]) -> int:
    """Run the command that the arguments name and return its exit code. Raises BadInputError for wrong usage."""
    return _call(app.meta, arguments)


def _call(which: App, arguments: Sequence[str]) -> int:
    try:
        return which(arguments, exit_on_error=False, print_error=False, result_action="return_value") or 0
    except MissingArgumentError as error:
        raise BadInputError(_missing(error)) from error
    except CycloptsError as error:
        raise BadInputError(str(error)) from error


def _missing(error: MissingArgumentError) -> str:
    """Return what to say of an argument or a required option that was not given, or of an option without its value."""
    found = error.argument
    if found is None or found.tokens or error.keyword or not error.command_chain:
        return str(error)
    command = " ".join(error.command_chain)
    name = found.field_info.name.upper() if found.field_info.is_positional else found.name
    return f"{command}: {name} is missing; vos-bench {command} --help says what it is"


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
        raise BadInputError(
            f"{stranger}: found bytes that are not UTF-8, which no record can hold; give it another name"
        )
    set_debug(debug)
    set_wide(wide)
    return guarded(lambda: _call(app, tokens))
