"""The exceptions that this package raises on purpose: each is one clear message for a user."""


class VosBenchError(Exception):
    """Something the user can mend. The message names the path, what was found, what was expected and what to do.

    The command line prints it without a traceback and ends with exit code 2.
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
