"""Runs that differ in nothing but the seed, which count as one: their mean and their spread."""

from collections.abc import Iterable, Sequence

import numpy as np

from vos_bench.records.identity import same_but_seed
from vos_bench.records.run import Run


def seed_key(run: Run) -> str:
    """Return what runs share that differ in nothing but the seed; scores of foreign label maps share it with none."""
    return same_but_seed(run.record) + ("" if run.record.kind == "run" else str(run.folder))


def seed_groups(runs: Iterable[Run]) -> list[tuple[Run, ...]]:
    """Return the runs, those that differ in nothing but the seed together, by seed.

    The same run made twice counts once, by its later record.
    """
    groups: dict[str, dict[int, Run]] = {}
    for run in sorted(runs, key=lambda run: run.record.ended):
        groups.setdefault(seed_key(run), {})[run.record.seed] = run
    return [tuple(seeds[seed] for seed in sorted(seeds)) for seeds in groups.values()]


def mean_scores(runs: Sequence[Run]) -> tuple[dict[str, float], dict[str, float]]:
    """Return the means of the scores over runs, and their sample standard deviations where there are several."""
    names = dict.fromkeys(name for run in runs for name in run.scores)
    values = {name: [run.scores[name] for run in runs if name in run.scores] for name in names}
    means = {name: float(np.mean(found)) for name, found in values.items()}
    return means, {name: float(np.std(found, ddof=1)) for name, found in values.items() if len(found) > 1}
