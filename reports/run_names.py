"""How runs are called where several stand beside each other, and which of their sequences are looked at."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError
from vos_bench.names import did_you_mean
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


def chosen(runs: Iterable[Run], options: ReportOptions) -> Mapping[Path, list[str]]:
    """Return run folder to the finished sequences to look at. Raises BadInputError for one that no run has."""
    done = {
        run.folder: [name for name, record in run.sequence_records.items() if record.status == "done"] for run in runs
    }
    known = dict.fromkeys(name for names in done.values() for name in names)
    for name in options.sequences or ():
        if name not in known:
            raise BadInputError(f"--sequences {name}: no run has finished it; {did_you_mean(name, known)}")
    wanted = options.sequences
    return {folder: [name for name in names if wanted is None or name in wanted] for folder, names in done.items()}


def _dataset(run: Run) -> str:
    return run.record.dataset.title


def _conditions(run: Run) -> str:
    return ", ".join(run.record.protocol.conditions) or "frames as they are"


def _seed(run: Run) -> str:
    return f"seed {run.record.seed}" if run.record.numerics else "no seed"


def _folder(run: Run) -> str:
    return run.folder.name
