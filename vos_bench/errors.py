"""The exceptions that this package raises on purpose: each is one clear message for a user."""

import re


class VosBenchError(Exception):
    """Something the user can mend. The message names the path, what was found, what was expected and what to do.

    A message of several facts has several lines, the later ones indented by two spaces. The command line prints it
    without a traceback and ends with exit code 2.
    """


class BadInputError(VosBenchError):
    """A file, folder or option is not what it has to be."""


class NotComparableError(VosBenchError):
    """Two records were made under different conditions, so that a comparison would mislead; the message says so."""

    def __str__(self) -> str:
        """Return the message."""
        return f"Not comparable: {super().__str__()}"


class MethodError(VosBenchError):
    """A method broke its contract: wrong shape, an id it was never given, or too few answers.

    The runner records it as the failure of one sequence and goes on with the next.
    """


def one_line(message: str) -> str:
    """Return a message of several lines as one line, as records and cells of tables hold it."""
    return re.sub(r"([:;,.]?)[ \t]*\n\s*", lambda end: f"{end[1] or ';'} ", message.strip())


def indented(message: str) -> str:
    """Return a message for a line of its own in an indented list: its later lines are indented further."""
    return message.replace("\n", "\n  ")
