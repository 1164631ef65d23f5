"""Many runs of one method in the order of time, and where their score moved."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from vos_bench.comparing.change_point import LEAST, ChangePoint, change_point
from vos_bench.comparing.verdicts import require_comparable
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.names import counted
from vos_bench.records import Run, RunRecord
from vos_bench.tables import Column, Table, percent

_ABOUT = (
    Column("date"),
    Column("method"),
    Column("version", drop=9),
    Column("commit", drop=5),
    Column("seed", drop=6),
)
_MOVED = (Column("change", digits=2, scale=100.0, drop=2), Column("path", drop=12))


@dataclass(frozen=True)
class History:
    """Runs by date, and the likeliest change of level; None where there are too few to look for one."""

    runs: tuple[Run, ...]
    change: ChangePoint | None

    @property
    def hint(self) -> str:
        """What the change point says, in one sentence."""
        if self.change is None:
            verb = "is" if len(self.runs) == 1 else "are"
            return f"{counted(len(self.runs), 'run')} {verb} too few to look for a change of level; {LEAST} are needed"
        if not self.change.is_found:
            return f"no change of level is shown (Pettitt's test, p = {self.change.p:.3f})"
        last, first = (_words(self.runs[self.change.first + shift].record) for shift in (-1, 0))
        score = self.runs[0].headline
        return (
            f"{score} likely moved from {100 * self.change.before:.2f} to {100 * self.change.after:.2f} on average "
            f"between {last} and {first} (Pettitt's test, p = {self.change.p:.4f}); further changes are not looked for"
        )

    @property
    def table(self) -> Table:
        """One row a run."""
        name = self.runs[0].headline
        scores = [run.record.scores[name] for run in self.runs]
        rows = [
            {
                "date": run.record.ended,
                "method": run.record.method.title,
                "version": run.record.environment.vos_bench,
                "commit": _commit(run.record),
                "seed": run.record.numerics.seed if run.record.numerics else None,
                name: score,
                "change": score - before if before is not None else None,
                "path": str(run.folder),
            }
            for run, score, before in zip(self.runs, scores, [None, *scores], strict=False)
        ]
        return Table("History", (*_ABOUT, replace(percent(name), drop=0), *_MOVED), rows)


def history(runs: Sequence[Run]) -> History:
    """Order runs by the time at which they ended and look for a change of their headline score.

    Raises:
        BadInputError: A run has no scores, or some of its sequences have none.
        NotComparableError: Method, data or rules differ.
    """
    for run in runs:
        require_comparable(runs[0].record, run.record)
        _require_same_kind(runs[0], run)
    ordered = tuple(sorted(runs, key=lambda run: run.record.ended))
    values = [run.record.scores[run.headline] for run in ordered]
    return History(ordered, change_point(values) if len(values) >= LEAST else None)


def _require_same_kind(first: Run, run: Run) -> None:
    counts = run.record.counts
    if not run.record.scores or counts.scored < counts.selected:
        raise BadInputError(
            f"{run.folder}: {counts.scored} of {counted(counts.selected, 'sequence')} have scores, expected all"
        )
    if run.record.method.name != first.record.method.name:
        raise NotComparableError(
            f"{first.folder} is of {first.record.method.name}, {run.folder} of {run.record.method.name}"
        )
    if set(run.record.dataset.sequences) != set(first.record.dataset.sequences):
        raise NotComparableError(f"{run.folder} is of other sequences than {first.folder}")


def _commit(record: RunRecord) -> str | None:
    git = record.environment.git
    return git.commit[:8] if git and git.commit else None


def _words(record: RunRecord) -> str:
    commit = _commit(record)
    return record.ended + (f" ({commit})" if commit else "")
