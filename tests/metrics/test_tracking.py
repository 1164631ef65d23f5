"""HOTA, OWTA and AP of made-up tracks, with values worked out by hand."""

from collections.abc import Sequence

import numpy as np
import pytest

from vos_bench.metrics.tracking import FrameMatches, HotaCounts, TrackMatches, average_precision, count_hota

Frame = tuple[Sequence[int], Sequence[int], Sequence[Sequence[float]]]


def hota(*frames: Frame) -> HotaCounts:
    """Count the frames of one video: the true tracks of each, the found ones, and the similarity of each pair."""
    total = HotaCounts()
    total.add(count_hota([_matches(*frame) for frame in frames]))
    return total


def _matches(truth: Sequence[int], found: Sequence[int], similarity: Sequence[Sequence[float]]) -> FrameMatches:
    table = np.array(similarity, np.float64).reshape(len(truth), len(found))
    return FrameMatches(np.array(truth, np.intp), np.array(found, np.intp), table)


BOTH: Frame = ([0], [0], [[1.0]])


def test_a_track_that_is_found_whole_scores_one() -> None:
    scores = hota(BOTH, BOTH, BOTH).scores()
    assert scores == {"HOTA": 1, "DetA": 1, "AssA": 1, "DetRe": 1, "OWTA": 1}


def test_a_track_that_is_cut_in_two_is_detected_whole_and_associated_by_half() -> None:
    # Each of the four hits shares its pair of tracks with one other: 2 / (4 + 2 - 2) = 1/2.
    scores = hota(BOTH, BOTH, ([0], [1], [[1.0]]), ([0], [1], [[1.0]])).scores()
    assert scores["DetA"] == 1
    assert scores["AssA"] == 0.5
    assert scores["HOTA"] == pytest.approx(0.5**0.5)


def test_a_detection_counts_up_to_the_threshold_that_it_meets() -> None:
    # 0.5 meets 0.05, 0.1, …, 0.5: 10 of the 19 thresholds.
    scores = hota(([0], [0], [[0.5]])).scores()
    assert scores["HOTA"] == scores["DetA"] == scores["AssA"] == pytest.approx(10 / 19)


def test_misses_and_false_detections_cost_detection_and_association() -> None:
    # One hit, one miss, one false: DetA 1/3. The pair has 1 of 2 + 2 - 1 detections in common: AssA 1/3.
    scores = hota(BOTH, ([0], [], []), ([], [0], [])).scores()
    assert scores["DetA"] == pytest.approx(1 / 3)
    assert scores["AssA"] == pytest.approx(1 / 3)
    assert scores["HOTA"] == pytest.approx(1 / 3)
    assert scores["DetRe"] == 0.5
    assert scores["OWTA"] == pytest.approx((1 / 6) ** 0.5)


def test_tracks_that_exchange_their_masks_keep_their_detections() -> None:
    # Four frames of two tracks, crossed from the third on: each of the 8 hits has 2 / (4 + 4 - 2) = 1/3.
    straight: Frame = ([0, 1], [0, 1], [[1.0, 0.0], [0.0, 1.0]])
    crossed: Frame = ([0, 1], [0, 1], [[0.0, 1.0], [1.0, 0.0]])
    scores = hota(straight, straight, crossed, crossed).scores()
    assert scores["DetA"] == 1
    assert scores["AssA"] == pytest.approx(1 / 3)


def test_a_frame_is_matched_as_the_whole_video_suggests() -> None:
    # On the third frame both predictions fit; the one that has followed the track keeps it: one pair, 3 / (3 + 3 - 3).
    counts = hota(BOTH, BOTH, ([0], [0, 1], [[0.8, 0.8]]))
    assert counts.hits[0] == 3
    assert counts.false[0] == 1
    assert counts.association[0] == 3
    # From 0.85 on (3 of 19 thresholds) the third frame has no match: 2 hits of 3 + 3 - 2 = 4 detections.
    assert counts.scores()["AssA"] == pytest.approx((16 * 1 + 3 * 0.5) / 19)


def test_no_detections_on_either_side_count_what_is_there() -> None:
    missed = hota(([0, 1], [], []), ([0], [], []))
    assert (missed.misses == 3).all()
    assert missed.scores() == dict.fromkeys(("HOTA", "DetA", "AssA", "DetRe", "OWTA"), 0.0)
    false = hota(([], [0], []), ([], [0, 1], []))
    assert (false.false == 3).all()
    assert false.scores()["DetA"] == 0
    assert hota().scores()["HOTA"] == 0


def test_videos_are_summed_and_their_association_weighs_as_much_as_their_hits() -> None:
    total = HotaCounts()
    cut = [BOTH, BOTH, ([0], [1], [[1.0]]), ([0], [1], [[1.0]])]
    total.add(count_hota([_matches(*frame) for frame in cut]))  # 4 hits, association 1/2
    total.add(count_hota([_matches(*BOTH)]))  # 1 hit, association 1
    scores = total.scores()
    assert scores["AssA"] == pytest.approx((4 * 0.5 + 1) / 5)
    assert scores["HOTA"] == pytest.approx(0.6**0.5)
    total.add(count_hota([_matches([0], [], [])]))  # 1 miss
    assert total.scores()["DetA"] == pytest.approx(5 / 6)


def tracks(
    overlaps: Sequence[Sequence[float]], scores: Sequence[float], *, truths: int = 1, ignored: bool = False
) -> TrackMatches:
    table = np.array(overlaps, np.float64).reshape(len(scores), truths)
    return TrackMatches(table, np.array(scores, np.float64), ignored)


@pytest.mark.parametrize(
    ("overlap", "share"),
    [(1.0, 1.0), (0.72, 0.5), (0.5, 0.1), (0.49, 0.0)],  # 0.72 meets 0.5, 0.55, 0.6, 0.65 and 0.7 of ten thresholds
)
def test_the_precision_of_one_track_is_the_share_of_thresholds_that_it_meets(overlap: float, share: float) -> None:
    assert average_precision([tracks([[overlap]], [1.0])]) == pytest.approx(share)


def test_a_surer_wrong_track_halves_the_precision_unless_its_class_is_not_exhaustive() -> None:
    videos = [[0.1], [0.92]], [0.9, 0.8]  # the right one meets 9 of ten thresholds
    assert average_precision([tracks(*videos)]) == pytest.approx(9 / 10 / 2)
    assert average_precision([tracks(*videos, ignored=True)]) == pytest.approx(9 / 10)


def test_a_track_that_is_missed_leaves_recall_at_one_half() -> None:
    # Precision is 1 at the recalls 0, 0.01, …, 0.5: 51 of 101.
    assert average_precision([tracks([[1.0, 0.0]], [1.0], truths=2)]) == pytest.approx(51 / 101)
    assert average_precision([tracks([[1.0]], [1.0]), tracks([], [])]) == pytest.approx(51 / 101)


def test_two_tracks_on_one_truth_are_one_hit_and_one_mistake() -> None:
    # At recall 1 after the first: the second costs nothing, since nothing is left to recall.
    assert average_precision([tracks([[1.0], [1.0]], [0.9, 0.8])]) == pytest.approx(1.0)


def test_the_surest_comes_first_over_all_videos() -> None:
    right, wrong = tracks([[1.0]], [0.5]), tracks([[0.0]], [0.9])
    assert average_precision([right, wrong]) == pytest.approx(51 / 101 / 2)
