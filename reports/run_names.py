"""How runs are called where several stand beside each other."""

from collections.abc import Sequence

from vos_bench.records import Run


def distinct_names(runs: Sequence[Run]) -> list[str]:
    """Return each run's name; runs of the same name are told apart by dataset, conditions, seed, then folder."""
    names = [run.record.method.title for run in runs]
    for detail in (_dataset, _conditions, _seed, _folder):
        details = [detail(run) for run in runs]
        groups: dict[str, set[str]] = {}
        for name, text in zip(names, details, strict=True):
            groups.setdefault(name, set()).add(text)
        names = [f"{n}, {text}" if len(groups[n]) > 1 else n for n, text in zip(names, details, strict=True)]
    return names


def _dataset(run: Run) -> str:
    return run.record.dataset.title


def _conditions(run: Run) -> str:
    return ", ".join(run.record.protocol.conditions) or "frames as they are"


def _seed(run: Run) -> str:
    return f"seed {run.record.seed}" if run.record.numerics else "no seed"


def _folder(run: Run) -> str:
    return run.folder.name
