"""The paper's tables: published rows, measured rows beside them, and what may be ranked with what."""

import csv
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from vos_bench import registry
from vos_bench.api import ProtocolName
from vos_bench.cli import main
from vos_bench.records import ExternalScores, MethodEntry, ProtocolEntry, Run, WeightsEntry
from vos_bench.reports.published import load
from vos_bench.reports.published_sequences import comparison
from vos_bench.tables import FORMATS, Table, render

MakeRun = Callable[..., Run]

TABLES = ("ablation", "box", "davis16", "davis17", "davis17-all", "ytvos18", "ytvos18-all", "ytvos19")
MASKS = ProtocolEntry(name="davis", init="mask", frames_seen="all")


def build(name: str, runs: Sequence[Run]) -> Table:
    table = registry.resolve(registry.report(name).factory)(runs)
    assert isinstance(table, Table)
    return table


def on(run: Run, dataset: str, split: str = "val", **changes: Any) -> Run:
    """The run as if it had been made on another dataset."""
    record = run.record
    data = record.dataset.replace(name=dataset, split=split)
    return replace(run, record=record.replace(dataset=data, **changes))


def measured(table: Table) -> pd.DataFrame:
    frame = pd.DataFrame(table.rows, dtype=object)
    return frame[frame["origin"] != "published"]


@pytest.mark.parametrize("name", TABLES)
def test_without_a_record_the_published_rows_stand_alone(name: str) -> None:
    table = build(name, [])
    assert len(table.rows)
    assert measured(table).empty
    for format in FORMATS:
        assert render(table, format)


@pytest.mark.parametrize(
    ("name", "dataset", "split"),
    [("davis17", "davis17", "val"), ("davis16", "davis16", "val"), ("ytvos18", "ytvos18", "valid")],
)
def test_a_record_adds_its_row_and_nothing_else(make_run: MakeRun, name: str, dataset: str, split: str) -> None:
    one, two = (on(make_run({"a": (J, 0.5)}, method=method), dataset, split) for method, J in (("x", 0.7), ("y", 0.6)))
    both, without = build(name, [one, two]), build(name, [one])
    assert list(measured(both)["method"]) == ["x", "y"]
    assert [row for row in both.rows if row["method"] != "y"] == without.rows


MADE = {
    **{name: (name.removesuffix("-all"), "val") for name in ("davis16", "davis17", "davis17-all")},
    **{name: (name.removesuffix("-all"), "valid") for name in ("ytvos18", "ytvos18-all", "ytvos19")},
    "box": ("davis17", "val"),
}
"""A table to the data of its measured rows."""


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_number_is_in_the_published_data_or_in_a_record(make_run: MakeRun, name: str) -> None:
    protocol = MASKS.replace(init="box" if name == "box" else "mask")
    made = make_run({"a": (0.71, 0.53)}, protocol=protocol)
    run = on(made, *MADE[name], scores={**made.record.scores, "G": 0.123456})
    table = build(name, [run])
    known = {value for row in load() for value in row.scores.values()} | set(run.record.scores.values())
    scores = [column.name for column in table.columns if column.digits is not None]
    found = {row[score] for score in scores for row in table.rows if row.get(score) is not None}
    assert found <= known
    assert found & set(run.record.scores.values()), "the run has a row"
    assert {row["origin"] for row in table.rows} == {"published", "measured"}


@pytest.mark.parametrize("name", sorted(MADE))
def test_every_row_says_where_it_comes_from(make_run: MakeRun, name: str) -> None:
    protocol = MASKS.replace(init="box" if name == "box" else "mask")
    for row in build(name, [on(make_run({"a": (0.71, 0.53)}, protocol=protocol), *MADE[name])]).rows:
        assert row["notes"]
        if row["origin"] == "published":
            assert row["notes"][0] in {each.notes[0] for each in load()}
        else:
            assert any("2026-01-01" in note for note in row["notes"])


def test_seeds_share_a_row_with_their_spread_and_a_repeated_seed_counts_once(make_run: MakeRun) -> None:
    runs = [on(make_run({"a": (J, J)}, seed=seed), "davis17") for seed, J in ((0, 0.1), (0, 0.5), (1, 0.7))]
    dates = ("2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z", "2026-01-15T00:00:00Z")
    dated = [replace(run, record=run.record.replace(finished=date)) for run, date in zip(runs, dates, strict=True)]
    (row,) = measured(build("davis17", dated)).to_dict(orient="records")
    assert abs(row["J"] - 0.6) < 1e-12, "the later run with seed 0 stands for both"
    assert abs(row["J ±"] - 0.2 / 2**0.5) < 1e-12
    assert any("seeds 0, 1" in note for note in row["notes"])


def test_a_lite_variant_never_stands_under_the_plain_name(make_run: MakeRun) -> None:
    lite = on(make_run({"a": (0.5, 0.5)}, method="lwl-lite"), "davis17")
    weights = WeightsEntry(name="lwl-lite", file="w", sha256="0" * 64)
    plain = on(make_run({"a": (0.4, 0.5)}, method="lwl"), "davis17")
    method = plain.record.method.replace(weights=weights)
    disguised = replace(plain, record=plain.record.replace(method=method))
    rows = measured(build("davis17", [lite, disguised]))
    assert list(rows["method"]) == ["lwl-lite", "lwl (lwl-lite)"]
    assert not any("published as" in note for notes in rows["notes"] for note in notes)


