"""The report `delta`: what moved between two runs, or from a published method to a run, and whether by chance."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from vos_bench.comparing.significance import Change, ScoresByObject, change, change_of_scores, object_scores
from vos_bench.comparing.verdicts import require_comparable
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.names import counted
from vos_bench.records import Run
from vos_bench.tables import Column, Table

from .published_sequences import beside, named, source

MOST = 10
"""How many sequences are shown, those that moved most."""


def make_table(runs: Sequence[Run], *, published: Sequence[str] = ()) -> Table:
    """Return the table: each run against the one before it, or against published methods.

    Args:
        runs: In the order in which they were named.
        published: Methods that every run is held against, each sequence and object with its published figures.

    Raises:
        BadInputError: There are fewer than two runs and no published method, or no figures of a method are known.
        NotComparableError: Data or rules of two runs differ, or nothing is published of a method on a run's data.
    """
    comparisons = list(_with_published(runs, named(published)) if published else _of_pairs(runs))
    score = " or ".join(dict.fromkeys(each.change.score for each in comparisons))
    rows = [{"group": each.title, **row} for each in comparisons for row in _rows(each, score)]
    notes = [f"{each.title}: {each.change}." for each in comparisons]
    note = f"Of each pair the {MOST} sequences that moved most. Change in points, second minus first."
    last = (source(),) if published else ()
    return Table(f"Change of {score}", _columns(score), rows, (note, *notes, *last), group="group")


def _columns(score: str) -> tuple[Column, ...]:
    return (
        Column("of"),
        Column("objects"),
        Column(f"baseline {score}", digits=1, scale=100.0, drop=12),
        Column(score, digits=1, scale=100.0),
        Column("change", digits=2, scale=100.0, drop=1),
        Column("from", digits=2, scale=100.0),
        Column("to", digits=2, scale=100.0),
    )


@dataclass(frozen=True)
class Comparison:
    """Two sides of one comparison.

    Attributes:
        title: Which they are.
        before: The score of the first, by sequence and object.
        after: That of the second.
        change: How it moved.
        by_object: Whether the objects of a sequence are told apart.
    """

    title: str
    before: ScoresByObject
    after: ScoresByObject
    change: Change
    by_object: bool


def _of_pairs(runs: Sequence[Run]) -> Iterable[Comparison]:
    if len(runs) < 2:
        raise BadInputError(
            f"report delta: found {counted(len(runs), 'run')}, expected two: the baseline's folder, then the "
            "other's; or one and "
            "--published METHOD"
        )
    for baseline, run in pairwise(runs):
        require_comparable(baseline.record, run.record)
        title = f"{_named(run)} against {_named(baseline)}"
        yield Comparison(title, object_scores(baseline), object_scores(run), change(baseline, run), by_object=False)


def _with_published(runs: Sequence[Run], methods: Sequence[str]) -> Iterable[Comparison]:
    if not runs:
        raise BadInputError("report delta: found no run, expected at least one to hold against published methods")
    for run in runs:
        found = {each.method: each for each in beside(run.record)}
        for method in methods:
            if method not in found:
                protocol = run.record.protocol
                rules = ", ".join((f"protocol {protocol.name}", *protocol.conditions))
                raise NotComparableError(
                    f"{run.folder}: {run.record.dataset.title}, {rules}: no figures of "
                    f"sequences are published of {method} on it; known: {', '.join(found) or 'none'}"
                )
            before, after = found[method].scores(), object_scores(run)
            moved = change_of_scores(before, after, names=(found[method].title, str(run.folder)))
            title = f"{_named(run)} against {found[method].title}"
            yield Comparison(title, before, after, moved, by_object=True)


def _named(run: Run) -> str:
    return f"{run.record.method.title} ({run.folder})"


def _rows(comparison: Comparison, score: str) -> Iterable[dict[str, object]]:
    found = comparison.change
    names = list(found.sequences)
    yield {
        **_row(comparison, f"all {counted(len(names), 'sequence')}", names, score),
        "change": found.difference,
        "from": found.low if found.has_interval else None,
        "to": found.high if found.has_interval else None,
    }
    for name in names[:MOST]:
        yield {**_row(comparison, name, [name], score), "change": found.sequences[name]}
        objects = comparison.after[name]
        for key in objects if comparison.by_object and len(objects) > 1 else ():
            before, after = comparison.before[name][key], objects[key]
            yield {"of": f"{name}, object {key}", f"baseline {score}": before, score: after, "change": after - before}


def _row(comparison: Comparison, label: str, names: Collection[str], score: str) -> dict[str, object]:
    return {
        "of": label,
        "objects": sum(len(comparison.after[name]) for name in names),
        f"baseline {score}": _mean(comparison.before, names),
        score: _mean(comparison.after, names),
    }


def _mean(scores: ScoresByObject, names: Collection[str]) -> float:
    each = [score for name in names for score in scores[name].values()]
    return sum(each) / len(each)
