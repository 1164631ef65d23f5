"""Which runs a report is about, what it calls them, and what runs over different sequences have in common."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from vos_bench.errors import BadInputError
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted, did_you_mean, shorten
from vos_bench.records.identity import rules, same_but_seed
from vos_bench.records.run import Run
from vos_bench.records.summary import averaged_over

MARK = "†"
"""Stands behind the name of a run whose scores were averaged again, over the sequences that it shares with others."""

MOST_NAMED = 10
"""How many sequences a sentence names."""


def with_labels(runs: Sequence[Run], labels: Mapping[Path, str]) -> tuple[Run, ...]:
    """Return the runs, those at or below a folder of `labels` under its label; the innermost folder counts.

    Raises:
        BadInputError: No run lies in a folder, a label is no title, or it would stand for two different systems.
    """
    folders = {folder.resolve(): folder for folder in labels}
    found = [_innermost(run.folder.resolve(), folders) for run in runs]
    for place, folder in folders.items():
        if not any(run.folder.resolve().is_relative_to(place) for run in runs):
            known = shorten((str(run.folder) for run in runs), MOST_NAMED) or "none"
            raise BadInputError(
                f"--label {folder}={labels[folder]}: found no run of this report there, expected its folder or one "
                f"above it; runs: {known}"
            )
    named = tuple(
        run if place is None else _with_label(run, labels[folders[place]])
        for run, place in zip(runs, found, strict=True)
    )
    _require_one_system_a_label(named, {*labels.values()})
    return named


def _innermost(folder: Path, places: Iterable[Path]) -> Path | None:
    around = [place for place in places if folder.is_relative_to(place)]
    return max(around, key=lambda place: len(place.parts), default=None)


def _with_label(run: Run, label: str) -> Run:
    from vos_bench.registry import require_title  # here, since scoring a folder loads none

    method = run.record.method
    require_title("--label", label, method.name)
    label = "" if label == method.name else label  # a plain name never hides what differs
    return Run(run.folder, run.record.replace(method=method.replace(label=label)), run.sequence_records)


def _require_one_system_a_label(runs: Iterable[Run], labels: Collection[str]) -> None:
    first: dict[tuple[str, str], Run] = {}
    for run in runs:
        label = run.record.method.label
        if label not in labels:
            continue
        other = first.setdefault((label, rules(run.record)), run)
        if same_but_seed(other.record) != same_but_seed(run.record):
            raise BadInputError(
                f"--label {label}: would name two different runs on {run.record.dataset.title}, {other.folder} and "
                f"{run.folder}; expected a label for each"
            )


def of_methods(runs: Sequence[Run], names: Collection[str]) -> tuple[Run, ...]:
    """Return the runs whose method or title is named. Raises BadInputError for a name that no run has."""
    known = {name: None for run in runs for name in _names(run)}
    if unknown := [name for name in names if name not in known]:
        meant = did_you_mean(unknown[0], known)
        raise BadInputError(f"--methods {unknown[0]}: found no run of it, expected a method of these runs; {meant}")
    return tuple(run for run in runs if not set(names).isdisjoint(_names(run)))


def _names(run: Run) -> tuple[str, ...]:
    method = run.record.method
    return method.title, method.own_title, method.name


def over_sequences(runs: Sequence[Run], names: Collection[str]) -> tuple[Run, ...]:
    """Return the runs that have scores of some of these sequences, averaged over these alone.

    Raises:
        BadInputError: No run has scores of a sequence, or a run has scores of tracks, or two have no sequence in
            common.
    """
    known = {name: None for run in runs for name in scored_sequences(run)}
    asked = f"--sequences {','.join(names)}"
    if unknown := [name for name in names if name not in known]:
        meant = did_you_mean(unknown[0], known)
        raise BadInputError(f"{asked}: found no run with scores of {unknown[0]}; expected sequences of these; {meant}")
    chosen = tuple(averaged_over(run, names) for run in runs if not set(names).isdisjoint(scored_sequences(run)))
    for found in shared_averages(chosen):
        if not found.runs:
            raise BadInputError(f"{asked}: {found.text}")
    return chosen


def scored_sequences(run: Run) -> tuple[str, ...]:
    """Return the sequences of a run that have scores."""
    return tuple(name for name in run.sequence_records if run.has_scores(name))


class SharedAverages(NamedTuple):
    """What runs under equal rules over different sequences have in common.

    Attributes:
        whole: All of them.
        runs: The same, averaged over the shared sequences; none where nothing is shared.
        text: How many sequences are shared, and which; or that none is.
    """

    whole: tuple[Run, ...]
    runs: tuple[Run, ...]
    text: str


def shared_averages(runs: Iterable[Run]) -> list[SharedAverages]:
    """Return, for each dataset and rules with runs over different sequences, these runs over the shared ones.

    Left out are runs that are not finished, without sequence files, or with scores of tracks, which are of all
    sequences together.
    """
    groups: dict[str, list[Run]] = {}
    for run in runs:
        whole = bool(scoring_protocol(run.record.protocol.name).tracks)
        if run.record.status != "started" and not whole and scored_sequences(run):
            groups.setdefault(rules(run.record, sequences=False), []).append(run)
    return [_shared(members) for members in groups.values() if len({*map(_scored_set, members)}) > 1]


def _scored_set(run: Run) -> frozenset[str]:
    return frozenset(scored_sequences(run))


def _shared(runs: Sequence[Run]) -> SharedAverages:
    data = runs[0].record.dataset
    common = frozenset.intersection(*map(_scored_set, runs))
    if not common:
        return SharedAverages(
            tuple(runs),
            (),
            f"found no sequence of {data.title} with scores in all {len(runs)} runs, and expected one to average them "
            "over; choose runs with --methods, or sequences that all have",
        )
    names = [name for name in runs[0].sequence_records if name in common]
    text = (
        f"{MARK} averaged over {counted(len(names), 'sequence')} that all {len(runs)} runs on {data.title} have: "
        f"{shorten(names, MOST_NAMED)}"
    )
    return SharedAverages(tuple(runs), tuple(averaged_over(run, names) for run in runs), text)
