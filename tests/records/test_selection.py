"""Which runs a report is about: labels, methods, sequences, and averages over the sequences that runs share."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.records import MethodEntry, ProtocolEntry, Run, WeightsEntry, config8, differences
from vos_bench.records.runs_table import runs_table
from vos_bench.records.seeds import mean_scores, seed_groups
from vos_bench.records.selection import MARK, of_methods, over_sequences, shared_averages, with_labels
from vos_bench.tables import render

MakeRun = Callable[..., Run]


@pytest.fixture
def three(make_run: MakeRun) -> list[Run]:
    """Runs over a, b, c; over b, c; and over c, d."""
    scores = (
        ("all", {"a": (0.2, 0.4), "b": (0.6, 0.8), "c": (0.4, 0.4)}),
        ("some", {"b": (0.5, 0.5), "c": (0.9, 0.7)}),
        ("others", {"c": (0.1, 0.1), "d": (0.3, 0.3)}),
    )
    return [make_run(each, method=method) for method, each in scores]


def in_folder(run: Run, folder: str) -> Run:
    return replace(run, folder=Path(folder))


def test_runs_over_different_sequences_are_averaged_over_the_shared_ones(three: list[Run]) -> None:
    (found,) = shared_averages(three)
    assert found.text == f"{MARK} averaged over 1 sequence that all 3 runs on demo val have: c"
    assert [run.scores["J"] for run in found.runs] == pytest.approx([0.4, 0.9, 0.1])
    assert [run.scores["J&F"] for run in found.runs] == pytest.approx([0.4, 0.8, 0.1])
    assert {run.record.dataset.sequences for run in found.runs} == {("c",)}
    assert {run.record.counts.scored for run in found.runs} == {1}
    assert [run.record.method.title for run in found.whole] == ["all", "some", "others"]


def test_runs_over_the_same_sequences_or_under_other_rules_are_left_alone(make_run: MakeRun) -> None:
    box = ProtocolEntry(name="davis", init="box", frames_seen="all")
    same = [make_run({"a": (0.1, 0.1), "b": (0.2, 0.2)}, method=method) for method in ("x", "y")]
    assert shared_averages([*same, make_run({"a": (0.3, 0.3)}, protocol=box)]) == []
    assert shared_averages([*same, make_run({"a": (0.3, 0.3)}, fingerprint="e" * 64)]) == []


def test_a_failed_sequence_does_not_move_the_others(make_run: MakeRun) -> None:
    whole = make_run({"a": (0.2, 0.2), "b": (0.8, 0.8)}, method="whole")
    failed = make_run({"a": (0.4, 0.4), "b": None}, method="failed")
    (found,) = shared_averages([whole, failed])
    assert [run.scores["J"] for run in found.runs] == [0.2, 0.4]
    assert {run.record.status for run in found.runs} == {"complete"}


def test_where_nothing_is_shared_that_is_said(make_run: MakeRun) -> None:
    runs = [make_run({name: (0.5, 0.5)}, method=name) for name in ("a", "b")]
    (found,) = shared_averages(runs)
    assert found.runs == ()
    assert "found no sequence of demo val with scores in all 2 runs" in found.text
    assert found.text in " ".join(runs_table(runs).notes)


def test_a_run_without_sequence_files_or_unfinished_shares_nothing(make_run: MakeRun) -> None:
    one, two = make_run({"a": (0.5, 0.5), "b": (0.7, 0.7)}), make_run({"a": (0.6, 0.6)}, method="two")
    assert shared_averages([one, replace(two, sequence_records={})]) == []
    assert shared_averages([one, replace(two, record=two.record.replace(status="started"))]) == []


def test_the_table_of_runs_marks_them_below_the_runs_themselves(three: list[Run]) -> None:
    table = runs_table(three[:2])
    assert [(row["method"], row["sequences"]) for row in table.rows] == [
        ("some", "2"),
        ("all", "3"),
        (f"some {MARK}", "2"),
        (f"all {MARK}", "2"),
    ]
    assert [round(row["J&F"], 3) for row in table.rows] == [0.65, 0.467, 0.65, 0.55]
    assert table.notes == (f"{MARK} averaged over 2 sequences that all 2 runs on demo val have: b, c.",)
    assert r"$\dagger$" in render(table, "latex")


def test_chosen_sequences_are_averaged_alone_and_runs_without_them_left_out(three: list[Run]) -> None:
    found = over_sequences(three, ["a", "b"])
    assert [run.record.method.name for run in found] == ["all", "some"]
    assert found[0].scores["J"] == pytest.approx(0.4)
    assert found[0].record.dataset.sequences == ("a", "b")
    assert found[0].record.timing is None


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a", "x"], r"--sequences a,x: found no run with scores of x; expected sequences of these; known: a, b, c, d"),
        (["a", "d"], r"--sequences a,d: found no sequence of demo val with scores in all 2 runs, and expected one"),
    ],
)
def test_sequences_that_no_run_has_or_that_none_share_are_refused(
    three: list[Run], names: list[str], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        over_sequences(three, names)


def test_scores_of_tracks_have_no_part(make_run: MakeRun) -> None:
    run = make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)})
    protocol = run.record.protocol.replace(name="burst-exemplar")
    record = run.record.replace(protocol=protocol, scores={})
    tracks = replace(run, record=record)
    assert shared_averages([tracks, run]) == []
    with pytest.raises(BadInputError, match="scores of tracks, which are of all its sequences together"):
        over_sequences([tracks], ["a"])


def test_methods_are_chosen_by_name_or_title(three: list[Run]) -> None:
    labelled = with_labels([in_folder(run, run.record.method.name) for run in three], {Path("some"): "Ours (v2)"})
    assert [run.record.method.title for run in labelled] == ["all", "Ours (v2)", "others"]
    assert of_methods(labelled, ["Ours (v2)"]) == of_methods(labelled, ["some"]) == labelled[1:2]
    with pytest.raises(BadInputError, match=r"--methods al: found no run of it, .*; did you mean all\?"):
        of_methods(labelled, ["al"])


def test_the_innermost_label_counts(three: list[Run]) -> None:
    runs = [in_folder(run, f"runs/demo/{run.record.method.name}/1f") for run in three]
    labels = {Path("runs/demo/all"): "One", Path("runs/demo/some"): "Two", Path("runs/demo/some/1f"): "Three"}
    assert [run.record.method.title for run in with_labels(runs, labels)] == ["One", "Three", "others"]


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ({"gone": "Ours"}, r"--label gone=Ours: found no run of this report there, .*; runs: all, some, others"),
        ({"all": "a, b"}, "--label 'a, b': expected one line of at most 80 characters without a comma"),
        ({"all": "LWL"}, "--label LWL: is the name of another method, and this is a run of all"),
        ({"all": "x" * 81}, "expected one line of at most 80 characters"),
    ],
)
def test_a_label_that_cannot_be_is_one_message(three: list[Run], labels: dict[str, str], message: str) -> None:
    runs = [in_folder(run, run.record.method.name) for run in three]
    with pytest.raises(BadInputError, match=message):
        with_labels(runs, {Path(folder): text for folder, text in labels.items()})


def test_a_label_names_one_system_on_the_same_data_and_several_datasets(make_run: MakeRun) -> None:
    one, two = (in_folder(make_run({"a": (0.5, 0.5)}, method=name), name) for name in ("one", "two"))
    with pytest.raises(BadInputError, match="--label Ours: would name two different runs on demo val, one and two"):
        with_labels([one, two], {Path("one"): "Ours", Path("two"): "Ours"})
    elsewhere = replace(two, record=two.record.replace(dataset=two.record.dataset.replace(name="davis16")))
    seeds = [in_folder(make_run({"a": (0.5, 0.5)}, seed=seed), f"seeds/{seed}") for seed in (0, 1)]
    runs = with_labels([one, elsewhere, *seeds], {Path("one"): "Ours", Path("two"): "Ours", Path("seeds"): "Seeds"})
    assert [run.record.method.title for run in runs] == ["Ours", "Ours", "Seeds", "Seeds"]


def test_a_label_keeps_the_word_untrained_and_what_it_stands_for(make_run: MakeRun) -> None:
    run = make_run({"a": (0.5, 0.5)}, method="stm")
    weights = WeightsEntry(name="untrained", file="", sha256="untrained")
    method = MethodEntry(name="stm", weights=weights, label="Ours")
    named = replace(run, record=run.record.replace(method=method))
    assert named.record.method.title == "Ours (untrained)"
    assert "Ours (untrained) is stm (untrained)." in runs_table([named]).notes


def test_runs_of_other_names_are_no_seeds_of_each_other_and_share_no_folder(make_run: MakeRun) -> None:
    one, two = (in_folder(make_run({"a": (0.5, 0.5)}, seed=seed), str(seed)) for seed in (0, 1))
    before, after = with_labels([one, two], {Path("0"): "Before", Path("1"): "After"})
    assert [len(group) for group in seed_groups([before, after])] == [1, 1]
    assert config8(before.record) != config8(one.record)
    assert "name: Before and After" in differences(before.record, after.record)


def test_the_mean_of_seeds_has_their_spread_and_a_single_run_none(make_run: MakeRun) -> None:
    runs = [make_run({"a": (J, 0.5)}, seed=seed) for seed, J in ((1, 0.7), (0, 0.5))]
    (group,) = seed_groups(runs)
    assert [run.record.seed for run in group] == [0, 1]
    means, spread = mean_scores(group)
    assert (means["J"], spread["J"]) == pytest.approx((0.6, 0.2 / 2**0.5))
    assert mean_scores(runs[:1])[1] == {}
