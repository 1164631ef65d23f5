"""What the site says of published methods: on a sequence, beside its runs, and against a whole run."""

from collections.abc import Sequence
from typing import NamedTuple

from vos_bench.comparing.significance import Change, change_of_scores, object_scores
from vos_bench.errors import NotComparableError
from vos_bench.records import Run
from vos_bench.reports.published_sequences import PublishedSequences, beside

from .scenes import SequencePage, sequence_scores

SHOWN = 5
"""How many published methods a sequence's page names before one opens the whole table."""


class SceneRow(NamedTuple):
    """One method on one sequence.

    Attributes:
        name: The method's.
        file: The run's page, empty for a published one.
        scores: `J&F`, `J` and `F`, means over the objects.
        objects: Object id to J&F.
    """

    name: str
    file: str
    scores: dict[str, float]
    objects: dict[int, float]


def scene_rows(scene: SequencePage) -> list[SceneRow]:
    """Return the runs and the published methods on a sequence, best first; empty where nothing is published of it."""
    published = [_published_row(each, scene.name) for each in _beside(scene) if scene.name in each.objects]
    runs = [
        SceneRow(entry.name, entry.file, scores, dict(object_scores(entry.run)[scene.name]))
        for entry in scene.entries
        if (scores := sequence_scores(entry.run, scene.name))
    ]
    return sorted([*runs, *published], key=lambda row: -row.scores["J&F"]) if published else []


def scene_summary(rows: Sequence[SceneRow]) -> str:
    """Name the best published methods of a sequence with J&F in percent."""
    published = [row for row in rows if not row.file]
    best = ", ".join(f"{row.name} {100 * row.scores['J&F']:.1f}" for row in published[:SHOWN])
    return f"{best}, …" if len(published) > SHOWN else best


def _beside(scene: SequencePage) -> list[PublishedSequences]:
    found = {each.method: each for entry in scene.entries for each in beside(entry.run.record)}
    return list(found.values())


def _published_row(figures: PublishedSequences, name: str) -> SceneRow:
    means = figures.means([name])
    scores = {"J&F": means.score, "J": means.J, "F": means.F}
    return SceneRow(figures.method, "", scores, {key: each.score for key, each in figures.objects[name].items()})


class RunRow(NamedTuple):
    """A run against one published method.

    Attributes:
        method: The published method.
        before: Its J&F on the sequences of both.
        after: The run's on these.
        change: How far they differ, with its interval.
    """

    method: str
    before: float
    after: float
    change: Change


def run_rows(run: Run) -> list[RunRow]:
    """Return a run against each method that is published on its data, the best method first."""
    scores, rows = object_scores(run), []
    for each in beside(run.record):
        try:
            found = change_of_scores(each.scores(), scores, names=(each.title, run.record.method.title))
        except NotComparableError:  # the run has no sequence that is published
            continue
        before = each.means(found.sequences).score
        rows.append(RunRow(each.method, before, before + found.difference, found))
    return rows
