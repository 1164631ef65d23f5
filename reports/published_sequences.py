"""Published scores of single sequences and objects: `published_sequences.csv`, with its source beside it."""

import csv
import importlib.resources
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean
from vos_bench.records import RunRecord

from .published import Published

PROTOCOL = "davis"
"""The protocol of all of them."""

AGREEMENT = 0.25
"""Points: a printed mean that is nearer than this to the mean of the sequences is taken to be of the same masks."""


class Figures(NamedTuple):
    """J and F of one object, fractions."""

    J: float
    F: float

    @property
    def score(self) -> float:
        """J&F."""
        return (self.J + self.F) / 2


@dataclass(frozen=True)
class PublishedSequences:
    """What is published of one method on one split.

    Attributes:
        method: Its name, as in the table of published means where it stands there.
        dataset: The dataset's registered name.
        split: The split's name.
        objects: Sequence to object id to figures.
    """

    method: str
    dataset: str
    split: str
    objects: Mapping[str, Mapping[int, Figures]]

    @property
    def title(self) -> str:
        """The method's name in tables."""
        return f"{self.method} (published)"

    def means(self, names: Iterable[str] | None = None) -> Figures:
        """Return the mean over the objects of all sequences, or of those of them that are named."""
        chosen = self.objects if names is None else [name for name in names if name in self.objects]
        each = [figures for name in chosen for figures in self.objects[name].values()]
        return Figures(sum(one.J for one in each) / len(each), sum(one.F for one in each) / len(each))

    def scores(self) -> Mapping[str, Mapping[int, float]]:
        """Return J&F by sequence and object."""
        return {
            name: {key: figures.score for key, figures in objects.items()} for name, objects in self.objects.items()
        }

    def is_meant_by(self, row: Published) -> bool:
        """Tell whether a row of published means has this name and these means, as far as it prints any."""
        if _folded(row.method) != _folded(self.method):
            return False
        printed = {name: row.percent[name] for name in ("J", "F") if name in row.percent}
        found = self.means()
        return bool(printed) and all(
            abs(value - 100 * getattr(found, name)) < AGREEMENT for name, value in printed.items()
        )


def source() -> str:
    """Return a sentence that says where the figures are from, and when they were read there."""
    found = tomllib.loads(_text("published_sequences.toml"))
    place = f"{found['repository']}, commit {found['commit'][:7]}, read {found['read']}"
    return f"Published figures of sequences and objects: {found['source']} ({place})."


@cache
def load() -> tuple[PublishedSequences, ...]:
    """Return all methods, by dataset, split and name."""
    found: dict[tuple[str, str, str], dict[str, dict[int, Figures]]] = {}
    for row in csv.DictReader(_text("published_sequences.csv").splitlines()):
        objects = found.setdefault((row["dataset"], row["split"], row["method"]), {})
        objects.setdefault(row["sequence"], {})[int(row["object"])] = Figures(float(row["J"]), float(row["F"]))
    return tuple(PublishedSequences(method, dataset, split, each) for (dataset, split, method), each in found.items())


def on(dataset: str, split: str) -> list[PublishedSequences]:
    """Return the methods on one split, best first."""
    found = [each for each in load() if (each.dataset, each.split) == (dataset, split)]
    return sorted(found, key=lambda each: -each.means().score)


def beside(record: RunRecord) -> list[PublishedSequences]:
    """Return the methods that a run can be held against: on its data, as it is run; best first."""
    protocol = record.protocol
    comparable = protocol.name == PROTOCOL and not protocol.conditions
    return on(record.dataset.name, record.dataset.split) if comparable else []


def command(row: Published, dataset: str, split: str) -> str:
    """Return how to see the figures behind a row of published means, empty where none are known."""
    found = next((each for each in on(dataset, split) if each.is_meant_by(row)), None)
    return f"each sequence and object: vos-bench report attributes --published {found.method}" if found else ""


def comparison(method: str, dataset: str, split: str) -> str:
    """Return how to hold a run of a method against its published figures, empty where none are known.

    None are known of one with a remark in brackets, such as other weights.
    """
    wanted = "" if "(" in method else _folded(method)
    found = next((each for each in on(dataset, split) if _folded(each.method) == wanted), None)
    if found is None:
        return ""
    means = f"{found.method}, J&F {100 * found.means().score:.1f}"
    return f"published of each sequence ({means}): vos-bench report delta RUN --published {found.method}"


def named(names: Iterable[str]) -> list[str]:
    """Return methods as they are spelled in the file, whatever the case and the hyphens.

    Raises:
        BadInputError: There is no such method.
    """
    known = {_folded(each.method): each.method for each in load()}
    found = []
    for name in names:
        if _folded(name) not in known:
            hint = did_you_mean(name, sorted(known.values(), key=str.casefold))
            raise BadInputError(f"--published {name}: no figures of its sequences are known; {hint}")
        found.append(known[_folded(name)])
    return found


def _folded(name: str) -> str:
    """Return a name without remarks in brackets, in small letters and digits alone."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", name).casefold())


def _text(name: str) -> str:
    return (importlib.resources.files("vos_bench.reports") / name).read_text(encoding="utf-8")
