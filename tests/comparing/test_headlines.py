"""Runs are judged by the headline score of their protocol: VOST has no F, MOSEv2 an adaptive one, BURST HOTA."""

from collections.abc import Callable, Mapping
from dataclasses import replace

import pytest

from vos_bench.comparing.compare import compare
from vos_bench.comparing.comparison import OVERALL, Comparison, Verdict
from vos_bench.comparing.history import history
from vos_bench.comparing.spread import spread
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.metrics.protocols import PROTOCOLS, scoring_protocol
from vos_bench.records import FrameScores, ObjectRecord, ProtocolEntry, Run, SequenceRecord
from vos_bench.records.summary import run_scores

MakeRun = Callable[..., Run]


def verdicts(comparison: Comparison) -> dict[tuple[str, str], Verdict]:
    return {(row.subject, row.score): row.verdict for row in comparison.rows}


def vost_object(J: float) -> ObjectRecord:
    extra = {"J_last": J, "J_last_recall": 1.0, "J_last_decay": 0.0}
    frames = FrameScores(frame=("00001",), J=(J,))
    return ObjectRecord(object=1, J=J, J_recall=1, J_decay=0, extra=extra, per_frame=frames)


def mosev2_object(J: float, F: float, F_dot: float) -> ObjectRecord:
    extra = {"F_dot": F_dot, "J&F_dot": (J + F_dot) / 2}
    frames = FrameScores(frame=("00001",), J=(J,), F=(F,), F_dot=(F_dot,))
    return ObjectRecord(object=1, J=J, J_recall=1, J_decay=0, F=F, F_recall=1, F_decay=0, extra=extra, per_frame=frames)


def lvos_object(J: float) -> ObjectRecord:
    frames = FrameScores(frame=("00001",), J=(J,), F=(J,))
    return ObjectRecord(
        object=1,
        group="seen",
        J=J,
        J_recall=1,
        J_decay=0,
        F=J,
        F_recall=1,
        F_decay=0,
        extra={"V": 0.1},
        per_frame=frames,
    )


@pytest.fixture
def judged_run(make_run: MakeRun) -> Callable[..., Run]:
    """Make a run under a protocol from the object of each of its sequences."""

    def make(protocol: str, objects: Mapping[str, ObjectRecord], *, seed: int = 0) -> Run:
        run = make_run(dict.fromkeys(objects, (0.5, 0.5)), seed=seed)
        sequences = {
            name: SequenceRecord(name=name, status="done", frames=3, objects=1, scores=(each,))
            for name, each in objects.items()
        }
        changes = {"protocol": ProtocolEntry(name=protocol), "scores": run_scores(objects.values(), protocol)}
        return replace(run, record=run.record.replace(**changes), sequence_records=sequences)

    return make


def test_the_headline_is_a_score_of_its_protocol_and_the_record_keeps_it() -> None:
    for protocol in PROTOCOLS.values():
        assert protocol.headline in protocol.scores
        assert protocol.rules["headline"] == protocol.headline
    named = {name: scoring_protocol(name).headline for name in ("davis", "lvos", "mosev2", "vost", "burst-exemplar")}
    assert named == {
        "davis": "J&F",
        "lvos": "J&F",
        "mosev2": "J&F_dot",
        "vost": "J",
        "burst-exemplar": "HOTA_all",
    }


def test_vost_is_judged_by_region_similarity_alone(judged_run: Callable[..., Run]) -> None:
    before = judged_run("vost", {"a": vost_object(0.8), "b": vost_object(0.6)})
    after = judged_run("vost", {"a": vost_object(0.8), "b": vost_object(0.5)})
    judged = compare(before, after)
    assert verdicts(judged)[OVERALL, "J"] is Verdict.WORSE
    assert verdicts(judged)[OVERALL, "J_last"] is Verdict.WORSE
    assert verdicts(judged)["a", "J"] is Verdict.SAME
    assert verdicts(judged)["b", "J"] is Verdict.WORSE
    assert not any("F" in score for _, score in verdicts(judged))
    assert judged.change is not None
    assert judged.change.difference == pytest.approx(-0.05)
    assert str(judged.change).startswith("J -5.00 points")


def test_mosev2_is_judged_by_the_adaptive_score(judged_run: Callable[..., Run]) -> None:
    before = judged_run("mosev2", {"a": mosev2_object(0.6, 0.9, 0.8)})
    after = judged_run("mosev2", {"a": mosev2_object(0.6, 0.7, 0.8)})  # the classic F fell, the adaptive one did not
    judged = compare(before, after)
    assert verdicts(judged)[OVERALL, "J&F_dot"] is Verdict.SAME
    assert verdicts(judged)[OVERALL, "J&F"] is Verdict.WORSE
    assert verdicts(judged)["a", "J&F_dot"] is Verdict.SAME
    assert judged.change is not None
    assert judged.change.score == "J&F_dot"
    assert judged.change.difference == 0


