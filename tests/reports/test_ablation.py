"""Tables and figure of ablations: equal conditions only, seeds together, never under another's name."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from vos_bench import registry
from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError
from vos_bench.records import AblationEntry, Counts, Run, VariantEntry
from vos_bench.reports.variants import variant_rows
from vos_bench.tables import FORMATS, Table, render

MakeRun = Callable[..., Run]
Ablated = Callable[..., Run]
STEPS = {
    "baseline": "Baseline",
    "end-to-end": "+End-to-end",
    "label-generator": "+Label Generator",
    "weight-predictor": "+Weight Predictor",
}
WHOLE = (("table1", "weight-predictor"), ("label-channels", "16"))


@pytest.fixture
def ablated(make_run: MakeRun) -> Ablated:
    """Make a run of lwl-lite's ablation: a variant, or several that are the same, its J and seed."""

    def make(
        *points: tuple[str, str], J: float, seed: int = 0, scale: str = "lite", steps: int = 400, note: str = ""
    ) -> Run:
        run = make_run({"a": (J, J - 0.1)}, method="lwl-lite", seed=seed)
        variants = tuple(
            VariantEntry(axis=axis, value=value, label=STEPS.get(value, value), note=note) for axis, value in points
        )
        entry = AblationEntry(
            method="lwl", scale=scale, variants=variants, recipe="ablation", steps=steps, training_seconds=420.0 + seed
        )
        data = run.record.dataset.replace(name="davis16")
        return replace(run, record=run.record.replace(ablation=entry, dataset=data))

    return make


@pytest.fixture
def table1(ablated: Ablated) -> list[Run]:
    """All steps with three seeds; the third is better than the fourth."""
    scores = zip(STEPS, (0.5, 0.6, 0.7, 0.65), strict=True)
    return [
        ablated(*(WHOLE if step == "weight-predictor" else (("table1", step),)), J=J + 0.01 * seed, seed=seed)
        for step, J in scores
        for seed in (2, 0, 1)
    ]


def build(name: str, runs: list[Run]) -> Table:
    table = registry.resolve(registry.report(name).factory)(runs)
    assert isinstance(table, Table)
    return table


def test_the_steps_stand_beside_the_published_ones_with_mean_and_spread_over_seeds(table1: list[Run]) -> None:
    table = build("ablation", table1)
    rows = table.rows
    assert [row["J"] for row in rows[:4]] == pytest.approx([0.745, 0.775, 0.789, 0.798])
    assert [row["method"] for row in rows[4:]] == [f"lwl-lite: {label}" for label in STEPS.values()]
    assert rows[4]["J"] == pytest.approx(0.51)
    assert rows[4]["J ±"] == pytest.approx(0.01)
    assert rows[4]["J&F"] == pytest.approx(0.46)
    assert rows[4]["training"] == pytest.approx(421 / 60)
    assert {row["group"] for row in rows[4:]} == {"lwl-lite, measured on davis16 val, mean ± spread over 3 seeds"}
    assert any("seeds 0, 1, 2" in note for note in rows[4]["notes"])
    assert "51.0 ± 1.0" in render(table, "markdown")


def test_measured_steps_are_never_ranked_against_published_ones(table1: list[Run]) -> None:
    rows = build("ablation", table1).rows
    published, ours = ({row["rank"] for row in part} for part in (rows[:4], rows[4:]))
    assert not published & ours
    assert len(ours) == 1


def test_an_order_that_is_not_the_papers_is_said(table1: list[Run]) -> None:
    said = (
        "the means of J rise as Baseline < +End-to-end < +Weight Predictor < +Label Generator, another order than the"
    )
    assert any(
        note.startswith(f"lwl-lite on davis16 val: {said} paper's; ") for note in build("ablation", table1).notes
    )
    assert not any("of J rise" in note for note in build("ablation", table1[:9]).notes)


def test_the_papers_order_is_said_too_and_that_one_seed_shows_little(ablated: Ablated) -> None:
    runs = [ablated(("table1", step), J=0.5 + 0.1 * i) for i, step in enumerate(STEPS)]
    order = "the means of J rise from step to step as in the paper"
    said = f"lwl-lite on davis16 val: {order}; one seed each does not tell how much of a step is chance."
    assert said in build("ablation", runs).notes


@pytest.mark.parametrize(
    ("gain", "said"),
    [
        (0.001, "within the spread of the seeds: +Weight Predictor (+0.1, between spreads of 1.0 and 1.0)."),
        (-0.009, "within the spread of the seeds: +Weight Predictor (-0.9, between spreads of 1.0 and 1.0)."),
        (0.02, "within the spread of the seeds: none."),
    ],
)
def test_steps_that_the_seeds_alone_could_make_are_named(ablated: Ablated, gain: float, said: str) -> None:
    scores = zip(STEPS, (0.5, 0.6, 0.7, 0.7 + gain), strict=True)
    runs = [ablated(("table1", step), J=J + 0.01 * seed, seed=seed) for step, J in scores for seed in (0, 1, 2)]
    assert any(note.endswith(f"; {said}") for note in build("ablation", runs).notes)


