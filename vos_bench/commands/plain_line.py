"""Reads plain command lines of `score` and `report` without cyclopts, which takes as long as scoring 200 frames.

Plain is a line that can mean one thing only: a command of `PLAIN`, what it is about, and options that are named there,
each given once, as a word of its own, with a value that is not empty and begins with no hyphen, or without any where
`flags` has it. cyclopts reads every other line, and says what is wrong with it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, get_args

from vos_bench.names import is_unicode

_NOTHING = frozenset({"none", "null"})
"""The words that mean to cyclopts that an option is not given."""

Reader = Callable[[str], object]
"""Reads a value. Raises ValueError for a text that is left to cyclopts."""


class PlainCommand(NamedTuple):
    """What a plain line of one command may have, all of it without a look at a file.

    Attributes:
        about: What the command is about, in order, each one word.
        several: What all further words are, each a path; empty where there may be none.
        options: Option to what reads its value.
        flags: Option without a value to what it sets.
    """

    about: Mapping[str, Reader]
    options: Mapping[str, Reader]
    several: str = ""
    flags: Mapping[str, tuple[str, bool]] = {}


def _whole_number(text: str) -> int:
    """Return a number of few digits, 1 or more. Raises ValueError for any other text."""
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ValueError(text)
    return int(text)


def _protocol(text: str) -> str:
    """Return the name of a protocol. Raises ValueError for any other text."""
    from vos_bench.api import ProtocolName  # here, since few name one, and it loads NumPy

    return _one_of(get_args(ProtocolName), text)


def _format(text: str) -> str:
    """Return the name of a format. Raises ValueError for any other text."""
    from vos_bench.tables import FORMATS

    return _one_of(FORMATS, text)


def _one_of(known: Sequence[str], text: str) -> str:
    if text not in known:
        raise ValueError(text)
    return text


PLAIN: Mapping[str, PlainCommand] = {
    "score": PlainCommand(
        about={"masks": Path},
        options={
            "dataset": str,
            "root": Path,
            "split": str,
            "truth": Path,
            "protocol": _protocol,
            "jobs": _whole_number,
            "name": str,
            "out": Path,
        },
        flags={"failures": ("failures", True)},
    ),
    "report": PlainCommand(
        about={"table": str},
        several="runs",
        options={
            "format": _format,
            "out": Path,
            "root": Path,
            "methods": str,
            "sequences": str,
            "published": str,
        },
        flags={"no-notes": ("notes", False)},
    ),
}


def plain_arguments(line: Sequence[str]) -> dict[str, Any] | None:
    """Return the arguments that a plain line gives to what does its command; None for any other line."""
    command = PLAIN.get(line[0]) if line else None
    if command is None or not all(map(is_unicode, line)):
        return None
    try:
        pairs = [*_pairs(command, line[1:])]
    except ValueError:
        return None
    arguments = dict(pairs)
    if not command.about.keys() <= arguments.keys() or len(arguments) < len(pairs):
        return None
    return arguments


def _pairs(command: PlainCommand, words: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield each argument's name and value. Raises ValueError where the line is not plain."""
    rest, about = iter(words), iter(command.about.items())
    several: list[Path] = []
    for word in rest:
        if not word.startswith("--"):
            if named := next(about, None):
                yield named[0], named[1](_value(word))
            else:
                several.append(Path(_value(word)))
        elif (name := word[2:]) in command.options:
            yield name, command.options[name](_value(next(rest, "")))
        elif name in command.flags:
            yield command.flags[name]
        else:
            raise ValueError(word)
    if several:
        if not command.several:
            raise ValueError(several)
        yield command.several, tuple(several)


def _value(word: str) -> str:
    """Return a word that can be nothing but a value. Raises ValueError."""
    if not word or word.startswith("-") or word.casefold() in _NOTHING:
        raise ValueError(word)
    return word