def test_scores_that_are_means_over_nothing_are_not_judged(judged_run: Callable[..., Run]) -> None:
    runs = [judged_run("lvos", {"a": lvos_object(J)}) for J in (0.8, 0.6)]  # no unseen object: means of both are NaN
    judged = compare(*runs)
    assert {score for subject, score in verdicts(judged) if subject == OVERALL} == {"J_seen", "F_seen", "V_seen"}
    assert verdicts(judged)["a", "J&F"] is Verdict.WORSE
    assert judged.is_worse


def test_a_spread_is_that_of_the_headline_score(judged_run: Callable[..., Run]) -> None:
    runs = [judged_run("vost", {"a": vost_object(J)}, seed=seed) for seed, J in enumerate((0.4, 0.6))]
    found = spread(runs)
    assert found.sequences["a"] == pytest.approx(0.2 / 2**0.5)
    assert found.overall["J_last"] == pytest.approx(0.2 / 2**0.5)
    assert pytest.approx(0.5) == found.mean.sequence_records["a"].scores[0].J
    assert compare(runs, judged_run("vost", {"a": vost_object(0.45)}), spread=1.0).verdict == "same"
    assert compare(runs, judged_run("vost", {"a": vost_object(0.3)}), spread=1.0).verdict == "worse"


def test_a_history_is_that_of_the_headline_score(judged_run: Callable[..., Run]) -> None:
    table = history([judged_run("vost", {"a": vost_object(J)}) for J in (0.4, 0.6)]).table
    assert [row["J"] for row in table.rows] == [0.4, 0.6]
    assert "J&F" not in {column.name for column in table.columns}


@pytest.fixture
def tracked_run(make_run: MakeRun) -> Callable[..., Run]:
    """Make a run whose scores are those of all tracks together."""

    def make(score: float, *, names: str = "ab", seed: int = 0) -> Run:
        run = make_run(dict.fromkeys(names, (0.5, 0.5)), seed=seed)
        protocol = scoring_protocol("burst-exemplar")
        changes = {"protocol": ProtocolEntry(name=protocol.name), "scores": dict.fromkeys(protocol.scores, score)}
        sequences = {name: SequenceRecord(name=name, status="done", frames=3) for name in names}
        return replace(run, record=run.record.replace(**changes), sequence_records=sequences)

    return make


def test_tracks_are_judged_over_all_sequences_together(tracked_run: Callable[..., Run]) -> None:
    judged = compare(tracked_run(0.6), tracked_run(0.5))
    assert verdicts(judged)[OVERALL, "HOTA_all"] is Verdict.WORSE
    assert verdicts(judged)[OVERALL, "mask_HOTA_all"] is Verdict.WORSE
    assert {subject for subject, _ in verdicts(judged)} == {OVERALL}
    assert judged.change is None
    assert compare(tracked_run(0.6), tracked_run(0.6)).verdict == "same"


def test_tracks_without_a_sequence_that_the_baseline_has_are_newly_failing(tracked_run: Callable[..., Run]) -> None:
    judged = compare(tracked_run(0.6), tracked_run(0.9, names="a"))
    assert verdicts(judged) == {("b", "HOTA_all"): Verdict.NEWLY_FAILING}
    assert judged.is_worse


def test_tracks_that_nobody_scored_are_refused(tracked_run: Callable[..., Run]) -> None:
    run = tracked_run(0.6)
    unscored = replace(run, record=run.record.replace(scores={}, scored=False))
    with pytest.raises(NotComparableError, match="has no scores of tracks"):
        compare(run, unscored).failing()


def test_tracks_are_not_judged_for_some_sequences(tracked_run: Callable[..., Run]) -> None:
    with pytest.raises(BadInputError, match=r"--sequences a: .*of all sequences together"):
        compare(tracked_run(0.6), tracked_run(0.6), sequences=["a"])
    assert compare(tracked_run(0.6), tracked_run(0.6), sequences=["a", "b"]).verdict == "same"


def test_the_spread_of_tracks_is_that_of_their_scores(tracked_run: Callable[..., Run]) -> None:
    runs = [tracked_run(score, seed=seed) for seed, score in enumerate((0.4, 0.6))]
    found = spread(runs)
    assert found.overall["HOTA_all"] == pytest.approx(0.2 / 2**0.5)
    assert found.mean.record.scores["HOTA_all"] == pytest.approx(0.5)
    assert compare(runs, tracked_run(0.45), spread=1.0).verdict == "same"
    assert compare(runs, tracked_run(0.3), spread=1.0).verdict == "worse"
