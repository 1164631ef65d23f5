from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from vos_bench.comparing.significance import Change, change, score_interval
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import Run
from vos_bench.reports.delta import make_table

MakeRun = Callable[..., Run]


def pair(make_run: MakeRun, gains: dict[str, float]) -> tuple[Run, Run]:
    before = make_run(dict.fromkeys(gains, (0.5, 0.5)))
    return before, make_run({name: (0.5 + gain, 0.5 + gain) for name, gain in gains.items()}, method="other")


def test_the_same_gain_everywhere_has_an_interval_of_no_width(make_run: MakeRun) -> None:
    found = change(*pair(make_run, dict.fromkeys("abcd", 0.125)))
    assert (found.difference, found.low, found.high) == (0.125, 0.125, 0.125)
    assert found.is_significant


def test_gains_and_losses_that_cancel_show_no_difference(make_run: MakeRun) -> None:
    found = change(*pair(make_run, {"a": 0.25, "b": -0.25, "c": 0.125, "d": -0.125}))
    assert found.difference == 0
    assert found.low < 0 < found.high
    assert "no difference is shown" in str(found)


def test_the_interval_is_near_the_normal_one_for_many_sequences(make_run: MakeRun) -> None:
    gains = np.random.default_rng(1).normal(0.01, 0.05, 200).clip(-0.4, 0.4)
    found = change(*pair(make_run, {f"s{i}": float(gain) for i, gain in enumerate(gains)}))
    half = 1.96 * gains.std() / np.sqrt(gains.size)
    assert abs(found.low - (gains.mean() - half)) < 0.1 * half
    assert abs(found.high - (gains.mean() + half)) < 0.1 * half


def test_a_sequence_weighs_by_its_objects_and_is_drawn_whole(make_run: MakeRun) -> None:
    before, after = pair(make_run, {"one": 0.0, "three": 0.25})

    def triple(run: Run) -> Run:
        sequence = run.sequence_records["three"]
        objects = tuple(sequence.scores[0].replace(object=k) for k in (1, 2, 3))
        return replace(run, sequence_records={**run.sequence_records, "three": sequence.replace(scores=objects)})

    found = change(triple(before), triple(after))
    assert found.difference == 0.1875
    # Two sequences drawn with replacement give 0, 3/4 or all of the gain, and never a part of an object's.
    assert (found.low, found.high) == (0.0, 0.25)


def test_the_same_runs_give_the_same_interval(make_run: MakeRun) -> None:
    runs = pair(make_run, {"a": 0.2, "b": -0.1, "c": 0.05})
    assert change(*runs) == change(*runs)


def test_sequences_that_failed_in_one_run_are_left_out_and_none_left_is_refused(make_run: MakeRun) -> None:
    before = make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)})
    assert list(change(before, make_run({"a": (0.6, 0.6), "b": None})).sequences) == ["a"]
    with pytest.raises(NotComparableError, match="no sequence"):
        change(before, make_run({"c": (0.6, 0.6)}))


def test_one_sequence_gives_no_interval(make_run: MakeRun) -> None:
    runs = pair(make_run, {"a": 0.125})
    found = change(*runs)
    assert not found.is_significant, "it is drawn each time"
    assert str(found) == "J&F +12.50 points; one sequence gives no interval"
    table = make_table([*runs])
    assert [(row["change"], row.get("from"), row.get("to")) for row in table.rows] == [(0.125, None, None)] * 2


def test_the_report_shows_the_sequences_that_moved_most_first(make_run: MakeRun) -> None:
    table = make_table([*pair(make_run, {f"s{i:02d}": i / 100 * (-1) ** i for i in range(20)})])
    assert [row["of"] for row in table.rows[:3]] == ["all 20 sequences", "s19", "s18"]
    assert len(table.rows) == 1 + 10
    assert any("paired bootstrap over 20 sequences" in note for note in table.notes)


def test_the_report_refuses_one_run_and_runs_of_different_data(make_run: MakeRun) -> None:
    one = make_run({"a": (0.5, 0.5)})
    with pytest.raises(BadInputError, match="expected two"):
        make_table([one])
    with pytest.raises(NotComparableError, match="fingerprint"):
        make_table([one, make_run({"a": (0.5, 0.5)}, fingerprint="e" * 64)])


def test_the_interval_of_a_score_is_that_of_its_sequences(make_run: MakeRun) -> None:
    values = np.random.default_rng(2).uniform(0.2, 0.9, 150)
    found = score_interval([make_run({f"s{i}": (float(v), float(v)) for i, v in enumerate(values)})], "J&F")
    assert found is not None
    half = 1.96 * values.std() / np.sqrt(values.size)
    assert found == pytest.approx((values.mean() - half, values.mean() + half), abs=0.2 * half)


def test_the_interval_of_seeds_is_that_of_their_mean(make_run: MakeRun) -> None:
    opposite = [make_run({"a": (x, x), "b": (1 - x, 1 - x)}, seed=seed) for seed, x in enumerate((0.2, 0.8))]
    assert score_interval(opposite, "J&F") == (0.5, 0.5), "the mean of the seeds is the same on both sequences"
    assert score_interval(opposite[:1], "J&F") == (0.2, 0.8)


def test_one_sequence_has_no_interval_and_neither_has_a_score_that_is_not_there(make_run: MakeRun) -> None:
    assert score_interval([make_run({"a": (0.5, 0.5), "b": None})], "J&F") is None
    assert score_interval([make_run({"a": (0.5, 0.5), "b": (0.6, 0.6)})], "G") is None


def test_the_interval_follows_the_averaging_of_the_protocol(make_run: MakeRun) -> None:
    """G weighs the seen and the unseen alike, however many sequences there are of each."""
    run = make_run({"a": (0.2, 0.2), "b": (0.2, 0.2), "c": (0.2, 0.2), "d": (0.8, 0.8)})
    grouped = {
        name: each.replace(scores=(each.scores[0].replace(group="unseen" if name == "d" else "seen"),))
        for name, each in run.sequence_records.items()
    }
    run = replace(run, sequence_records=grouped)
    found = score_interval([run], "G")
    assert found == pytest.approx((0.5, 0.5)), "draws without one of the groups have no G"
    low, high = score_interval([run], "J&F") or (0, 0)
    assert (low, high) == pytest.approx((0.2, 0.65), abs=0.16)


def test_no_end_of_an_interval_is_minus_zero() -> None:
    change = Change(-0.00001, -0.00002, 0.00001, 0.95, {"a": -0.00002, "b": 0.0}, 100)
    assert str(change).startswith("J&F +0.00 points, 95% interval +0.00 to +0.00: zero is inside")