def test_a_measured_method_is_shown_beside_what_is_published_of_it(make_run: MakeRun) -> None:
    (row,) = measured(build("davis17", [on(make_run({"a": (0.5, 0.5)}, method="lwl"), "davis17")])).to_dict("records")
    published = [note for note in row["notes"] if note.startswith("published as LWL")]
    assert "J&F 81.6, J 79.1, F 84.1" in published[0]
    assert "J&F 74.3" in published[1]


@pytest.mark.parametrize(
    ("method", "dataset", "said"),
    [
        ("agame", "davis17", "(AGAME, J&F 71.1): vos-bench report delta RUN --published AGAME"),
        ("ranet", "davis16", "(RANet, J&F 87.1): vos-bench report delta RUN --published RANet"),
        ("lwl", "davis17", ""),
        ("stm (untrained)", "davis17", ""),
    ],
)
def test_a_measured_method_leads_to_its_published_figures_of_each_sequence(
    method: str, dataset: str, said: str
) -> None:
    found = comparison(method, dataset, "val")
    assert found == (f"published of each sequence {said}" if said else "")


def test_a_row_that_was_measured_has_that_note(make_run: MakeRun) -> None:
    runs = [on(make_run({"a": (0.5, 0.5)}, method="stm"), "davis17")]
    (row,) = measured(build("davis17", runs)).to_dict("records")
    assert any(note.endswith("vos-bench report delta RUN --published STM") for note in row["notes"])


@pytest.mark.parametrize(
    "other",
    [
        {"frames_seen": "annotated"},
        {"metric_version": "2"},
        {"averaging": "another way"},
        {"frames_scored": "other frames"},
    ],
)
def test_rows_of_different_rules_are_not_ranked_together(make_run: MakeRun, other: dict[str, str]) -> None:
    protocols = (MASKS, MASKS, MASKS.replace(**other))
    runs = [
        on(make_run({"a": (J, J)}, method=f"m{i}", protocol=protocol), "davis17")
        for i, (J, protocol) in enumerate(zip((0.5, 0.6, 0.9), protocols, strict=True))
    ]
    text = render(build("davis17", runs), "markdown")
    assert "**60.0**" in text
    assert "<u>50.0</u>" in text
    assert "**90.0**" not in text


def test_a_row_with_failed_sequences_is_shown_but_not_ranked(make_run: MakeRun) -> None:
    whole = on(make_run({"a": (0.5, 0.5), "b": (0.5, 0.5)}, method="whole"), "davis17")
    failed = on(make_run({"a": (0.9, 0.9), "b": None}, method="failed"), "davis17")
    rows = {row["method"]: row for row in measured(build("davis17", [whole, failed])).to_dict("records")}
    assert rows["failed"]["rank"] is None
    assert "NOT RANKED: means over 1 of 2 sequences" in rows["failed"]["notes"]
    assert rows["whole"]["rank"] is not None


def test_runs_over_different_sequences_have_rows_over_the_shared_ones_in_a_group_of_their_own(
    make_run: MakeRun,
) -> None:
    whole = on(make_run({"a": (0.9, 0.9), "b": (0.1, 0.1)}, method="whole"), "davis17")
    part = on(make_run({"a": (0.5, 0.5)}, method="part"), "davis17")
    table = build("davis17", [whole, part])
    rows = {row["method"]: row for row in measured(table).to_dict("records")}
    assert {name: row["J"] for name, row in rows.items()} == {"whole": 0.5, "part": 0.5, "whole †": 0.9, "part †": 0.5}
    assert {rows[f"{name} †"]["group"] for name in ("whole", "part")} == {
        "Measured with vos-bench, over the sequences that all runs have †"
    }
    assert rows["whole †"]["notes"][0] == "† averaged over 1 sequence that all 2 runs on davis17 val have: a"
    assert rows["whole †"]["rank"] == rows["part †"]["rank"] not in (rows["part"]["rank"], None)


def test_a_run_with_a_name_of_its_own_says_what_it_is_and_what_is_published_of_that(make_run: MakeRun) -> None:
    run = on(make_run({"a": (0.5, 0.5)}), "davis17", method=MethodEntry(name="lwl", label="Ours"))
    (row,) = measured(build("davis17", [run])).to_dict("records")
    assert row["method"] == "Ours"
    assert "a run of lwl, named by the user" in row["notes"]
    assert any(note.startswith("published as LWL") for note in row["notes"])


def test_a_row_says_which_settings_its_run_was_given(make_run: MakeRun) -> None:
    entry = MethodEntry(name="carried", config_as_passed=("flow=dis", "script=ytvos"))
    plain, given = (make_run({"a": (0.5, 0.5)}) for _ in range(2))
    given = on(given, "davis17", method=entry)
    plain = on(plain, "davis17")
    rows = {row["method"]: row["notes"] for row in measured(build("davis17", [plain, given])).to_dict("records")}
    assert "run with flow=dis script=ytvos" in rows["carried"]
    assert not any(note.startswith("run with") for note in rows["mine"])


