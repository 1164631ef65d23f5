"""Reads plain command lines of `vos-bench score` without cyclopts, which takes as long as scoring 200 frames.

Plain is a line that can mean one thing only: `score MASKS`, and options that `OPTIONS` names, each given once, as a
word of its own, with a value that is not empty and begins with no hyphen, or without any where `FLAGS` has it. cyclopts
reads every other line, and says what is wrong with it.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, get_args

from vos_bench.names import is_unicode

_NOTHING = frozenset({"none", "null"})
"""The words that mean to cyclopts that an option is not given."""


def _whole_number(text: str) -> int:
    """Return a number of few digits, 1 or more. Raises ValueError for any other text."""
    if not re.fullmatch("[1-9][0-9]{0,8}", text):
        raise ValueError(text)
    return int(text)


def _protocol(text: str) -> str:
    """Return the name of a protocol. Raises ValueError for any other text."""
    from vos_bench.api import ProtocolName  # here, since few name one, and it loads NumPy

    if text not in get_args(ProtocolName):
        raise ValueError(text)
    return text


OPTIONS: Mapping[str, Callable[[str], object]] = {
    "dataset": str,
    "root": Path,
    "split": str,
    "truth": Path,
    "protocol": _protocol,
    "jobs": _whole_number,
    "name": str,
    "out": Path,
}
"""Option to what reads its value: those of `vos_bench.commands.score.score` that need no look at a file."""

FLAGS = frozenset({"failures"})
"""Options without a value."""


def plain_arguments(line: Sequence[str]) -> dict[str, Any] | None:
    """Return the arguments that a plain line gives to `vos_bench.commands.scoring.score_masks`; None for any other."""
    if line[:1] != ["score"] or not all(map(is_unicode, line)):
        return None
    try:
        pairs = [*_pairs(line[1:])]
    except ValueError:
        return None
    arguments = dict(pairs)
    return arguments if "masks" in arguments and len(arguments) == len(pairs) else None


def _pairs(words: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Yield each argument's name and value. Raises ValueError where the line is not plain."""
    rest = iter(words)
    for word in rest:
        if not word.startswith("--"):
            yield "masks", Path(_value(word))
        elif (name := word[2:]) in OPTIONS:
            yield name, OPTIONS[name](_value(next(rest, "")))
        elif name in FLAGS:
            yield name, True
        else:
            raise ValueError(word)


def _value(word: str) -> str:
    """Return a word that can be nothing but a value. Raises ValueError."""
    if not word or word.startswith("-") or word.casefold() in _NOTHING:
        raise ValueError(word)
    return word
