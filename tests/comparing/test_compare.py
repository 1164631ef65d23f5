"""`vos_bench.compare`: runs or their paths, and one verdict on the whole."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import vos_bench
from vos_bench.comparing.comparison import OVERALL, Verdict
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import Run, run_file, sequence_file, write_record

MakeRun = Callable[..., Run]


def save(run: Run, folder: Path) -> Path:
    write_record(run.record, run_file(folder))
    for name, record in run.sequence_records.items():
        write_record(record, sequence_file(folder, name))
    return folder


@pytest.mark.parametrize(
    ("after", "verdict"),
    [
        ({"a": (0.8, 0.8), "b": (0.8, 0.8)}, "same"),
        ({"a": (0.9, 0.7), "b": (0.7, 0.9)}, "same"),
        ({"a": (0.9, 0.8), "b": (0.8, 0.8)}, "better"),
        ({"a": (0.9, 0.7), "b": (0.8, 0.8)}, "worse"),
        ({"a": (0.9, 0.9), "b": None}, "worse"),
    ],
)
def test_the_verdict_is_one_word(make_run: MakeRun, after: dict, verdict: str) -> None:
    found = vos_bench.compare(make_run({"a": (0.8, 0.8), "b": (0.8, 0.8)}), make_run(after))
    assert found.verdict == verdict
    assert repr(found).startswith(f"<Comparison of mine on demo val: {verdict}; J&F ")


def test_a_fixed_sequence_is_better(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.8, 0.8), "b": None}), make_run({"a": (0.8, 0.8), "b": (0.1, 0.1)})
    assert vos_bench.compare(before, after).verdict == "better"


def test_a_score_of_which_less_is_better_is_better_when_it_falls(make_run: MakeRun) -> None:
    before = make_run({"a": (0.8, 0.8)})
    [scores] = before.sequence_records["a"].scores
    record = before.sequence_records["a"].replace(scores=(scores.replace(J_decay=scores.J_decay - 0.1),))
    after = replace(before, sequence_records={"a": record})
    named = {"J_decay": 0.001}
    found = vos_bench.compare(before, after, tolerances=named)
    assert [row.verdict for row in found.rows if row.score == "J_decay"] == [Verdict.BETTER]
    assert (found.verdict, vos_bench.compare(after, before, tolerances=named).verdict) == ("better", "worse")


def test_recall_and_decay_inform_alone_unless_they_are_named(make_run: MakeRun) -> None:
    before = make_run({"a": (0.8, 0.8)})
    [scores] = before.sequence_records["a"].scores
    record = before.sequence_records["a"].replace(scores=(scores.replace(J_recall=0.5),))
    after = replace(before, sequence_records={"a": record})
    found = vos_bench.compare(before, after)
    assert found.verdict == "same"
    assert [(row.verdict, row.note) for row in found.rows if row.score == "J_recall"] == [(Verdict.WORSE, "not judged")]
    assert vos_bench.compare(before, after, tolerances={"J_recall": 0.01}).verdict == "worse"


def test_one_number_is_the_tolerance_of_all_scores(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.75, 0.75)}), make_run({"a": (0.625, 0.75)})
    assert vos_bench.compare(before, after, tolerances=0.125).verdict == "same"
    assert vos_bench.compare(before, after, tolerances=0.12).verdict == "worse"


def test_a_sequence_that_falls_too_far_makes_the_run_worse(make_run: MakeRun) -> None:
    before = make_run(dict.fromkeys("abcdefgh", (0.8, 0.8)))
    after = make_run(dict.fromkeys("abcdefg", (0.8, 0.8)) | {"h": (0.7, 0.7)})
    assert vos_bench.compare(before, after, tolerances=0.02).verdict == "same"
    assert vos_bench.compare(before, after, tolerances=0.02, sequence_tolerance=0.11).verdict == "same"
    judged = vos_bench.compare(before, after, tolerances=0.02, sequence_tolerance=0.05)
    assert judged.verdict == "worse"
    assert [row.subject for row in judged.failing()] == ["h"]


@pytest.mark.parametrize("wrong", [{"tolerances": -0.1}, {"sequence_tolerance": -1.0}, {"tolerances": float("nan")}])
def test_a_tolerance_below_zero_is_refused(make_run: MakeRun, wrong: dict[str, float]) -> None:
    run = make_run({"a": (0.8, 0.8)})
    with pytest.raises(BadInputError, match="expected a number of at least 0"):
        vos_bench.compare(run, run, **wrong)  # type: ignore[arg-type]


def test_paths_do_as_well_as_runs(make_run: MakeRun, tmp_path: Path) -> None:
    before, after = make_run({"a": (0.8, 0.8)}), make_run({"a": (0.7, 0.8)})
    old, new = save(before, tmp_path / "old"), save(after, tmp_path / "new")
    expected = vos_bench.compare(before, after).rows
    for baseline, candidate in ((old, new), (str(old), str(new)), (run_file(old), after), ([before], str(new))):
        assert vos_bench.compare(baseline, candidate).rows == expected


def test_runs_that_cannot_be_compared_say_so_and_are_neither_worse_nor_the_same(make_run: MakeRun) -> None:
    before, after = make_run({"a": (0.8, 0.8)}), make_run({"a": (0.8, 0.8)}, fingerprint="e" * 64)
    found = vos_bench.compare(before, after)
    assert found.verdict == "cannot be compared"
    assert found.rows == ()
    assert "data fingerprint" in str(found.error)
    assert "cannot be compared; Not comparable: " in repr(found)
    with pytest.raises(NotComparableError, match="data fingerprint"):
        _ = found.is_worse


def test_tolerances_and_sequences_are_those_of_the_command(make_run: MakeRun) -> None:
    before, after = (make_run({"a": (J, 0.8), "b": (0.8, 0.8)}) for J in (0.8, 0.7))
    assert vos_bench.compare(before, after).verdict == "worse"
    assert vos_bench.compare(before, after, sequences=["b"]).verdict == "same"
    assert vos_bench.compare(before, after, tolerances={"J": 0.1, "J&F": 0.1}).verdict == "same"
    with pytest.raises(BadInputError, match="--sequences c: not in"):
        vos_bench.compare(before, after, sequences=["c"])


def test_several_baselines_are_judged_by_their_spread(make_run: MakeRun, tmp_path: Path) -> None:
    seeds = [make_run({"a": (J, J)}, seed=i) for i, J in enumerate((0.78, 0.80, 0.82))]
    for i, run in enumerate(seeds):
        save(run, tmp_path / f"seed{i}")
    for baselines in (seeds, tmp_path, [str(tmp_path / f"seed{i}") for i in range(3)]):
        found = vos_bench.compare(baselines, make_run({"a": (0.75, 0.75)}), spread=3)
        assert (found.verdict, found.baselines) == ("same", 3)
        [row] = [row for row in found.rows if row.subject == OVERALL and row.score == "J"]
        assert row.baseline == pytest.approx(0.80)
        assert vos_bench.compare(baselines, make_run({"a": (0.75, 0.75)}), spread=2).verdict == "worse"
    with pytest.raises(BadInputError, match="found 3 baselines, expected one"):
        vos_bench.compare(seeds, seeds[0])
