"""Rows of tables from records: seeds put together, what a reader must know in a note, and what may be ranked."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from vos_bench.names import counted
from vos_bench.records import ExternalScores, Kind, Run, RunRecord
from vos_bench.records.identity import rules, same_but_seed
from vos_bench.records.selection import MARK, shared_averages
from vos_bench.tables import Column

MEASURED, PUBLISHED = "measured", "published"
RESULTS_ONLY = "results only"
"""The origin of label maps that a system's authors published and that were scored here."""

ORIGIN = Column("origin", drop=5)
"""Which of these a row is; a narrow terminal rather goes without it than without the headline score."""

MADE: dict[Kind, str] = {
    "run": "run",
    "score": "label maps of others, scored",
    "results-only": "published label maps, scored",
}


@dataclass(frozen=True)
class Measured:
    """One row that stands for the runs that differ in nothing but the seed.

    Attributes:
        name: The method as its record or the user names it, with the weights where their name says more.
        origin: `measured`, or the server that gave the scores.
        scores: Means over the seeds; fractions.
        spread: Sample standard deviations, where there are several seeds.
        notes: Protocol, weights, date, and what is wrong with the row.
        comparable: Rows with the same text were made under the same rules on the same data; None: never rank this one.
        runs: The runs, one a seed.
        shared: Whether its scores are averages over the sequences that it shares with other runs; the name has `MARK`.
    """

    name: str
    origin: str
    scores: dict[str, float]
    spread: dict[str, float]
    notes: tuple[str, ...]
    comparable: str | None
    runs: tuple[Run, ...] = field(repr=False)
    shared: bool = False

    @property
    def own_name(self) -> str:
        """The method under its own name, whatever the user calls it."""
        return self.runs[0].record.method.own_title

    @property
    def identity(self) -> str:
        """What makes runs on several datasets the same system: method, weights and configuration."""
        method = self.runs[0].record.method
        weights = method.weights.sha256 if method.weights else None
        return repr((self.name, self.origin, weights, sorted(map(str, method.config.items()))))


def measured(runs: Iterable[Run], *, wanted: Callable[[RunRecord], bool]) -> list[Measured]:
    """Return the rows of those runs that have scores and whose record is `wanted`, best first.

    Runs over different sequences have rows of their own, and then rows over the sequences that all of them have. Runs
    that were made harder than the data are stand in none: nobody would read their scores as such.
    """
    chosen = [run for run in runs if _has_row(run.record) and wanted(run.record)]
    rows = _by_seeds(chosen)
    for found in shared_averages(chosen):
        rows += [_over_shared(row, found.text) for row in _by_seeds(found.runs)]
    return sorted(rows, key=_order)


def _has_row(record: RunRecord) -> bool:
    return record.status != "started" and not record.protocol.conditions


def _by_seeds(runs: Iterable[Run]) -> list[Measured]:
    groups: dict[str, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: run.record.ended):
        # The same run made twice counts once: its later result is no second seed.
        groups.setdefault(same_but_seed(run.record), {})[run.record.seed] = run
    return [row for seeds in groups.values() for row in _rows([seeds[seed] for seed in sorted(seeds)])]


def _over_shared(row: Measured, text: str) -> Measured:
    rank = f"{MARK} {row.comparable}" if row.comparable else None
    return replace(row, name=f"{row.name} {MARK}", notes=(text, *row.notes), comparable=rank, shared=True)


def _order(row: Measured) -> tuple[bool, float, str]:
    return row.shared, -row.scores.get("G", row.scores.get(row.runs[0].headline, -1.0)), row.name


def unscored(runs: Iterable[Run], *, wanted: Callable[[RunRecord], bool]) -> tuple[str, ...]:
    """Return a sentence for each wanted run that has no row, with the reason, and where nothing is shared."""
    runs = list(runs)
    chosen = (run for run in runs if _has_row(run.record) and wanted(run.record))
    found = [f"Not averaged again: {each.text}." for each in shared_averages(chosen) if not each.runs]
    for run in runs:
        record = run.record
        if wanted(record) and (reason := _why_unscored(record)):
            found.append(f"{record.method.title} on {record.dataset.title} of {record.created[:10]} {reason}.")
    return tuple(sorted(set(found)))


