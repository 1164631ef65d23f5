"""Two runs, as paths or as they are -> what a comparison of them says."""

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from vos_bench.comparing.comparison import Comparison
from vos_bench.comparing.significance import change
from vos_bench.comparing.spread import spread as spread_of
from vos_bench.comparing.verdicts import DEFAULT_TOLERANCE, judge, with_sequences
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.records import Run, find_runs, load_run

RunLike = Run | str | Path
"""A run, or where it lies: its folder or `run.json`."""


@dataclass(frozen=True)
class _Mark:
    """What a run is judged against: a run, or the mean of several, and the tolerances that follow from their spread."""

    run: Run
    runs: int = 1
    overall: Mapping[str, float] = field(default_factory=dict)
    sequences: Mapping[str, float] = field(default_factory=dict)


def compare(
    baseline: RunLike | Collection[RunLike],
    candidate: RunLike,
    *,
    sequences: Collection[str] | None = None,
    tolerances: float | Mapping[str, float] | None = None,
    sequence_tolerance: float | None = None,
    spread: float | None = None,
) -> Comparison:
    """Judge a run against a baseline.

    Args:
        baseline: The run that sets the mark; with `spread`, several runs that differ by their seeds, or a folder of
            them.
        candidate: The run that is judged.
        sequences: Judge these alone; None for all.
        tolerances: The difference that still counts as the same, a fraction: one for all scores, or by the score's
            name; FPS takes a share of the baseline's. What is not named may differ by 0.001, FPS by 0.05. Recall and
            decay are judged only where they are named.
        sequence_tolerance: The fall of a single sequence's headline score, a fraction, beyond which the run is worse;
            None for any fall.
        spread: Take so many standard deviations of the baselines as tolerances, and their mean as the mark.

    Returns:
        The comparison; its `verdict` is `same`, `better`, `worse` or `cannot be compared`.

    Raises:
        BadInputError: A run cannot be read, a tolerance or sequence names nothing, or there are too few or many
            baselines.
    """
    named = tolerances if isinstance(tolerances, Mapping) else {}
    otherwise = tolerances if isinstance(tolerances, int | float) else DEFAULT_TOLERANCE
    for option, value in (("tolerance", otherwise), ("sequence tolerance", sequence_tolerance or 0.0)):
        if not 0 <= value < math.inf:
            raise BadInputError(f"{option} {value}: expected a number of at least 0")
    found = _baselines(baseline, spread)
    after = _loaded(candidate)
    try:
        mark = _mark(found, sequences, spread)
        if sequences is not None:
            after = with_sequences(after, [name for name in sequences if name in after.sequence_records])
        rows = judge(
            mark.run,
            after,
            tolerances={**mark.overall, **named},
            by_sequence=mark.sequences,
            otherwise=otherwise,
            judging=named,
            sequence_gate=sequence_tolerance,
        )
        judged = any(row.score != "FPS" for row in rows) and not scoring_protocol(after.record.protocol.name).tracks
        moved = change(mark.run, after) if judged else None
    except NotComparableError as error:
        return Comparison(found[0], after, error=error)
    return Comparison(mark.run, after, rows, moved, mark.runs)


def _loaded(run: RunLike) -> Run:
    """Return a run that is given as such or by its path. Raises BadInputError where it cannot be read."""
    return run if isinstance(run, Run) else load_run(run)


def _baselines(given: RunLike | Collection[RunLike], spread: float | None) -> list[Run]:
    parts = [given] if isinstance(given, Run | str | Path) else [*given]
    if spread is not None:
        return [run for part in parts for run in ([part] if isinstance(part, Run) else load_runs([Path(part)]))]
    if len(parts) != 1:
        raise BadInputError(
            f"compare: found {len(parts)} baselines, expected one, or --tolerance spread for runs with different "
            "seeds, or --history"
        )
    return [_loaded(parts[0])]


def load_runs(paths: Collection[Path]) -> tuple[Run, ...]:
    """Read every run at or below some paths. Raises BadInputError with all that cannot be read."""
    found = find_runs(paths)
    if found.problems:
        raise BadInputError("; ".join(found.problems))
    return found.runs


def _mark(runs: list[Run], names: Collection[str] | None, spread: float | None) -> _Mark:
    chosen = runs if names is None else [with_sequences(run, names) for run in runs]
    if spread is None:
        return _Mark(chosen[0])
    found = spread_of(chosen)
    return _Mark(found.mean, found.runs, *found.tolerances(spread))
