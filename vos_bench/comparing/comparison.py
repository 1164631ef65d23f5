"""What a comparison of two runs says: a verdict on each score and each sequence, and one on the whole."""

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal

from vos_bench.comparing.options import different_options
from vos_bench.comparing.significance import Change
from vos_bench.errors import NotComparableError
from vos_bench.records import Run

OVERALL = "overall"

FailOn = Literal["worse", "changed"]
"""Whether a better score fails a comparison too: code that must not change a score must not raise it either."""

OverallVerdict = Literal["same", "better", "worse", "cannot be compared"]
"""What a comparison says as a whole."""


class Verdict(StrEnum):
    """What a comparison says of one score or one sequence."""

    BETTER = "better"
    WORSE = "worse"
    SAME = "same within tolerance"
    NEWLY_FAILING = "newly failing"
    FIXED = "fixed"
    NOT_COMPARABLE = "not comparable"


@dataclass(frozen=True)
class ComparisonRow:
    """One line of a comparison.

    Attributes:
        subject: `overall`, or a sequence's name.
        score: The score's name, empty for a sequence that fails in one of the runs.
        baseline: The baseline's value, a fraction (FPS: frames per second); None where there is none.
        candidate: The same of the run that is judged.
        note: Why, where the numbers do not say it.
        judges: Whether the comparison fails where this score fell beyond its tolerance; otherwise it is only shown.
    """

    subject: str
    score: str
    baseline: float | None
    candidate: float | None
    verdict: Verdict
    note: str = ""
    judges: bool = False


@dataclass(frozen=True, repr=False)
class Comparison:
    """What a comparison found.

    Attributes:
        baseline: The run that sets the mark; the mean of several baselines.
        candidate: The run that is judged.
        rows: The overall scores first, then the sequences in the baseline's order; empty where the runs cannot be
            compared.
        change: How the headline score moved, with its interval; None where no sequence has scores, as with tracks.
        baselines: How many runs the baseline is the mean of.
        error: Why the runs cannot be compared; None where they can.
    """

    baseline: Run
    candidate: Run
    rows: tuple[ComparisonRow, ...] = ()
    change: Change | None = None
    baselines: int = 1
    error: NotComparableError | None = field(default=None, compare=False)

    @property
    def verdict(self) -> OverallVerdict:
        """The whole in one word, as exit codes have it: `worse` is 1, `cannot be compared` is 2, the others are 0.

        It is `worse` where `is_worse`, and else `better` where an overall score rose or a sequence no longer fails.
        """
        if self.error is not None:
            return "cannot be compared"
        if self.is_worse:
            return "worse"
        gains = (Verdict.BETTER, Verdict.FIXED)
        rose = any(row.verdict in gains for row in self.rows if row.judges or row.verdict is Verdict.FIXED)
        return "better" if rose else "same"

    @property
    def heading(self) -> str:
        """What is judged, as it must stand beside every score.

        Method, weights where they are not its own, `untrained` where they were random, and data; and against what,
        where that is another.
        """
        ours, theirs = self.candidate.record.method.title, self.baseline.record.method.title
        return self.candidate.title + ("" if ours == theirs else f" against {theirs}")

    @property
    def is_worse(self) -> bool:
        """Whether a score that judges fell, or a sequence fails that did not.

        Without a tolerance for sequences, a lower score of a single sequence does not count.

        Raises NotComparableError where the runs cannot be compared.
        """
        return bool(self.failing("worse"))

    def failing(self, on: FailOn = "worse") -> tuple[ComparisonRow, ...]:
        """Return the rows for which the comparison fails: scores that judge, and sequences that fail in one run only.

        Raises:
            NotComparableError: The runs cannot be compared.
        """
        if self.error is not None:
            raise self.error
        return tuple(row for row in self.rows if _fails(row, on))

    @property
    def different_options(self) -> tuple[str, ...]:
        """The options in which the runs differ, each with both values."""
        return different_options(self.baseline.record, self.candidate.record)

    @property
    def changed_files(self) -> tuple[str, ...]:
        """The files beside one method that both runs read, or only one of them, and that held something else."""
        if self.candidate.record.method.name != self.baseline.record.method.name:
            return ()
        ours, theirs = _files(self.candidate), _files(self.baseline)
        return tuple(name for name in sorted({*ours, *theirs}) if ours.get(name) != theirs.get(name))

    def __repr__(self) -> str:
        """Return one line: what was compared, the verdict, and why there is none or how the headline score moved."""
        told = self.error or self.change
        return f"<Comparison of {self.heading}: {self.verdict}{f'; {told}' if told else ''}>"


def _files(run: Run) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for sequence in run.sequence_records.values():
        for name, value in sequence.method_files.items():
            found.setdefault(name, set()).add(value)
    return found


def _fails(row: ComparisonRow, on: FailOn) -> bool:
    if row.verdict is Verdict.NEWLY_FAILING or (row.verdict is Verdict.WORSE and row.judges):
        return True
    rose = row.verdict is Verdict.BETTER and row.judges and row.score != "FPS"
    return on == "changed" and (rose or row.verdict is Verdict.FIXED)
