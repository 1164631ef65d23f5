"""Names from strangers: which of them may become a file's name, how they are shown, and what they may have meant."""

import os
import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial

MOST_NAME_BYTES = 200
"""Of a file's name without what is put behind it; 255 is the most that common file systems take."""

_LEFTOVERS = frozenset(
    {"__MACOSX", "@eaDir", "lost+found", "$RECYCLE.BIN", "System Volume Information", "Thumbs.db", "desktop.ini"}
)
"""What archivers, file managers and file systems put beside data, besides hidden files."""

_STEERING = frozenset("\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Characters that turn the direction of writing, so that a text reads as another one."""

_LINES = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Unicode's categories of control characters, halves of characters, and ends of lines."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""What a cell of a spreadsheet begins with that is computed and not shown."""


def is_file_name(name: str) -> bool:
    """Return whether a name can be that of a file in a folder, on every system, and be shown as it is.

    It is one part of a path, not longer than `MOST_NAME_BYTES`, and holds no character that a terminal would obey.
    """
    if not name or name in {".", ".."} or any(each in name for each in "/\\\0"):
        return False
    if name.isascii() and name.isprintable():
        return len(name) <= MOST_NAME_BYTES
    return not any(map(_is_steering, name)) and len(os.fsencode(name)) <= MOST_NAME_BYTES


def is_leftover(name: str) -> bool:
    """Return whether a file or folder is hidden, or left beside data by a program: no sequence, frame or label map."""
    return name.startswith(".") or name in _LEFTOVERS


def frame_order(name: str) -> str:
    """Return what frame names are sorted by, everywhere: the text of the file name, its dot included.

    So the official scorer sorts files. It matters where one name is the beginning of another: `a-1` comes before `a`.
    """
    return f"{name}."


def is_unicode(text: str) -> bool:
    """Return whether a text can be written to a file; one from a command line may hold bytes that are not UTF-8."""
    return not any("\ud800" <= each <= "\udfff" for each in text)


def to_utf8(text: str) -> str:
    """Return a text that every file can hold: halves of characters, which are no Unicode, become their code."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def printable(text: str) -> str:
    """Return a text for a terminal or a file: what would steer one is written as its code, ends of lines stay."""
    if text.isprintable():
        return text
    return "".join(_code(each) if _is_steering(each) and each not in "\n\t" else each for each in text)


def escape_formula(text: str) -> str:
    """Return a cell of a CSV file that no spreadsheet computes: with a quote before it where it is no number."""
    if not text.startswith(_FORMULA):
        return text
    try:
        float(text)
    except ValueError:
        return f"'{text}"
    return text


def shorten(names: Iterable[str], most: int = 3) -> str:
    """Return the first names for a message, with `…` where there are more."""
    several = list(names)
    return ", ".join(several[:most]) + (", …" if len(several) > most else "")


def counted(number: int, one: str, several: str = "") -> str:
    """Return a number with its noun: `1 frame`, `2 frames`; `several` is for what takes more than an s."""
    return f"{number} {one if number == 1 else several or one + 's'}"


MOST_TITLE = 80
"""The most characters of what tables call a method."""
TITLE_RULE = f"expected one line of at most {MOST_TITLE} characters without a comma, such as 'LWL (memory 8)'"


def is_title(text: str) -> bool:
    """Return whether tables can call a method so: one line, not too long, without commas, which part names in lists."""
    return text == text.strip() and 0 < len(text) <= MOST_TITLE and text.isprintable() and "," not in text


def did_you_mean(name: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """Return a hint for an unknown name: the known name that was likely meant, or all known names.

    `otherwise` is what to say where none is alike, in place of `known: ...`.
    """
    from difflib import get_close_matches  # here, since only a mistake needs it

    names = list(known)
    close = get_close_matches(name, names, n=1)
    return f"did you mean {close[0]}?" if close else otherwise or f"known: {', '.join(names) or 'none'}"


def renaming(found: Iterable[str], wanted: Iterable[str]) -> str:
    """Return how files or folders have to be renamed to bear the wanted names; empty where no pattern shows how.

    Seen are something put before or behind every name, other capitals, and another number of zeros before a number.

    Args:
        found: The names that are there and not wanted.
        wanted: The names that should be there.
    """
    names, targets = list(found), list(wanted)
    for what, simplified in _simplifications(names, targets):
        by_form = {simplified(target): target for target in targets}
        if names and len(by_form) == len(targets) and all(simplified(name) in by_form for name in names):
            return f"rename {names[0]} to {by_form[simplified(names[0])]} ({what})"
    return ""


def _simplifications(names: list[str], targets: list[str]) -> Iterator[tuple[str, Callable[[str], str]]]:
    """Yield ways in which names often differ, in words and as a function that takes the difference away."""
    yield "they differ in capitals", str.casefold
    yield "pad both names with as many zeros", lambda name: re.sub(r"\d+", lambda number: str(int(number[0])), name)
    if not names:
        return
    for target in sorted(targets, key=len, reverse=True):
        before, inside, behind = names[0].partition(target)
        if inside:
            parts = (f"all begin with {before!r}" * bool(before), f"all end with {behind!r}" * bool(behind))
            yield " and ".join(filter(None, parts)), partial(_without, before, behind)


def _without(before: str, behind: str, name: str) -> str:
    if not (name.startswith(before) and name.endswith(behind)):
        return name
    return name[len(before) : len(name) - len(behind)]


def _is_steering(character: str) -> bool:
    return character in _STEERING or unicodedata.category(character) in _LINES


def _code(character: str) -> str:
    return f"\\x{ord(character):02x}" if ord(character) < 256 else f"\\u{ord(character):04x}"
