"""Base of what records hold: msgspec structs, which load quickly.

They are checked when they are read from JSON, and when `vos_bench.records.write_record` writes them.
"""

import re
from contextlib import suppress
from numbers import Integral, Real
from typing import TYPE_CHECKING, Any, Self

import msgspec

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


def _with_found(problem: str, data: bytes | str, place: str) -> str:
    """Return a problem with the text or number that stands at a place such as `$.scores[0].J`, where there is one."""
    with suppress(LookupError, TypeError, ValueError):
        value = msgspec.json.decode(data)
        for name, number in re.findall(r"\.(\w+)|\[([^\]]+)\]", place):
            value = value[name or int(number)]  # the keys of a dict are not told
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
            raise ValueError(f"{where}: {_with_found(problem, data, place)}" if where else problem) from None
        except RecursionError:
            raise ValueError("it is nested too deeply") from None
