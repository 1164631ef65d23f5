"""Base of what records hold: msgspec structs, which load quickly.

They are checked when they are read from JSON, and when `vos_bench.records.write_record` writes them.
"""

import re
from contextlib import suppress
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import inspect

if TYPE_CHECKING:
    from pydantic import JsonValue as JsonValue
else:
    JsonValue = Any  # a file of JSON holds nothing else, so that there is nothing to check


def _plain(value: Any) -> str | int | float:
    """Return a text or number of NumPy's, or of another kind of its own, as Python's. Raises TypeError for others."""
    if isinstance(value, str):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real):
        return float(value)
    raise TypeError(f"found {type(value).__name__}, expected a text or a number")


_NO_WORD = "Invalid enum value "
"""How msgspec begins where a field holds another word than it may; it does not say which it may."""


def _steps(place: str) -> list[str]:
    """Return the names and numbers of a place such as `$.scores[0].J`."""
    return [name or number for name, number in re.findall(r"\.(\w+)|\[([^\]]+)\]", place)]


def _words(kind: inspect.Type, steps: list[str]) -> tuple[object, ...]:
    """Return the words that may stand at a place in a value of some kind; none where it is no matter of words."""
    if isinstance(kind, inspect.UnionType):
        return tuple(word for each in kind.types for word in _words(each, steps))
    if not steps:
        return kind.values if isinstance(kind, inspect.LiteralType) else ()
    if isinstance(kind, inspect.StructType):
        return next((_words(each.type, steps[1:]) for each in kind.fields if each.name == steps[0]), ())
    if isinstance(kind, inspect.VarTupleType):
        return _words(kind.item_type, steps[1:])
    return _words(kind.value_type, steps[1:]) if isinstance(kind, inspect.DictType) else ()


def _with_found(problem: str, data: bytes | str, place: str) -> str:
    """Return a problem with the text or number that stands at a place such as `$.scores[0].J`, where there is one."""
    with suppress(LookupError, TypeError, ValueError):
        value = msgspec.json.decode(data)
        for step in _steps(place):
            value = value[int(step) if isinstance(value, list) else step]  # the keys of a dict are not told
        if problem.startswith("Expected") and not isinstance(value, dict | list):
            return f"{problem.partition(', got ')[0]}, found {msgspec.json.encode(value).decode():.60}"
    return problem


class Recorded(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of what vos-bench writes to a file and reads back; an unknown key in the file is an error, and so is NaN."""

    def replace(self, **changes: Any) -> Self:
        """Return a copy with some fields changed. Raises TypeError for an unknown field."""
        return msgspec.structs.replace(self, **changes)

    def to_json(self, *, indent: bool = False) -> str:
        """Return it as JSON, on one line, or indented by two spaces; NaN becomes null.

        Raises:
            ValueError: A text is not Unicode.
            TypeError: There is a value that JSON does not have.
        """
        line = msgspec.json.encode(self, enc_hook=_plain)
        return (msgspec.json.format(line, indent=2) if indent else line).decode()

    def to_data(self) -> dict[str, Any]:
        """Return it as JSON's own kinds of values: dicts, lists, texts and numbers."""
        data: dict[str, Any] = msgspec.to_builtins(self, str_keys=True, enc_hook=_plain)
        return data

    @classmethod
    def from_json(cls, data: bytes | str) -> Self:
        """Read it from JSON. Raises ValueError, which names the first wrong field, what it holds and should hold."""
        try:
            return msgspec.json.decode(data, type=cls)
        except msgspec.DecodeError as error:
            problem, _, place = str(error).partition(" - at ")
            where = place.strip("`").removeprefix("$").removeprefix(".")
            if problem.startswith(_NO_WORD) and (words := _words(inspect.type_info(cls), _steps(place))):
                problem = f"found {problem.removeprefix(_NO_WORD)}, expected one of {', '.join(map(str, words))}"
            raise ValueError(f"{where}: {_with_found(problem, data, place)}" if where else problem) from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
