"""Calibration error of probabilities, against cases worked out by hand and a direct computation."""

import numpy as np
import pytest

from vos_bench.errors import BadInputError
from vos_bench.metrics.calibration import BINS, ProbabilityCounts, Reliability, surroundings


def bins_of(probability: list[float], truth: list[bool], **more: object) -> Reliability:
    counts = ProbabilityCounts()
    counts.add(np.array([probability], np.float16), np.array([truth]), **more)  # type: ignore[arg-type]
    return counts.reliability()


def test_sure_and_right_is_calibrated_and_sure_and_wrong_is_not() -> None:
    assert bins_of([1.0, 0.0], [True, False]).expected_error == 0
    wrong = bins_of([1.0, 1.0, 0.0, 0.0], [False, False, True, True])
    assert wrong.expected_error == 1
    assert wrong.overconfidence == 0, "too much here, too little there"


def test_half_sure_is_calibrated_where_half_is_right() -> None:
    assert bins_of([0.5] * 4, [True, True, False, False]).expected_error == 0
    claimed = bins_of([0.75] * 4, [True, False, False, False])
    assert claimed.expected_error == pytest.approx(0.5)
    assert claimed.overconfidence == pytest.approx(0.5)
    assert bins_of([0.25] * 2, [True, True]).overconfidence == pytest.approx(-0.75)


def test_bins_weigh_by_their_pixels() -> None:
    found = bins_of([1.0] * 9 + [0.0], [True] * 9 + [True])
    assert found.expected_error == pytest.approx(0.1)
    assert found.pixels.tolist() == [1] + [0] * (BINS - 2) + [9]
    assert np.isnan(found.share[1])


def test_it_equals_the_definition_on_any_values() -> None:
    generator = np.random.default_rng(5)
    probability = generator.random((40, 60)).astype(np.float16)
    truth = generator.random((40, 60)) < probability**2
    counts = ProbabilityCounts()
    for half in (slice(0, 20), slice(20, 40)):
        other = ProbabilityCounts()
        other.add(probability[half], truth[half])
        counts.merge(other)
    p = probability.astype(np.float64)
    expected = 0.0
    for k in range(BINS):
        inside = (p >= k / BINS) & ((p < (k + 1) / BINS) | (k == BINS - 1))
        expected += inside.sum() * abs(truth[inside].mean() - p[inside].mean())
    assert counts.reliability().expected_error == pytest.approx(expected / p.size, abs=1e-12)
    assert counts.reliability().overconfidence == pytest.approx(p.mean() - truth.mean(), abs=1e-12)


def test_a_large_frame_is_counted_whole() -> None:
    generator = np.random.default_rng(6)
    probability = generator.choice(np.array([0, 1, 0.25, 0.75], np.float16), (700, 190), p=(0.5, 0.3, 0.1, 0.1))
    truth, known = generator.random(probability.shape) < 0.4, generator.random(probability.shape) < 0.9
    counts = ProbabilityCounts()
    counts.add(probability[:, 5:], truth[:, 5:], known[:, 5:])
    found, chosen = counts.reliability(), known[:, 5:]
    bins = np.minimum((probability[:, 5:][chosen].astype(np.float64) * BINS).astype(int), BINS - 1)
    pixels = np.bincount(bins, minlength=BINS)
    assert found.pixels.tolist() == pixels.tolist()
    shares = np.bincount(bins, weights=truth[:, 5:][chosen], minlength=BINS)[pixels > 0] / pixels[pixels > 0]
    assert found.share[pixels > 0].tolist() == shares.tolist()


def test_undecided_pixels_do_not_count() -> None:
    known = np.array([[True, True, False]])
    assert bins_of([1.0, 0.0, 1.0], [True, False, False], known=known).expected_error == 0


def test_a_last_bit_above_one_is_one_and_anything_else_is_no_probability() -> None:
    assert bins_of([1.0009765625, -0.0], [True, False]).expected_error == 0
    for wrong in (1.01, -0.5, float("nan"), float("inf")):
        with pytest.raises(BadInputError, match="expected 0 to 1: a method gives probabilities after the sigmoid"):
            bins_of([0.5, wrong], [True, False])


def test_without_pixels_there_is_no_error() -> None:
    assert np.isnan(ProbabilityCounts().reliability().expected_error)


def test_the_box_around_an_object_is_widened_and_stays_in_the_frame() -> None:
    mask = np.zeros((40, 60), np.bool_)
    assert surroundings(mask) is None
    mask[10:21, 20:23] = True
    assert surroundings(mask) == (slice(7, 24), slice(17, 26))  # a quarter of 11 pixels are 3
    mask[:] = True
    down, across = surroundings(mask) or (slice(0), slice(0))
    assert mask[down, across].shape == (40, 60)
