"""The report `failures`: how the label maps of runs fail, object by object, and what VOTS measures of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from vos_bench.analysis.runs import SequenceFailures, run_failures
from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError, one_line
from vos_bench.metrics.failures import (
    FAILURE_MEASURES,
    HELD,
    VOTS_MEASURES,
    ObjectFailures,
    VotsCounts,
    mean_failures,
    vots_means,
)
from vos_bench.metrics.measures import Measure
from vos_bench.names import counted
from vos_bench.records import Run
from vos_bench.records.data import RunData
from vos_bench.records.identity import rules
from vos_bench.tables import Column, Table

from .run_names import chosen, distinct_names

ALL = "all"
NO_DATA = "no data"
NO_OBJECT = "no object"
NEVER_PRESENT = "never present"
"""Why Rob, NRE and DRE have no value: to the VOT toolkit, an object that is one pixel wide or high is not there."""
_COUNTS = {"recovery", "identity switches"}
"""Measures that are no shares."""
NOTES = (
    f"An object is held on a frame where J > {HELD}. In percent: missed (no mask, or a bit of the object), drift (a "
    "mask that lies mostly off it), both of the frames with the object; false reports, of the frames without it; "
    "flicker, of the mask; boundary IoU. In frames: recovery after a return. Less is better but for boundary IoU.",
    "Q, Acc, Rob, NRE, DRE, ADQ: quality, accuracy, robustness, not-reported and drift-rate error, and "
    "absence-detection quality of VOTS, as vot-toolkit 0.9.0 computes them.",
    "The line `all` is the mean over the objects that have a value; of VOTS's measures, over objects, then sequences. "
    "docs/failures.md defines all measures.",
)


def make_table(runs: Sequence[Run], options: ReportOptions) -> Table:
    """Return the table: for each dataset a line a run, then a group a sequence with a line an object and run."""
    data, sequences = RunData(options.root), chosen(runs, options)
    names = distinct_names(runs)
    found = [_failures(run, data, sequences[run.folder], options) for run in runs]
    rows = [row for run, name, each in zip(runs, names, found, strict=True) for row in _run_rows(run, name, each)]
    for sequence in dict.fromkeys((run.record.dataset.title, each.name) for run, each in _each(runs, found)):
        rows += [
            row
            for run, name, each in zip(runs, names, found, strict=True)
            for row in _sequence_rows(run, name, each, sequence)
        ]
    columns = (Column("method"), Column("object"), *map(_column, (*FAILURE_MEASURES, *VOTS_MEASURES)))
    about = {NOTES[1]: VOTS_MEASURES[0].name}
    return Table("Failures", columns, rows, NOTES, group="group", rank="rank", footnotes="notes", column_notes=about)


Found = Sequence[SequenceFailures] | BadInputError
"""The failures of a run, or why there are none."""


def _failures(run: Run, data: RunData, done: Sequence[str], options: ReportOptions) -> Found:
    found = []
    try:
        with options.progress.counting("sequences", len(done)) as step:
            for each in run_failures(run, data, done):
                found.append(each)
                step()
    except BadInputError as error:
        return error
    return found


def _each(runs: Sequence[Run], found: Sequence[Found]) -> Iterator[tuple[Run, SequenceFailures]]:
    for run, sequences in zip(runs, found, strict=True):
        if not isinstance(sequences, BadInputError):
            yield from ((run, each) for each in sequences)


def _column(measure: Measure) -> Column:
    whole = measure.name in _COUNTS
    return Column(
        measure.name,
        digits=1,
        scale=1.0 if whole else 100.0,
        higher_is_better=measure.higher_is_better,
        unit="frames" if measure.name == "recovery" else "",
    )


def _run_rows(run: Run, name: str, found: Found) -> Iterator[dict[str, Any]]:
    """Yield the line of a whole run."""
    row = {"group": run.record.dataset.title, "method": name, "object": ALL}
    if isinstance(found, BadInputError):
        yield {**row, FAILURE_MEASURES[0].name: NO_DATA, "notes": (one_line(str(found)),)}
        return
    objects = [each for sequence in found for each in sequence.objects]
    problems = [sequence.problem for sequence in found if sequence.problem]
    notes: tuple[str, ...] = (f"{counted(len(problems), 'sequence')} left out: {problems[0]}",) if problems else ()
    lost = sum(each.lost_returns for each in objects)
    if lost:
        notes += (f"{counted(lost, 'return')} of an object never held until it was gone again: its whole time counts",)
    means = {**mean_failures(objects), **vots_means([sequence.vots for sequence in found if sequence.vots])}
    missing = {name: _reasons(each.missing.get(name) for each in objects) for name in _names() if name not in means}
    yield {
        **row,
        **_no_vots([each for sequence in found for each in sequence.vots]),
        **missing,
        **means,
        "notes": notes,
        "rank": None if problems else repr((rules(run.record), sorted(each.name for each in found))),
    }


def _names() -> list[str]:
    return [measure.name for measure in FAILURE_MEASURES]


def _reasons(reasons: Iterable[str | None]) -> str:
    """Return why no object has a value, the reason of most of them."""
    found = [each for each in reasons if each]
    return max(dict.fromkeys(found), key=found.count, default=NO_OBJECT)


def _sequence_rows(run: Run, name: str, found: Found, sequence: tuple[str, str]) -> Iterator[dict[str, Any]]:
    """Yield the lines of the objects of one sequence."""
    title, wanted = sequence
    if isinstance(found, BadInputError) or title != run.record.dataset.title:
        return
    # The list of sequences does not touch a single sequence's failures, all other rules do.
    alone = rules(run.record.replace(dataset=run.record.dataset.replace(sequences=())))
    for each in found:
        if each.name == wanted:
            base = {"group": f"{title}: {each.name}", "method": name}
            if each.problem:
                yield {**base, "object": ALL, FAILURE_MEASURES[0].name: NO_DATA, "notes": (each.problem,)}
            for failing, vots in zip(each.objects, each.vots, strict=True):
                row = {**base, **_object_row(failing, vots)}
                yield {**row, "rank": repr((alone, base["group"], row["object"]))}


def _object_row(found: ObjectFailures, vots: VotsCounts) -> Mapping[str, Any]:
    return {
        "object": str(found.name or found.object_id),
        **found.missing,
        **found.values,
        **_no_vots([vots]),
        **vots.scores(),
    }


def _no_vots(objects: Sequence[VotsCounts]) -> dict[str, str]:
    """Return for each of VOTS's measures why none of these objects has it, for where that is so."""
    if not objects:
        return dict.fromkeys((each.name for each in VOTS_MEASURES), NO_OBJECT)
    absent = any(each.noticed + each.false for each in objects)
    return {**{each.name: NEVER_PRESENT for each in VOTS_MEASURES}, "ADQ": "too few" if absent else "no absence"}
