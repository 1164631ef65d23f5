"""How the options that several commands share are read."""

import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from vos_bench.errors import BadInputError
from vos_bench.files import read_names
from vos_bench.files.places import expanded
from vos_bench.names import is_file_name

if TYPE_CHECKING:
    from vos_bench.plugins import MethodInfo

Item = TypeVar("Item")

MOST_SEED = (1 << 63) - 1
"""As in `vos_bench.running.settings`, which reading an option does not load."""


def sequence_names(text: str | None) -> tuple[str, ...] | None:
    """Read `--sequences`: `A,B`, or `@FILE` with one name a line; None means all.

    Raises:
        BadInputError: The file cannot be read, or no name is given, or one twice.
    """
    if text is None:
        return None
    chosen = read_names(Path(text[1:]), asked="--sequences @") if text.startswith("@") else text.split(",")
    names = tuple(name for each in chosen if (name := each.strip()))
    if not names:
        raise BadInputError(f"--sequences {text}: found no name, expected A,B or @FILE with one name a line")
    _require_once(f"--sequences {text}", names)
    return names


def _require_once(asked: str, names: Iterable[object]) -> None:
    if twice := sorted(str(name) for name, count in Counter(names).items() if count > 1):
        raise BadInputError(f"{asked}: named twice: {', '.join(twice)}")


def method_names(text: str) -> tuple[str, ...]:
    """Read `--methods A,B`. Raises BadInputError where no name is given, or one twice."""
    names = tuple(name for each in text.split(",") if (name := each.strip()))
    if not names:
        raise BadInputError(f"--methods {text}: found no name, expected A,B")
    _require_once(f"--methods {text}", names)
    return names


def run_labels(texts: Iterable[str]) -> dict[Path, str]:
    """Read every `--label DIR=TEXT` as folder to text. Raises BadInputError for another form, or a folder twice."""
    pairs = [text.partition("=") for text in texts]
    for folder, separator, label in pairs:
        if not (folder and separator and label):
            raise BadInputError(f"--label {folder}{separator}{label}: expected DIR=TEXT, as in runs/demo/mine=Ours")
    labels = [(expanded(folder), label) for folder, _, label in pairs]
    _require_once("--label", [folder for folder, _ in labels])
    return dict(labels)


def names_file(_: object, path: Path | None) -> None:
    """Check, before any work is done, that an option names a file and no folder. Raises ValueError."""
    if path is not None and (not path.name or path.is_dir()):
        raise ValueError(f"found {str(path)!r}, expected the name of a file")


def seeds(text: str) -> tuple[int, ...]:
    """Read `--seeds 0,1,2`. Raises BadInputError for another form, or a seed twice."""
    numbers = _numbers("--seeds", text, text.split(","), "whole numbers with commas between, as in 0,1,2")
    if len(numbers) > len(set(numbers)):
        raise BadInputError(f"--seeds {text}: expected each seed once")
    if wrong := [number for number in numbers if not 0 <= number <= MOST_SEED]:
        raise BadInputError(f"--seeds {text}: found {wrong[0]}, expected whole numbers from 0 to {MOST_SEED}")
    return numbers


def shard(text: str | None) -> tuple[int, int] | None:
    """Read `--shard I/N`, I from 1 to N. Raises BadInputError for another form."""
    if text is None:
        return None
    expected = "I/N with I from 1 to N, as in 2/8"
    numbers = _numbers("--shard", text, text.split("/"), expected)
    if len(numbers) != 2 or not 1 <= numbers[0] <= numbers[1]:
        raise BadInputError(f"--shard {text}: expected {expected}")
    return numbers[0], numbers[1]


def _numbers(option: str, text: str, parts: Iterable[str], expected: str) -> tuple[int, ...]:
    return tuple(_parse(int, f"{option} {text}", part, expected) for part in parts)


def _parse(read: Callable[[str], Item], option: str, text: str, expected: str) -> Item:
    try:
        return read(text)
    except ValueError:
        raise BadInputError(f"{option}: {text!r} is not what is needed, expected {expected}") from None


def counts(option: str, text: str) -> tuple[int, ...]:
    """Read whole numbers with commas between, as in `--objects 1,2,4`."""
    return _numbers(option, text, text.split(","), "whole numbers with commas between, as in 1,2,4")


def sizes(text: str) -> tuple[tuple[int, int], ...]:
    """Read `--size 832x480,1280x720` as pairs of width and height."""
    expected = "WIDTHxHEIGHT, several with commas between, as in 832x480,1280x720"
    found = [_numbers("--size", text, each.split("x"), expected) for each in text.lower().split(",")]
    if any(len(size) != 2 for size in found):
        raise BadInputError(f"--size {text}: expected {expected}")
    return tuple((width, height) for width, height in found)


def named_number(option: str, text: str) -> tuple[str, float]:
    """Read NAME=NUMBER, as in `--tolerance J&F=0.001`."""
    name, _, value = text.partition("=")
    return name, _parse(float, f"{option} {text}", value, "NAME=NUMBER, as in J&F=0.001")


def named_path(text: str, *, otherwise: str) -> tuple[str, Path]:
    """Read NAME=PATH, as in `--root davis17=/data/DAVIS`; a path alone gets the name `otherwise`."""
    name, separator, path = text.partition("=")
    return (name, expanded(path)) if separator else (otherwise, expanded(text))


def named(info: "MethodInfo", name: str | None) -> tuple["MethodInfo", str | None]:
    """Return a method and what tables call its runs: a system in its own process takes the name, others keep theirs."""
    if name is None:
        return info, None
    if info.row == "adapter":
        system_name("--name", name)
        return replace(info, name=name), None
    from vos_bench import registry  # here, since scoring a folder loads none

    registry.require_title("--name", name, info.name)
    return info, name


def system_name(option: str, text: str) -> str:
    """Check what a system is to be called: it becomes a folder's name. Raises BadInputError where it cannot."""
    if not (re.fullmatch(r"[A-Za-z0-9][\w.+-]*", text) and is_file_name(text)):
        raise BadInputError(
            f"{option} {text}: expected letters, digits and . _ + - alone, for it becomes a folder's name"
        )
    return text
