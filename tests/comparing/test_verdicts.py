import pickle
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from vos_bench.comparing.compare import compare
from vos_bench.comparing.comparison import OVERALL, Comparison, Verdict
from vos_bench.comparing.verdicts import judge
from vos_bench.environment import GpuEntry
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import ProtocolEntry, Run

MakeRun = Callable[..., Run]

GPUS = (GpuEntry(name="A100", memory_mib=40960), GpuEntry(name="V100"))


def verdicts(comparison: Comparison) -> dict[tuple[str, str], Verdict]:
    return {(row.subject, row.score): row.verdict for row in comparison.rows}


def test_a_score_that_fell_is_worse(make_run: MakeRun) -> None:
    judged = compare(make_run({"a": (0.8, 0.8), "b": (0.6, 0.6)}), make_run({"a": (0.8, 0.8), "b": (0.5, 0.6)}))
    assert verdicts(judged)[OVERALL, "J"] is Verdict.WORSE
    assert verdicts(judged)[OVERALL, "F"] is Verdict.SAME
    assert verdicts(judged)["a", "J&F"] is Verdict.SAME
    assert verdicts(judged)["b", "J&F"] is Verdict.WORSE
    assert judged.is_worse


def test_a_score_that_rose_is_better_and_no_reason_to_fail(make_run: MakeRun) -> None:
    judged = compare(make_run({"a": (0.6, 0.6)}), make_run({"a": (0.7, 0.7)}))
    assert verdicts(judged)[OVERALL, "J&F"] is Verdict.BETTER
    assert not judged.is_worse


def test_a_difference_of_exactly_the_tolerance_is_the_same(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.75, 0.75)}), make_run({"a": (0.625, 0.75)})
    assert not compare(before, after, tolerances={"J": 0.125, "J&F": 0.125}).is_worse
    assert compare(before, after, tolerances={"J": 0.1249, "J&F": 0.125}).is_worse


def test_a_sequence_that_fails_now_is_newly_failing_and_does_not_move_the_others(make_run: MakeRun) -> None:
    judged = compare(make_run({"a": (0.8, 0.8), "b": (0.1, 0.1)}), make_run({"a": (0.8, 0.8), "b": None}))
    assert verdicts(judged)["b", "J&F"] is Verdict.NEWLY_FAILING
    assert verdicts(judged)[OVERALL, "J&F"] is Verdict.SAME
    assert judged.is_worse
    assert "ValueError" in next(row.note for row in judged.rows if row.subject == "b")


def test_a_sequence_that_failed_before_is_fixed(make_run: MakeRun) -> None:
    judged = compare(make_run({"a": (0.8, 0.8), "b": None}), make_run({"a": (0.8, 0.8), "b": (0.1, 0.1)}))
    assert verdicts(judged)["b", "J&F"] is Verdict.FIXED
    assert not judged.is_worse


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"fingerprint": "e" * 64}, r"dataset\.fingerprint"),
        ({"protocol": ProtocolEntry(name="davis", init="mask", frames_seen="annotated")}, "--frames"),
        ({"protocol": ProtocolEntry(name="davis", init="box", frames_seen="all")}, "--init"),
        ({"protocol": ProtocolEntry(name="davis", metric_version="2")}, r"protocol\.metric_version"),
        ({"protocol": ProtocolEntry(name="all-frames")}, "--protocol"),
    ],
)
def test_runs_under_other_conditions_are_refused(make_run: MakeRun, changed: dict[str, Any], reason: str) -> None:
    with pytest.raises(NotComparableError, match=reason):
        judge(make_run({"a": (0.8, 0.8)}), make_run({"a": (0.8, 0.8)}, **changed))


def test_runs_with_scores_of_other_objects_are_refused(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)}), make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)})
    (found,) = after.sequence_records["b"].scores
    moved = after.sequence_records["b"].replace(scores=(found.replace(object=2),))
    after = replace(after, sequence_records={**after.sequence_records, "b": moved})
    with pytest.raises(NotComparableError, match="baseline has scores of the objects 1 of b, this run of 2"):
        judge(before, after)


