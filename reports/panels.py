"""Runs by their data: those of one dataset share a plot, and no others do."""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from vos_bench.records import Run

from .run_names import distinct_names
from .style import Look, look_of


class DataRuns(NamedTuple):
    """The runs on one state of a dataset.

    Attributes:
        title: The dataset and split.
        runs: The runs.
        looks: How each of them is drawn; a method looks the same on all data.
    """

    title: str
    runs: tuple[Run, ...]
    looks: tuple[Look, ...]


def by_data(runs: Sequence[Run]) -> list[DataRuns]:
    """Return the runs of each dataset, in the order in which datasets first appear."""
    groups: dict[tuple[str, str, str], list[Run]] = {}
    for run in runs:
        data = run.record.dataset
        groups.setdefault((data.name, data.split, data.fingerprint), []).append(run)
    titles = Counter(members[0].record.dataset.title for members in groups.values())
    known: dict[tuple[str, int], int] = {}
    found = []
    for members in groups.values():
        data = members[0].record.dataset
        title = f"{data.title}, data {data.fingerprint[:8]}" if titles[data.title] > 1 else data.title
        drawn = []
        seen: Counter[str] = Counter()
        for name in distinct_names(members):
            drawn.append(look_of(name, known.setdefault((name, seen[name]), len(known))))
            seen[name] += 1
        found.append(DataRuns(title, tuple(members), tuple(drawn)))
    return found