def test_a_step_is_measured_by_the_seeds_that_all_have(ablated: Ablated) -> None:
    runs = [ablated(("table1", "baseline"), J=0.5, seed=seed) for seed in (0, 1)]
    runs += [ablated(("table1", "end-to-end"), J=0.6, seed=0)]
    first, second = variant_rows(runs)
    assert (first.seeds, second.seeds) == ((0,), (0,))
    assert "left out: seed 1, which not all variants of this axis have" in first.notes
    assert (first.spread, first.rank == second.rank) == ({}, True)


def test_what_was_trained_or_measured_otherwise_is_ranked_apart(ablated: Ablated) -> None:
    runs = [ablated(("table1", "baseline"), J=0.5), ablated(("table1", "end-to-end"), J=0.6, steps=20)]
    first, second = variant_rows(runs)
    assert first.rank != second.rank
    other = ablated(("table1", "end-to-end"), J=0.6)
    data = other.record.dataset.replace(fingerprint="e" * 64)
    first, second = variant_rows([runs[0], replace(other, record=other.record.replace(dataset=data))])
    assert first.setup != second.setup


def test_a_run_without_all_its_sequences_is_not_ranked(ablated: Ablated) -> None:
    run = ablated(("table1", "baseline"), J=0.5)
    counts = Counts(selected=20, done=2, scored=2)
    [row] = variant_rows([replace(run, record=run.record.replace(counts=counts))])
    assert row.rank is None
    assert "NOT RANKED: means over 2 of 20 sequences" in row.notes


def test_the_same_run_made_twice_is_no_second_seed(ablated: Ablated) -> None:
    [row] = variant_rows([ablated(("table1", "baseline"), J=0.5), ablated(("table1", "baseline"), J=0.7)])
    assert (row.seeds, row.scores["J"], row.spread) == ((0,), 0.7, {})


def test_unfinished_runs_are_counted(ablated: Ablated) -> None:
    run = ablated(("table1", "baseline"), J=0.5)
    started = replace(run, record=run.record.replace(status="started", scores={}))
    table = build("ablation", [started])
    assert len(table.rows) == 4
    assert "Left out: 1 run of an ablation, not finished or without scores." in table.notes


def test_further_axes_have_a_group_each_in_the_plans_order_with_the_whole_method_on_each(ablated: Ablated) -> None:
    runs = [ablated(("memory", value), J=0.6) for value in ("32", "8", "1")]
    runs += [ablated(("label-channels", value), J=0.5) for value in ("4", "1")]
    runs += [ablated(*WHOLE, J=0.7, seed=seed) for seed in (0, 1)]
    table = build("ablation-axes", runs)
    assert [row["value"] for row in table.rows] == ["1", "8", "32", "1", "4", "16"]
    groups = list(dict.fromkeys(row["group"] for row in table.rows))
    assert groups == [f"{axis}: lwl-lite, measured on davis16 val" for axis in ("memory", "label-channels")]
    assert table.rows[-1]["J"] == 0.7
    assert any("left out: seed 1" in note for note in table.rows[-1]["notes"])
    assert any(note.startswith("label-channels: D, the channels") for note in table.notes)
    for format in FORMATS:
        assert render(table, format)


def test_an_ablation_whose_plan_is_not_installed_is_still_shown(ablated: Ablated) -> None:
    runs = [ablated(("depth", value), J=0.6, scale="gone") for value in ("b", "a")]
    assert [row["value"] for row in build("ablation-axes", runs).rows] == ["a", "b"]


def test_what_is_assumed_stands_in_the_notes(ablated: Ablated) -> None:
    table = build("ablation", [ablated(("table1", "baseline"), J=0.5, note="assumed: frozen")])
    assert "assumed: frozen" in table.rows[-1]["notes"]


@pytest.mark.parametrize("suffix", ["svg", "png", "pdf"])
def test_the_figure_is_drawn_in_every_format(table1: list[Run], tmp_path: Path, suffix: str) -> None:
    out = tmp_path / f"axes.{suffix}"
    assert registry.resolve(registry.report("ablation-figure").factory)(table1, ReportOptions(out=out)) == [out]
    assert out.stat().st_size > 1000
    if suffix == "png":
        with Image.open(out) as drawn:
            assert np.asarray(drawn.convert("L")).std() > 1, "a blank page"


def test_without_an_ablation_there_is_no_figure(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="found no run with an ablation"):
        registry.resolve(registry.report("ablation-figure").factory)(
            [make_run({"a": (0.5, 0.5)})], ReportOptions(out=tmp_path / "f.svg")
        )
