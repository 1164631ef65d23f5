"""What a hostile input may lead to: a right result, or one message."""

import unicodedata
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

from vos_bench.errors import BadInputError

Result = TypeVar("Result")
LONGEST = 4000
"""Characters of a message."""


class Refused(NamedTuple):
    """The message."""

    message: str


def outcome(call: Callable[[], Result], *names: str | Path) -> Result | Refused:
    """Call, and return the result, or the message with which the input was refused; all else is a fault.

    Args:
        call: What reads the input.
        names: One of these must be named in the message.
    """
    try:
        return call()
    except BadInputError as error:
        message = str(error)
    assert not names or any(str(name) in message for name in names), f"none of {names} is named: {message}"
    assert len(message) <= LONGEST, f"a message of {len(message)} characters"
    return Refused(message)


def is_harmless(text: str) -> bool:
    """Say whether a terminal would do nothing with a text but show it."""
    return all(unicodedata.category(each) not in {"Cc", "Cs"} or each in "\n\t" for each in text) and not any(
        each in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069" for each in text
    )
