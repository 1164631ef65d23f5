"""Whether two runs differ by more than the choice of sequences does: a paired bootstrap over the sequences of both."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.errors import NotComparableError
from vos_bench.metrics.protocols import scoring_protocol
from vos_bench.names import counted
from vos_bench.records import ObjectRecord, Run

RESAMPLES = 10_000
CONFIDENCE = 0.95
INTERVAL_RESAMPLES = 1_000
"""Of the interval of one score, whose means a protocol makes object by object."""
_SEED = 20200823
"""Fixed, so that the same two runs give the same interval every time."""


@dataclass(frozen=True)
class Change:
    """How the headline score moved from one run to another; fractions.

    Attributes:
        difference: Mean over the objects of all sequences that both runs scored, second run minus first.
        low: Lower end of the interval, by the percentile bootstrap (Efron & Tibshirani 1993, section 13.3).
        high: Its upper end.
        confidence: Confidence of the interval.
        sequences: Sequence to its own difference, the largest first, whichever its sign.
        resamples: How often sequences were drawn.
        score: Which score moved.
    """

    difference: float
    low: float
    high: float
    confidence: float
    sequences: Mapping[str, float]
    resamples: int
    score: str = "J&F"

    @property
    def has_interval(self) -> bool:
        """Whether the interval says anything: of one sequence, the same one is drawn each time."""
        return len(self.sequences) > 1

    @property
    def is_significant(self) -> bool:
        """Whether zero lies outside of an interval."""
        return self.has_interval and (self.low > 0 or self.high < 0)

    def __str__(self) -> str:
        if not self.has_interval:
            return f"{self.score} {100 * self.difference:+z.2f} points; one sequence gives no interval"
        verdict = "zero is outside" if self.is_significant else "zero is inside, so no difference is shown"
        return (
            f"{self.score} {100 * self.difference:+z.2f} points, {self.confidence:.0%} interval "
            f"{100 * self.low:+z.2f} to {100 * self.high:+z.2f}: {verdict} (paired bootstrap over "
            f"{counted(len(self.sequences), 'sequence')}, {self.resamples} resamples)"
        )


ScoresByObject = Mapping[str, Mapping[int, float]]
"""Sequence to object id to the headline score, a fraction."""


def change(first: Run, second: Run, *, resamples: int = RESAMPLES, confidence: float = CONFIDENCE) -> Change:
    """Return how the headline score moved from one run to another, with its interval; see `change_of_scores`.

    Args:
        first: The run that sets the mark.
        second: The run that is judged, made under the same rules on the same data.
        resamples: How often to draw.
        confidence: Confidence of the interval.

    Raises:
        NotComparableError: No sequence is scored in both with the same objects.
    """
    names = str(first.folder), str(second.folder)
    scores = object_scores(first), object_scores(second)
    return change_of_scores(*scores, names=names, score=first.headline, resamples=resamples, confidence=confidence)


def change_of_scores(
    first: ScoresByObject,
    second: ScoresByObject,
    *,
    names: tuple[str, str],
    score: str = "J&F",
    resamples: int = RESAMPLES,
    confidence: float = CONFIDENCE,
) -> Change:
    """Return how a score moved, with its interval.

    Whole sequences are drawn, since the objects of a sequence share its frames and their scores are not independent;
    as in a run's own score, each object of a drawn sequence counts once.

    Args:
        first: The scores that set the mark.
        second: Those that are judged, made under the same rules on the same data.
        names: Whose they are, for the message.
        score: Which score it is.
        resamples: How often to draw.
        confidence: Confidence of the interval.

    Raises:
        NotComparableError: No sequence is scored in both with the same objects.
    """
    differences = _differences(first, second)
    if not differences:
        raise NotComparableError(f"no sequence has scores both in {names[0]} and in {names[1]}")
    interval = bootstrap_mean([*differences.values()], resamples=resamples, confidence=confidence)
    own = {name: float(found.mean()) for name, found in differences.items()}
    return Change(
        difference=interval.mean,
        low=interval.low,
        high=interval.high,
        confidence=confidence,
        sequences=dict(sorted(own.items(), key=lambda item: -abs(item[1]))),
        resamples=resamples,
        score=score,
    )


class Interval(NamedTuple):
    """A mean over the objects of some sequences, and how far the choice of sequences may have moved it."""

    mean: float
    low: float
    high: float


def bootstrap_mean(
    values: Sequence[NDArray[np.float64]], *, resamples: int = RESAMPLES, confidence: float = CONFIDENCE
) -> Interval:
    """Return the mean of all values with its interval, by drawing whole sequences.

    Args:
        values: For each sequence, at least one, the values of its objects.
        resamples: How often to draw.
        confidence: Confidence of the interval.
    """
    sums = np.array([found.sum() for found in values])
    counts = np.array([found.size for found in values], dtype=np.float64)
    drawn = np.random.default_rng(_SEED).integers(len(sums), size=(resamples, len(sums)))
    same = bool((counts == counts[0]).all())  # as where each sequence has one object: then no counts need be drawn
    means = sums[drawn].sum(axis=1) / (counts.sum() if same else counts[drawn].sum(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(means, (tail, 1 - tail), method="linear")
    return Interval(float(sums.sum() / counts.sum()), float(low), float(high))


def score_interval(
    runs: Sequence[Run], score: str, *, resamples: int = INTERVAL_RESAMPLES, confidence: float = CONFIDENCE
) -> tuple[float, float] | None:
    """Return the interval of a run's score, or of the mean score of seeds: a bootstrap over sequences.

    Whole sequences are drawn, the same ones for every seed, and averaged as the protocol averages a run.

    Args:
        runs: One run, or several that differ in nothing but the seed; a sequence counts where all of them scored it.
        score: Which score.
        resamples: How often to draw.
        confidence: Confidence of the interval.

    Returns:
        Both ends, fractions; None for fewer than two sequences, or where the score is not one of single objects.
    """
    protocol = scoring_protocol(runs[0].record.protocol.name)
    names = [name for name in runs[0].sequence_records if all(run.has_scores(name) for run in runs)]
    if len(names) < 2 or protocol.tracks:
        return None
    objects = [[[_Scored.of(each) for each in run.sequence_records[name].scores] for name in names] for run in runs]
    drawn = np.random.default_rng(_SEED).integers(len(names), size=(resamples, len(names)))
    means = [
        np.mean([protocol.averaging.apply([x for i in draw for x in each[i]]).get(score, np.nan) for each in objects])
        for draw in drawn
    ]
    tail = (1 - confidence) / 2
    if np.isnan(means).all():
        return None
    low, high = np.nanquantile(means, (tail, 1 - tail), method="linear")
    return float(low), float(high)


@dataclass(frozen=True)
class _Scored:
    """An object's numbers, looked up once: every draw asks for them again."""

    group: str
    numbers: Mapping[str, float]

    @classmethod
    def of(cls, record: ObjectRecord) -> "_Scored":
        return cls(record.group, record.statistics())

    def statistics(self) -> Mapping[str, float]:
        """Return the numbers."""
        return self.numbers


def object_scores(run: Run) -> ScoresByObject:
    """Return the headline score of the objects of all sequences that ended well."""
    return {
        name: {each.object: each.value(run.object_score) for each in sequence.scores}
        for name, sequence in run.sequence_records.items()
        if sequence.status == "done"
    }


def _differences(first: ScoresByObject, second: ScoresByObject) -> dict[str, NDArray[np.float64]]:
    """Return the score of the second minus that of the first, by sequence and object."""
    found = {}
    for name, before in first.items():
        after = second.get(name, {})
        if before and before.keys() == after.keys():
            found[name] = np.array([after[key] - before[key] for key in before], dtype=np.float64)
    return found
