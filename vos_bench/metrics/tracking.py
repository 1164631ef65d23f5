"""HOTA, OWTA and AP of tracks, as TrackEval defines them.

Sources: Luiten et al., "HOTA: A Higher Order Metric for Evaluating Multi-object Tracking", IJCV 2021; Liu et al.,
"Opening up Open-World Tracking", CVPR 2022 (OWTA); Dave et al., "TAO", ECCV 2020 (AP of tracks).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

Floats = NDArray[np.float64]

ALPHAS: Floats = np.arange(0.05, 0.99, 0.05)
"""The 19 similarities from which on a detection matches."""

EPSILON = float(np.finfo(np.float64).eps)


@dataclass(frozen=True)
class FrameMatches:
    """The detections of one class on one frame.

    Attributes:
        truth: The true tracks that are there, as numbers from 0 on in their video.
        found: The predicted ones, likewise.
        similarity: True x predicted, from 0 to 1.
    """

    truth: NDArray[np.intp]
    found: NDArray[np.intp]
    similarity: Floats


@dataclass
class HotaCounts:
    """What HOTA adds up over videos, for each of `ALPHAS`."""

    hits: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))
    misses: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))
    false: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))
    association: Floats = field(default_factory=lambda: np.zeros(len(ALPHAS)))

    def add(self, other: "HotaCounts") -> None:
        """Add the counts of another video; its association weighs as much as its hits."""
        self.hits += other.hits
        self.misses += other.misses
        self.false += other.false
        self.association += other.association * other.hits

    def scores(self) -> dict[str, float]:
        """Return the scores of summed counts, each the mean over `ALPHAS`."""
        association = self.association / np.maximum(1, self.hits)
        recall = self.hits / np.maximum(1, self.hits + self.misses)
        detection = self.hits / np.maximum(1, self.hits + self.misses + self.false)
        values = {
            "HOTA": np.sqrt(detection * association),
            "DetA": detection,
            "AssA": association,
            "DetRe": recall,
            "OWTA": np.sqrt(recall * association),
        }
        return {name: float(value.mean()) for name, value in values.items()}


def count_hota(frames: Sequence[FrameMatches]) -> HotaCounts:
    """Count the hits of one class in one video, and how well tracks hold together."""
    counts = HotaCounts()
    truth = np.concatenate([np.empty(0, np.intp), *(frame.truth for frame in frames)])
    found = np.concatenate([np.empty(0, np.intp), *(frame.found for frame in frames)])
    if not len(truth) or not len(found):
        counts.misses += len(truth)
        counts.false += len(found)
        return counts
    pairs = (np.bincount(truth)[:, None] + np.bincount(found)[None]).astype(np.float64)
    alignment = _alignment(frames, pairs)
    matched = np.zeros((len(ALPHAS), *pairs.shape))
    for frame in frames:
        scores = alignment[np.ix_(frame.truth, frame.found)] * frame.similarity
        rows, columns = linear_sum_assignment(-scores)
        for i, alpha in enumerate(ALPHAS):
            close = frame.similarity[rows, columns] >= alpha - EPSILON
            hits = int(np.count_nonzero(close))
            counts.hits[i] += hits
            counts.misses[i] += len(frame.truth) - hits
            counts.false[i] += len(frame.found) - hits
            matched[i, frame.truth[rows[close]], frame.found[columns[close]]] += 1
    association = matched / np.maximum(1, pairs - matched)
    counts.association = (matched * association).sum(axis=(1, 2)) / np.maximum(1, counts.hits)
    return counts


def _alignment(frames: Sequence[FrameMatches], pairs: Floats) -> Floats:
    """Return how well each pair of tracks fits over the whole video, by which frames are then matched."""
    potential = np.zeros(pairs.shape)
    for frame in frames:
        similarity = frame.similarity
        whole = similarity.sum(axis=0)[None] + similarity.sum(axis=1)[:, None] - similarity
        potential[np.ix_(frame.truth, frame.found)] += np.divide(
            similarity, whole, out=np.zeros(whole.shape), where=whole > EPSILON
        )
    alignment: Floats = potential / (pairs - potential)
    return alignment


AP_THRESHOLDS: Floats = np.arange(0.5, 0.96, 0.05)
"""The overlaps of whole tracks from which on a predicted track is right."""

RECALLS: Floats = np.linspace(0.0, 1.0, 101)


@dataclass(frozen=True)
class TrackMatches:
    """The whole tracks of one class in one video.

    Attributes:
        overlaps: Predicted x true: pixels in both, summed over frames, over pixels in either.
        scores: How sure each prediction is; the surest comes first.
        ignored: Whether predictions that match nothing do not count.
    """

    overlaps: Floats
    scores: Floats
    ignored: bool = False


def average_precision(videos: Iterable[TrackMatches]) -> float:
    """Return the AP of one class: precision at 101 recalls, over `AP_THRESHOLDS`; at least one true track is needed."""
    videos = list(videos)
    order = np.argsort(-np.concatenate([video.scores for video in videos]), kind="stable")
    truths = sum(video.overlaps.shape[1] for video in videos)
    precisions = []
    for threshold in AP_THRESHOLDS:
        hits = np.concatenate([_hits(video.overlaps, float(threshold)) for video in videos])[order]
        ignored = np.concatenate([np.full(len(video.scores), video.ignored) for video in videos])[order]
        precisions.append(_precision_at_recalls(hits, ~hits & ~ignored, truths).mean())
    return float(np.mean(precisions))


def _hits(overlaps: Floats, threshold: float) -> NDArray[np.bool_]:
    """Give each prediction, the surest first, the free true track that it overlaps most."""
    free = np.ones(overlaps.shape[1], np.bool_)
    hits = np.zeros(len(overlaps), np.bool_)
    for place, row in enumerate(overlaps):
        fitting = np.where(free & (row >= min(threshold, 1 - 1e-10) - EPSILON), row, -1.0)
        if fitting.max(initial=-1.0) >= 0:
            free[int(fitting.argmax())] = False
            hits[place] = True
    return hits


def _precision_at_recalls(hits: NDArray[np.bool_], misses: NDArray[np.bool_], truths: int) -> Floats:
    right, wrong = np.cumsum(hits).astype(np.float64), np.cumsum(misses).astype(np.float64)
    precision = right / (right + wrong + np.spacing(1))
    envelope = np.maximum.accumulate(precision[::-1])[::-1]
    places = np.searchsorted(right / truths, RECALLS, side="left")
    return np.append(envelope, 0.0)[np.minimum(places, len(envelope))]