def test_runs_without_a_common_sequence_are_refused(make_run: MakeRun) -> None:
    with pytest.raises(NotComparableError, match="no sequence"):
        judge(make_run({"a": (0.8, 0.8)}), make_run({"b": (0.8, 0.8)}))


def test_speed_is_judged_only_under_equal_conditions(make_run: MakeRun) -> None:
    def judged_speed(**changed: Any) -> Verdict:
        before = make_run({"a": (0.8, 0.8)}, fps=10.0)
        return verdicts(compare(before, make_run({"a": (0.8, 0.8)}, **changed)))[OVERALL, "FPS"]

    assert judged_speed(fps=5.0) is Verdict.WORSE
    assert judged_speed(fps=9.6) is Verdict.SAME
    assert judged_speed(fps=5.0, amp="bf16") is Verdict.NOT_COMPARABLE
    assert judged_speed(fps=5.0, amp="tf32") is Verdict.NOT_COMPARABLE
    assert judged_speed(fps=5.0, indicative=True) is Verdict.NOT_COMPARABLE
    assert judged_speed() is Verdict.NOT_COMPARABLE


def test_plain_runs_have_no_row_of_fps_unless_it_is_asked_for(make_run: MakeRun) -> None:
    runs = [make_run({"a": (0.8, 0.8)}, p50=10.0, indicative=True) for _ in range(2)]
    assert (OVERALL, "FPS") not in verdicts(compare(*runs))
    assert verdicts(compare(*runs, tolerances={"FPS": 0.2}))[OVERALL, "FPS"] is Verdict.NOT_COMPARABLE


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"cpu": "slow"}, "different processor (none, then slow)"),
        ({"cores": 8}, "different cores (none, then 8)"),
        ({"threads": {"torch": 1}}, "different threads (none, then torch=1)"),
        ({"waiting": "PASSIVE"}, "different waiting of threads (none, then PASSIVE)"),
        ({"packages": {"torch": "2.6.0"}}, "different torch (none, then 2.6.0)"),
        ({"driver": "550"}, "different driver (none, then 550)"),
        ({"gpus": GPUS}, "different GPU (none, then A100 of 40960 MiB, V100)"),
    ],
)
def test_speed_is_not_judged_where_the_machine_or_its_threads_differ(
    make_run: MakeRun, changed: dict[str, Any], reason: str
) -> None:
    before, after = (make_run({"a": (0.8, 0.8)}, fps=10.0, environment=each) for each in ({}, changed))
    [row] = [row for row in compare(before, after).rows if row.score == "FPS"]
    assert (row.verdict, row.note) == (Verdict.NOT_COMPARABLE, reason)


def test_speed_is_not_judged_over_other_sequences(make_run: MakeRun) -> None:
    all_three, one_failed, one = (
        make_run(scores, fps=fps)
        for scores, fps in (
            (dict.fromkeys("abc", (0.8, 0.8)), 10.0),
            ({"a": (0.8, 0.8), "b": (0.8, 0.8), "c": None}, 5.0),
            ({"a": (0.8, 0.8)}, 5.0),
        )
    )
    for candidate, count in ((one_failed, 2), (one, 1)):
        [row] = [row for row in compare(all_three, candidate).rows if row.score == "FPS"]
        assert (row.verdict, row.note) == (
            Verdict.NOT_COMPARABLE,
            f"times are of other sequences (3, then {count})",
        )


@pytest.mark.parametrize("tolerances", [{"H": 0.1}, {"J": -0.1}, {"J": float("nan")}, {"J": float("inf")}])
def test_a_tolerance_that_makes_no_sense_is_refused(make_run: MakeRun, tolerances: dict[str, float]) -> None:
    with pytest.raises(BadInputError, match="--tolerance"):
        compare(make_run({"a": (0.8, 0.8)}), make_run({"a": (0.8, 0.8)}), tolerances=tolerances)


def test_that_runs_are_not_comparable_is_said_once_also_from_another_process() -> None:
    error = NotComparableError("other data")
    assert str(error) == str(pickle.loads(pickle.dumps(error))) == "Not comparable: other data"