def _why_unscored(record: RunRecord) -> str:
    """Return why a run has no row; empty where it has one."""
    if record.protocol.conditions:
        return f"is left out: {', '.join(record.protocol.conditions)}"
    if record.status == "started":
        return "is not finished"
    return "" if record.scores or record.external else "has no scores: its label maps were not scored"


def _rows(runs: Sequence[Run]) -> Iterable[Measured]:
    scored = [run for run in runs if run.record.scores]
    if scored:
        published = scored[0].record.kind == "results-only"
        notes = (f"label maps from {scored[0].record.method.reference}; never run here",) if published else ()
        yield _row(scored, RESULTS_ONLY if published else MEASURED, [run.record.scores for run in scored], notes)
    servers = dict.fromkeys((entry.server, entry.date) for run in runs for entry in run.record.external)
    for server, date in servers:
        found = [
            (run, entry)
            for run in runs
            for entry in run.record.external
            if (entry.server, entry.date) == (server, date)
        ]
        yield _server_row(found)


def _server_row(found: Sequence[tuple[Run, ExternalScores]]) -> Measured:
    entry = found[0][1]
    note = f"scores given by {entry.server} on {entry.date}, typed in by hand"
    return _row([run for run, _ in found], f"server {entry.server}", [entry.scores for _, entry in found], (note,))


def _row(runs: Sequence[Run], origin: str, scores: Sequence[dict[str, float]], notes: tuple[str, ...]) -> Measured:
    record = runs[0].record
    names = [name for name in scores[0] if all(name in each for each in scores)]
    values = {name: [each[name] for each in scores] for name in names}
    troubles = tuple(_troubles([run.record for run in runs]))
    return Measured(
        name=record.method.title,
        origin=origin,
        scores={name: float(np.mean(found)) for name, found in values.items()},
        spread={name: float(np.std(found, ddof=1)) for name, found in values.items() if len(found) > 1},
        notes=(*notes, *_conditions([run.record for run in runs]), *troubles),
        comparable=None if troubles else f"{origin} {rules(record)}",
        runs=tuple(runs),
    )


def _conditions(records: Sequence[RunRecord]) -> Iterable[str]:
    """Say under which rules, with which weights and when a row was made."""
    record = records[0]
    protocol = record.protocol
    seen = f"{protocol.frames_seen} frames seen" if protocol.frames_seen else "frames seen unknown"
    rules = [protocol.name, seen]
    if protocol.init:
        rules.append(f"started from {protocol.init}{'es' if protocol.init == 'box' else 's'}{protocol.start_note}")
    if protocol.metric_version:
        rules.append(f"metrics {protocol.metric_version}")
    yield f"{record.dataset.title}, {counted(len(record.dataset.sequences), 'sequence')}, protocol {', '.join(rules)}"
    weights = record.method.weights
    made = MADE[record.kind]
    dates = sorted({each.ended[:10] for each in records})
    code = weights.described if weights else "no weights"
    if record.method.label:
        yield f"a run of {record.method.own_title}, named by the user"
    yield f"{code}; {made} {' and '.join(dates)} with vos-bench {record.environment.vos_bench}"
    if record.method.config_as_passed:
        yield f"run with {' '.join(record.method.config_as_passed)}"
    yield from (f"assumed: {text}" for text in protocol.assumed)
    if len(records) > 1:
        yield f"mean ± sample standard deviation over the seeds {', '.join(str(each.seed) for each in records)}"


def _troubles(records: Sequence[RunRecord]) -> Iterable[str]:
    for record in records:
        counts = record.counts
        if record.scores and counts.scored < counts.selected:
            yield f"NOT RANKED: means over {counts.scored} of {counted(counts.selected, 'sequence')}"
        elif counts.failed:
            yield f"NOT RANKED: {counts.failed} of {counted(counts.selected, 'sequence')} failed"
