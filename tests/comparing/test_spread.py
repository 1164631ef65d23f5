"""Tolerances from runs with different seeds."""

from collections.abc import Callable
from dataclasses import replace
from statistics import stdev

import pytest

from vos_bench.comparing.comparison import OVERALL, Verdict
from vos_bench.comparing.spread import spread
from vos_bench.comparing.verdicts import DEFAULT_TOLERANCE, judge
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import Run

MakeRun = Callable[..., Run]


@pytest.fixture
def seeds(make_run: MakeRun) -> list[Run]:
    scores = [(0.80, 0.60), (0.82, 0.66), (0.84, 0.60)]
    return [make_run({"a": (a, a), "b": (b, b)}, seed=seed) for seed, (a, b) in enumerate(scores)]


def test_the_mark_is_the_mean_and_the_deviation_that_of_a_sample(seeds: list[Run]) -> None:
    found = spread(seeds)
    assert found.runs == 3
    assert pytest.approx(0.82) == found.mean.sequence_records["a"].scores[0].J
    assert found.sequences["a"] == pytest.approx(stdev([0.80, 0.82, 0.84]))
    assert found.overall["J&F"] == pytest.approx(stdev([0.70, 0.74, 0.72]))


def test_a_run_within_the_multiple_passes_and_one_beyond_it_fails(seeds: list[Run], make_run: MakeRun) -> None:
    found = spread(seeds)  # mean 0.72, deviation 0.02
    overall, by_sequence = found.tolerances(2)
    scores = ("J&F", "J", "F")

    def verdict(a: float, b: float) -> list[Verdict]:
        rows = judge(found.mean, make_run({"a": (a, a), "b": (b, b)}), tolerances=overall, by_sequence=by_sequence)
        return [row.verdict for row in rows if row.subject == OVERALL and row.score in scores]

    assert verdict(0.79, 0.58) == [Verdict.SAME] * 3  # 0.685
    assert verdict(0.78, 0.57) == [Verdict.WORSE] * 3  # 0.675


def test_a_sequence_has_a_tolerance_of_its_own(seeds: list[Run], make_run: MakeRun) -> None:
    found = spread(seeds)
    overall, by_sequence = found.tolerances(2)
    fell = make_run({"a": (0.77, 0.77), "b": (0.57, 0.57)})  # a: 2.5 deviations of its 0.02; b: 1.4 of its 0.035
    rows = judge(found.mean, fell, tolerances=overall, by_sequence=by_sequence)
    assert {row.subject: row.verdict for row in rows if row.subject != OVERALL} == {
        "a": Verdict.WORSE,
        "b": Verdict.SAME,
    }


def test_seeds_that_agree_leave_the_usual_tolerance(make_run: MakeRun) -> None:
    same = [make_run({"a": (0.8, 0.8)}, seed=seed) for seed in (0, 1)]
    overall, by_sequence = spread(same).tolerances()
    assert set(overall.values()) == set(by_sequence.values()) == {DEFAULT_TOLERANCE}


def test_a_sequence_that_fails_with_one_seed_sets_no_mark(make_run: MakeRun) -> None:
    found = spread([make_run({"a": (0.8, 0.8), "b": b}, seed=seed) for seed, b in enumerate([None, (0.1, 0.1)])])
    assert found.mean.sequence_records["b"].status == "failed"
    assert "b" not in found.sequences


def test_what_is_no_spread_over_seeds_is_refused(seeds: list[Run], make_run: MakeRun) -> None:
    with pytest.raises(BadInputError, match="--seeds"):
        spread(seeds[:1])
    with pytest.raises(NotComparableError, match="each seed once"):
        spread([seeds[0], seeds[0]])
    with pytest.raises(NotComparableError, match=r"mine.*other"):
        spread([seeds[0], make_run({"a": (0.8, 0.8)}, method="other", seed=1)])
    with pytest.raises(NotComparableError, match="no sequence"):
        spread([seeds[0], replace(seeds[1], sequence_records={})])
    with pytest.raises(BadInputError, match="above 0"):
        spread(seeds).tolerances(0)