def test_scores_of_a_server_have_a_row_that_names_server_and_date(make_run: MakeRun) -> None:
    external = ExternalScores(server="CodaLab", date="2026-03-04", scores={"G": 0.815, "J_seen": 0.8})
    run = on(make_run({"a": None}, method="lwl"), "ytvos18", "valid", external=(external,), status="complete")
    (row,) = measured(build("ytvos18", [run])).to_dict("records")
    assert (row["origin"], row["G"]) == ("server CodaLab", 0.815)
    assert any("2026-03-04" in note for note in row["notes"])


def test_runs_without_scores_and_runs_that_are_left_out_are_named_below(make_run: MakeRun) -> None:
    unscored = on(make_run({"a": None}, method="masks-only"), "davis17", status="complete")
    boxes = on(make_run({"a": (0.5, 0.5)}, protocol=MASKS.replace(init="box")), "davis17")
    dev = on(make_run({"a": (0.5, 0.5)}), "davis17", "test-dev")
    table = build("davis17", [unscored, boxes, dev])
    assert measured(table).empty
    below = " ".join(table.notes)
    assert "masks-only" in below
    assert "1 run from boxes" in below
    assert "test-dev" in below


@pytest.mark.parametrize("protocol", ["davis", "all-frames"])
def test_a_note_states_protocol_weights_and_date(make_run: MakeRun, protocol: ProtocolName) -> None:
    entry = ProtocolEntry(name=protocol, init="mask", frames_seen="all", metric_version="7", assumed=("a thing",))
    run = on(make_run({"a": (0.5, 0.5)}, protocol=entry), "davis17")
    weights = WeightsEntry(name="mine", file="w", sha256="ab" * 32)
    method = run.record.method.replace(weights=weights)
    run = replace(run, record=run.record.replace(method=method))
    (row,) = measured(build("davis17", [run])).to_dict("records")
    text = "\n".join(row["notes"])
    for part in (
        f"protocol {protocol}",
        "all frames",
        "from masks",
        "metrics 7",
        "mine",
        "abababab",
        "2026-01-01",
        "a thing",
    ):
        assert part in text


def test_box_puts_the_same_system_on_both_datasets_into_one_row(make_run: MakeRun) -> None:
    entry = MASKS.replace(init="box")
    second = make_run({"a": (0.4, 0.4)}, method="lwl", protocol=entry)
    runs = [
        on(make_run({"a": (0.5, 0.7)}, method="lwl", protocol=entry), "davis17"),
        on(second, "ytvos18", "valid", scores={**second.record.scores, "G": 0.4}),
    ]
    table = build("box", runs)
    (row,) = measured(table).to_dict("records")
    assert (row["DAVIS 2017 J"], row["YouTube-VOS 2018 G"]) == (0.5, 0.4)
    assert len(table.rows) == 3 + 1
    assert "\\multicolumn{5}{c}{YouTube-VOS 2018} & \\multicolumn{3}{c}{DAVIS 2017}" in render(table, "latex")


@pytest.mark.parametrize(
    ("config", "step"),
    [
        ({"label_source": "mask", "weight_source": "ones", "learner_gradient": False}, "Baseline"),
        ({"network": {"label_source": "mask", "weight_source": "ones", "learner_gradient": True}}, "+End-to-end"),
        ({"label_source": "learned", "weight_source": "ones", "learner_gradient": True}, "+Label Generator"),
        ({"label_source": "learned", "weight_source": "learned", "learner_gradient": True}, "+Weight Predictor"),
    ],
)
def test_ablation_knows_the_step_by_the_settings(make_run: MakeRun, config: dict[str, Any], step: str) -> None:
    run = on(make_run({"a": (0.5, 0.5)}, method="lwl-lite"), "ytvos19-holdout", "train")
    method = run.record.method.replace(config=config)
    run = replace(run, record=run.record.replace(method=method))
    (row,) = measured(build("ablation", [run])).to_dict("records")
    assert (row["method"], row["J"]) == (f"lwl-lite: {step}", 0.5)


def test_ablation_leaves_out_methods_without_such_settings(make_run: MakeRun) -> None:
    assert measured(build("ablation", [on(make_run({"a": (0.5, 0.5)}), "ytvos19-holdout")])).empty


@pytest.mark.parametrize("name", TABLES)
def test_runs_on_other_data_leave_the_published_rows_alone_on_the_command_line(
    on_disk: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments in ((str(on_disk.folder),), ()):  # no folder: `runs/`, which need not exist
        assert main(["report", name, *arguments, "--format", "csv", "--out", str(tmp_path / "t.csv")]) == 0
        rows = list(csv.DictReader((tmp_path / "t.csv").read_text(encoding="utf-8").splitlines()))
        assert rows
        assert {row["origin"] for row in rows} == {"published"}
