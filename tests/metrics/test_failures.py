"""Failure measures of vos-bench and of VOTS, on sequences small enough to work out by hand."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.metrics.failures import (
    FAILURE_MEASURES,
    VOTS_MEASURES,
    FailureSpan,
    ObjectFailures,
    ObjectFrames,
    VotsCounts,
    failures,
    mean_failures,
    vots_means,
    vots_object,
)
from vos_bench.metrics.overlaps import NO_OVERLAP, OverlapCounter


def regions(text: str, height: int = 4) -> list[NDArray[np.uint8]]:
    """Return a label map a word: its characters are columns, `height` pixels high in 10 rows."""
    found = []
    for word in text.split():
        labels = np.zeros((10, len(word)), np.uint8)
        labels[:height] = [int(each) for each in word]
        found.append(labels)
    return found


def of_object(truth: str, masks: str, *, k: int = 1, start: int = 0, places: Any = None) -> ObjectFrames:
    counter, rows, several = OverlapCounter(), [], set()
    true, found = regions(truth), regions(masks)
    at = np.arange(len(true)) if places is None else np.array(places)
    for i, (one, other) in enumerate(zip(true, found, strict=True)):
        numbers = counter.count(one, other, follows=bool(i and at[i] == at[i - 1] + 1))
        several |= {label for label, each in numbers.items() if each.truth_area}
        rows.append(numbers.get(k, NO_OVERLAP))
    names = tuple(f"{i:05d}" for i in at)
    return ObjectFrames(k, names, np.array(rows, np.int64), start, at, several=len(several) > 1)


def test_a_perfect_mask_fails_at_nothing() -> None:
    clip = "110000 110000 000000 001100"
    found = failures(of_object(clip, clip))
    assert found.values == {
        "missed": 0.0,
        "drift": 0.0,
        "false reports": 0.0,
        "recovery": 0.0,
        "flicker": 0.0,
        "boundary IoU": 1.0,
    }
    assert found.missing == {"identity switches": "one object"}
    assert found.spans == ()


def test_missed_and_drift_share_the_frames_on_which_the_object_is_not_held() -> None:
    truth = "1111000000 1111000000 1111000000 1111000000 1111000000"
    masks = "1111000000 0000000000 0000011110 1111111110 0000000000"
    found = failures(of_object(truth, masks))
    assert (found.values["missed"], found.values["drift"]) == (2 / 4, 1 / 4)
    assert found.spans == (FailureSpan("missed", 1, 1), FailureSpan("drift", 2, 2), FailureSpan("missed", 4, 4))


def test_a_bit_of_the_object_is_a_miss_and_a_mask_mostly_off_it_is_drift() -> None:
    truth = "11111111111100000000 11111111111100000000 11111111111100000000"
    masks = "11111111111100000000 10000000000000000000 10000000000000000011"
    found = failures(of_object(truth, masks))  # J is 1/12 and 1/14
    assert (found.values["missed"], found.values["drift"]) == (1 / 2, 1 / 2)


def test_a_report_in_absence_is_false_and_a_method_has_to_find_what_returns() -> None:
    truth = "1100 1100 0000 0000 1100 1100 1100 0000 1100 1100"
    masks = "1100 1100 0011 0000 0000 0011 1100 0000 0000 0000"
    found = failures(of_object(truth, masks))
    assert found.values["false reports"] == 1 / 3
    assert found.values["recovery"] == (2 + 2) / 2, "held two frames later, and never in two frames"
    assert found.lost_returns == 1
    assert [span.kind for span in found.spans] == ["false report", "missed", "drift", "missed"]


def test_recovery_counts_frames_of_the_video() -> None:
    found = failures(of_object("1100 0000 1100 1100", "1100 0000 0000 1100", places=[0, 5, 10, 15]))
    assert found.values["recovery"] == 5
    assert found.missing["flicker"] == "sparse truth"


def test_a_mask_that_goes_over_to_another_object_switches_identity_once() -> None:
    truth = "110220 110220 110220 110220 110220 110220"
    masks = "110000 000110 000110 110000 000110 000000"
    found = failures(of_object(truth, masks))
    assert found.values["identity switches"] == 2
    assert [span.first for span in found.spans if span.kind == "identity switch"] == [1, 4]


def test_flicker_is_the_share_of_the_mask_that_changes_where_the_truth_does_not() -> None:
    truth = "111100 111100 111100 011110"
    masks = "111100 111100 111110 011110"
    found = failures(of_object(truth, masks))
    # of frames 1 and 2, five columns in either mask, one changes alone; of 2 and 3 again five, and the one that is lost
    # is lost in the truth too
    assert found.values["flicker"] == pytest.approx((1 / 5 + 0) / 2)


def test_what_cannot_be_measured_says_why() -> None:
    assert failures(of_object("1100", "1100")).missing["missed"] == "no frame"
    never_back = failures(of_object("1100 0000 0000", "1100 0000 0000")).missing
    assert never_back == {
        "missed": "never present",
        "drift": "never present",
        "recovery": "no return",
        "identity switches": "one object",
        "flicker": "no mask",
        "boundary IoU": "never present",
    }
    assert failures(of_object("1100 1100", "1100 1100")).missing["false reports"] == "no absence"


def test_an_object_that_is_given_on_the_last_frame_has_no_value_at_all() -> None:
    found = failures(of_object("1122 1122", "1122 1122", start=1))
    assert found.values == {}
    assert set(found.missing.values()) == {"no frame"}


def test_one_frame_after_the_start_is_too_few_for_flicker_but_not_sparse() -> None:
    assert failures(of_object("1100 1100", "1100 1100")).missing["flicker"] == "one frame"
    sparse = of_object("1100 1100 1100", "1100 1100 1100", places=[0, 5, 10])
    assert failures(sparse).missing["flicker"] == "sparse truth"


def test_a_frame_before_the_object_is_given_does_not_count() -> None:
    found = failures(of_object("0000 0000 1100 1100", "0011 0011 0000 1100", start=2))
    assert found.values["missed"] == 0
    assert found.missing["false reports"] == "no absence"
    assert found.missing["recovery"] == "no return", "its first appearance is no return"


def test_means_are_over_the_objects_that_have_a_value() -> None:
    objects = [ObjectFailures(1, {"missed": 0.5}, {}), ObjectFailures(2, {"missed": 0.0, "drift": 1.0}, {})]
    assert mean_failures(objects) == {"missed": 0.25, "drift": 1.0}


def test_vots_counts_the_frame_on_which_the_object_is_given_as_one_without_a_mask() -> None:
    truth = "111100 111100 111100 111100 000000 000000"
    masks = "111100 011110 000000 000011 000000 110000"
    found = vots_object(of_object(truth, masks))
    overlap = 12 / 20  # three of four columns; five in either
    assert found == VotsCounts(
        quality=pytest.approx((0 + overlap + 0 + 0 + 1 + 0) / 6),
        accuracy=pytest.approx((0 + overlap) / 2),
        tracked=1,
        drifted=1,
        missed=2,
        false=1,
        noticed=1,
    )
    assert found.scores() == {"Q": found.quality, "Acc": found.accuracy, "Rob": 1 / 4, "NRE": 2 / 4, "DRE": 1 / 4}


def test_vots_takes_a_region_of_one_column_for_none() -> None:
    found = vots_object(of_object("1100 1100 1000", "1100 1000 1000"))
    assert (found.missed, found.noticed, found.tracked) == (2, 1, 0)


def test_vots_absence_needs_more_than_ten_frames() -> None:
    counts = VotsCounts(0.5, 0.5, 1, 0, 0, false=3, noticed=7)
    assert "ADQ" not in counts.scores()
    assert counts._replace(noticed=8).scores()["ADQ"] == 8 / 11


def test_vots_means_are_over_objects_and_then_over_sequences() -> None:
    one, two = VotsCounts(0.2, 0.4, 1, 0, 1, 0, 0), VotsCounts(0.4, 0.6, 0, 1, 1, 0, 20)
    alone = VotsCounts(0.9, 0.8, 2, 0, 0, 0, 0)
    found = vots_means([[one, two], [alone]])
    assert found == {
        "Q": pytest.approx((0.3 + 0.9) / 2),
        "Acc": pytest.approx((0.5 + 0.8) / 2),
        "Rob": pytest.approx((0.25 + 1) / 2),
        "NRE": pytest.approx((0.5 + 0) / 2),
        "DRE": pytest.approx((0.25 + 0) / 2),
        "ADQ": 1.0,
    }


def test_every_measure_says_its_range_and_direction() -> None:
    for measure in (*FAILURE_MEASURES, *VOTS_MEASURES):
        assert measure.text
        assert measure.lowest == 0
    better = {measure.name for measure in (*FAILURE_MEASURES, *VOTS_MEASURES) if measure.higher_is_better}
    assert better == {"boundary IoU", "Q", "Acc", "Rob", "ADQ"}
