"""The settings of a run in groups, as its page shows them."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from vos_bench.environment import Environment
from vos_bench.records import Run

GROUPS: Mapping[str, tuple[str, ...]] = {
    "Method": ("method",),
    "Data": ("dataset",),
    "Protocol": ("protocol",),
    "Numerics": ("numerics",),
    "Times and memory": ("timing", "bench", "memory_definition"),
    "Environment": ("environment",),
}
"""Heading to the parts of the record below it; all others are below `Run`."""

FOLDED = ("Times and memory", "Environment")
"""Long, and of use to few."""


class Settings(NamedTuple):
    """The settings below one heading.

    Attributes:
        title: The heading.
        values: Each setting's name and value.
        about: What a folded group shows of its values.
        folded: Whether the group is closed until one opens it.
    """

    title: str
    values: tuple[tuple[str, str], ...]
    about: str = ""
    folded: bool = False


def grouped_settings(run: Run) -> list[Settings]:
    """Return all that a record says besides scores, in groups."""
    record = run.record
    parts = {name: value for name, value in record.to_data().items() if name not in ("scores", "schema_version")}
    parts["dataset"]["sequences"] = len(record.dataset.sequences)
    about = {"Environment": _environment(record.environment), "Times and memory": _times(run)}
    grouped = {part for parts in GROUPS.values() for part in parts}
    groups = {**GROUPS, "Run": tuple(part for part in parts if part not in grouped)}
    found = [
        Settings(title, tuple(_values(names, parts)), about.get(title, ""), title in FOLDED)
        for title, names in groups.items()
    ]
    return [each for each in found if each.values]


def _values(names: tuple[str, ...], parts: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """Yield the settings of some parts, without the name of the part where there is but one."""
    for name in names:
        yield from _flat(parts[name], name if len(names) > 1 else "")


def _flat(value: object, name: str) -> Iterator[tuple[str, str]]:
    """Yield every setting with its dotted name."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, (list, tuple)) and value and isinstance(value[0], dict):
        for i, inner in enumerate(value):
            yield from _flat(inner, f"{name}[{i}]")
    elif value not in (None, "", [], {}, ()):
        yield name, ", ".join(map(str, value)) if isinstance(value, (list, tuple)) else str(value)


def _environment(environment: Environment) -> str:
    torch = environment.packages.get("torch")
    gpus = sorted({gpu.name for gpu in environment.gpus})
    parts = (f"Python {environment.python}", f"torch {torch}" if torch else "", environment.cpu, *gpus)
    return ", ".join(part for part in (f"vos-bench {environment.vos_bench}", *parts) if part)


def _times(run: Run) -> str:
    timing = run.record.timing
    if timing is None:
        return ""
    return "indicative" if timing.indicative else f"by the protocol, clock {timing.clock}"
