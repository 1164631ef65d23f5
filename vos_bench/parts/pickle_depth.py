"""How deeply a pickle nests: read from its instructions, before any of them is followed."""

import pickletools
from collections.abc import Iterator
from typing import IO, Any

DEEPEST = 500
"""Levels; what `torch.save` writes has a few. Python's hash of a tuple follows each level and can exhaust the stack."""

_NOTHING = -1
"""The depth of a mark, which is none."""

_LEVELS = frozenset({"TUPLE", "TUPLE1", "TUPLE2", "TUPLE3", "FROZENSET"})
"""What makes a level: nothing else that holds others can be the key of a dict, and have a hash."""
_PUTS = frozenset({"PUT", "BINPUT", "LONG_BINPUT"})
_GETS = frozenset({"GET", "BINGET", "LONG_BINGET"})


class TooDeepError(ValueError):
    """A pickle nests more deeply than any file of parameters does."""


def require_shallow(file: IO[bytes]) -> None:
    """Check the next pickle of a file, and leave the file where it was.

    Raises:
        TooDeepError: Something in it lies more than `DEEPEST` levels deep.
        ValueError: Its instructions cannot be read, or do not fit each other.
    """
    start = file.tell()
    try:
        for depth in _depths(file):
            if depth > DEEPEST:
                raise TooDeepError(f"it nests more than {DEEPEST} levels deep")
    except IndexError:
        raise ValueError("its instructions take more than there is") from None
    finally:
        file.seek(start)


def _depths(file: IO[bytes]) -> Iterator[int]:
    """Yield the depth of each thing as it is put on the unpickler's stack."""
    stack: list[int] = []
    marks: list[int] = []
    memo: dict[int, int] = {}
    argument: Any  # a number where an instruction uses it as one
    for code, argument, _ in pickletools.genops(file):
        if code.name in _PUTS:
            if argument > file.tell():  # Python's unpickler makes room for all numbers up to this one
                raise ValueError(f"it counts to {argument} in {file.tell()} bytes")
            memo[argument] = stack[-1]
            continue
        if code.name in _GETS:
            stack.append(memo.get(argument, 0))
            continue
        taken = _taken(stack, marks, code)
        depth = max(0, *taken, _NOTHING) + (code.name in _LEVELS)
        if code.name == "MEMOIZE":
            memo[len(memo)] = depth
        for after in code.stack_after:
            if after is pickletools.markobject:
                marks.append(len(stack))
            stack.append(_NOTHING if after is pickletools.markobject else depth)
        yield depth


def _taken(stack: list[int], marks: list[int], code: pickletools.OpcodeInfo) -> list[int]:
    """Remove what an instruction takes from the stack, and return it."""
    start = len(stack) - len(code.stack_before)
    if pickletools.markobject in code.stack_before:
        start = marks[-1] - code.stack_before.index(pickletools.markobject)
    if start < 0:
        raise IndexError
    taken = stack[start:]
    del stack[start:]
    while marks and marks[-1] >= start:
        marks.pop()
    return taken
