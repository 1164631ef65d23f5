"""From the numbers of objects to the scores of a run: one function for each way in which benchmarks average."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Protocol

import numpy as np

from vos_bench.metrics.statistics import SCORES as SCORES
from vos_bench.metrics.statistics import Rule, mean_of_statistics

GROUPS = ("seen", "unseen")

GROUP_SCORES = tuple(f"{measure}_{group}" for measure in ("J", "F") for group in GROUPS)
"""The means of J and F over the objects of each group; their mean is G."""


class ScoredObject(Protocol):
    """What averaging asks of an object."""

    @property
    def group(self) -> str | None:
        """`seen`, `unseen`, or nothing where there are no groups."""

    def statistics(self) -> Mapping[str, float]:
        """Return its numbers by name; one that it does not have is not there."""


AveragingRule = Rule[Callable[[Sequence[ScoredObject]], dict[str, float]]]
"""Returns scores by name from the numbers of all objects, at least one; NaN for a mean over nothing."""


def davis_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return the mean of every statistic over all objects, and J&F."""
    return mean_of_statistics([each.statistics() for each in objects])


def youtube_vos_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return what `davis_means` returns; with objects of both groups also `GROUP_SCORES` and G, the mean of these."""
    scores = davis_means(objects)
    groups = {group: [each.statistics() for each in objects if each.group == group] for group in GROUPS}
    if not all(groups.values()):
        return scores
    means = {group: mean_of_statistics(rows) for group, rows in groups.items()}
    by_group = {f"{measure}_{group}": means[group][measure] for measure in ("J", "F") for group in GROUPS}
    return {**scores, "G": sum(by_group.values()) / len(by_group), **by_group}


def plain_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return the means of J and F over all objects, and J&F."""
    means = {name: _mean_over(objects, name) for name in ("J", "F")}
    return {"J&F": (means["J"] + means["F"]) / 2, **means}


def mosev2_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return MOSEv2's means over all objects, of its sub-scores over those that have one; NaN where none has."""
    means = {name: _mean_over(objects, name) for name in ("J", "F", "F_dot", *ABSENCE_SCORES)}
    return {**means, "J&F": (means["J"] + means["F"]) / 2, "J&F_dot": (means["J"] + means["F_dot"]) / 2}


ABSENCE_SCORES = ("J&F_dot_disappear", "J&F_dot_reappear")


def lvos_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return LVOS's means: of the seen, of the unseen, and the mean of both; NaN where a group has no object."""
    scores: dict[str, float] = {}
    for measure in ("J", "F", "V"):
        by_group = {
            f"{measure}_{group}": _mean_over([each for each in objects if each.group == group], measure)
            for group in GROUPS
        }
        scores |= {measure: sum(by_group.values()) / len(by_group), **by_group}
    return {"J&F": (scores["J"] + scores["F"]) / 2, **scores}


def vost_means(objects: Sequence[ScoredObject]) -> dict[str, float]:
    """Return the means of J and J_last, of their recall and decay, over all objects."""
    names = [f"{measure}{suffix}" for measure in ("J", "J_last") for suffix in ("", "_recall", "_decay")]
    return {name: _mean_over(objects, name) for name in names}


def _mean_over(objects: Iterable[ScoredObject], name: str) -> float:
    values = [found[name] for each in objects if name in (found := each.statistics())]
    return float(np.mean(values)) if values else float("nan")


MEAN_OVER_OBJECTS: AveragingRule = Rule(
    "mean over the frames of each object, then over the objects of all sequences; J&F = (J + F) / 2",
    youtube_vos_means,  # which adds G wherever a dataset has both groups
)
BY_SEEN_AND_UNSEEN: AveragingRule = Rule(
    f"{MEAN_OVER_OBJECTS.text}; G = mean of J and F of the seen and the unseen objects", youtube_vos_means
)
