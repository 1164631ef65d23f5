"""The mean and the spread of several runs of one method that differ only in their seeds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean, stdev

from vos_bench.comparing.verdicts import DEFAULT_TOLERANCE, require_comparable
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.metrics.statistics import STATISTICS
from vos_bench.records import FrameScores, ObjectRecord, Run, SequenceRecord
from vos_bench.records.summary import run_scores, sequence_score

MULTIPLE = 3.0
"""How many sample standard deviations a score may lie from the mean unless the user says otherwise."""


@dataclass(frozen=True)
class Spread:
    """Several runs of one method, as one.

    Attributes:
        mean: A run whose scores are the means over the runs, object by object. It has no FPS.
        runs: How many there are.
        overall: Score name to the sample standard deviation (n - 1) of the runs' overall scores.
        sequences: Sequence to that of its headline score.
    """

    mean: Run
    runs: int
    overall: Mapping[str, float]
    sequences: Mapping[str, float]

    def tolerances(self, multiple: float = MULTIPLE) -> tuple[dict[str, float], dict[str, float]]:
        """Return tolerances for the overall scores and for the sequences: `multiple` standard deviations each.

        At least `DEFAULT_TOLERANCE`: seeds that happen to agree do not make the last bits of a score matter.

        Raises:
            BadInputError: `multiple` is not a positive number.
        """
        if not 0 < multiple < math.inf:
            raise BadInputError(f"--tolerance spread={multiple}: expected a number above 0")
        overall, sequences = (
            {name: max(multiple * deviation, DEFAULT_TOLERANCE) for name, deviation in found.items()}
            for found in (self.overall, self.sequences)
        )
        return overall, sequences


def spread(runs: Sequence[Run]) -> Spread:
    """Return the mean and the spread of runs that differ by their seeds.

    Args:
        runs: At least two, of one method on the same data under the same rules. A sequence counts where all of them
            have scores of the same objects.

    Raises:
        BadInputError: There are fewer than two.
        NotComparableError: Method, data, rules or all sequences differ, or two have the same seed.
    """
    if len(runs) < 2:
        raise BadInputError(
            "--tolerance spread: found one baseline, expected several with different seeds, as `vos-bench run "
            "--seeds 0,1,2` makes them"
        )
    _require_one_method(runs)
    if scoring_protocol(runs[0].record.protocol.name).tracks:
        return _spread_of_tracks(runs)
    common = [name for name in runs[0].sequence_records if _same_objects(runs, name)]
    if not common:
        raise NotComparableError("no sequence has scores of the same objects in all baselines")
    totals = [
        run_scores((each for name in common for each in run.sequence_records[name].scores), run.record.protocol.name)
        for run in runs
    ]
    sequences = {
        name: stdev(sequence_score(run.sequence_records[name], run.headline) for run in runs) for name in common
    }
    averaged = {name: _average(runs, name) if name in common else _failed(name) for name in runs[0].sequence_records}
    return Spread(
        mean=replace(runs[0], record=runs[0].record.replace(timing=None), sequence_records=averaged),
        runs=len(runs),
        overall={
            score: stdev(found[score] for found in totals)
            for score in totals[0]
            if not any(math.isnan(found[score]) for found in totals)
        },
        sequences=sequences,
    )


def _spread_of_tracks(runs: Sequence[Run]) -> Spread:
    """Return mean and spread of scores that are of all sequences together. Raises NotComparableError."""
    first = runs[0].record
    if any(not run.record.scores or run.record.dataset.sequences != first.dataset.sequences for run in runs):
        raise NotComparableError("some baseline has no scores of tracks, or scores of other sequences")
    names = [name for name in first.scores if all(name in run.record.scores for run in runs)]
    values = {name: [run.record.scores[name] for run in runs] for name in names}
    means = {name: fmean(found) for name, found in values.items()}
    return Spread(
        mean=replace(runs[0], record=first.replace(timing=None, scores=means)),
        runs=len(runs),
        overall={name: stdev(found) for name, found in values.items()},
        sequences={},
    )


def _require_one_method(runs: Sequence[Run]) -> None:
    first = runs[0].record
    for run in runs[1:]:
        require_comparable(first, run.record)
        if run.record.method.name != first.method.name:
            raise NotComparableError(
                f"{runs[0].folder} is of {first.method.name}, {run.folder} of {run.record.method.name}; "
                "the spread over seeds is that of one method"
            )
    seeds = [run.record.seed for run in runs]
    if len(set(seeds)) < len(seeds):
        raise NotComparableError(
            f"the baselines have the seeds {', '.join(map(str, seeds))}; expected each seed once, for "
            "the same seed twice shows no spread"
        )


def _same_objects(runs: Sequence[Run], name: str) -> bool:
    if not all(run.has_scores(name) for run in runs):
        return False
    return len({tuple(each.object for each in run.sequence_records[name].scores) for run in runs}) == 1


def _average(runs: Sequence[Run], name: str) -> SequenceRecord:
    rows = zip(*(run.sequence_records[name].scores for run in runs), strict=True)
    return SequenceRecord(name=name, status="done", scores=tuple(_mean_object(row) for row in rows))


def _mean_object(row: tuple[ObjectRecord, ...]) -> ObjectRecord:
    rows = [each.statistics() for each in row]
    means = {name: fmean(values[name] for values in rows) for name in rows[0] if all(name in each for each in rows)}
    return ObjectRecord(
        object=row[0].object,
        name=row[0].name,
        group=row[0].group,
        per_frame=_mean_frames(row),
        extra={name: value for name, value in means.items() if name not in STATISTICS},
        J=means["J"],
        J_recall=means["J_recall"],
        J_decay=means["J_decay"],
        F=means.get("F"),
        F_recall=means.get("F_recall"),
        F_decay=means.get("F_decay"),
    )


def _mean_frames(row: tuple[ObjectRecord, ...]) -> FrameScores:
    """Return the means frame by frame; nothing where the runs scored other frames."""
    frames = {each.per_frame.frame for each in row}
    if len(frames) > 1:
        return FrameScores()
    J, F = (
        tuple(fmean(values) for values in zip(*(getattr(each.per_frame, measure) for each in row), strict=True))
        for measure in ("J", "F")
    )
    return FrameScores(frame=frames.pop(), J=J, F=F)


def _failed(name: str) -> SequenceRecord:
    return SequenceRecord(name=name, status="failed", error="not scored in every baseline")
