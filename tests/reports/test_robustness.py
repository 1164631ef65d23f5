"""The report of robustness: one line a corruption, one column a severity, the clean run beside them."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import pytest

from vos_bench.api import ReportOptions
from vos_bench.errors import BadInputError
from vos_bench.records import ProtocolEntry, Run
from vos_bench.reports.measured import unscored
from vos_bench.reports.robustness import draw_figure, make_table, robustness_curves
from vos_bench.tables import render

MakeRun = Callable[..., Run]


@pytest.fixture
def corrupted(make_run: MakeRun) -> Callable[..., Run]:
    def made(corruption: str, score: float, *, method: str = "mine", seed: int = 0, fingerprint: str = "f" * 64) -> Run:
        protocol = ProtocolEntry(name="davis", init="mask", frames_seen="all", corruption=corruption)
        return make_run({"a": (score, score)}, method=method, seed=seed, protocol=protocol, fingerprint=fingerprint)

    return made


def test_a_line_has_the_clean_score_each_severity_and_what_is_kept(corrupted: Callable[..., Run]) -> None:
    runs = [corrupted("", 0.8), *(corrupted(f"noise:{i}", 0.8 - i / 10) for i in range(1, 6))]
    [row] = make_table(runs).rows
    assert (row["method"], row["corruption"], row["clean"]) == ("mine", "noise", 0.8)
    assert [row[str(i)] for i in range(1, 6)] == pytest.approx([0.7, 0.6, 0.5, 0.4, 0.3])
    assert (row["mean"], row["kept"]) == pytest.approx((0.5, 0.625))


def test_a_mean_over_some_severities_is_none(corrupted: Callable[..., Run]) -> None:
    [row] = make_table([corrupted("", 0.8), corrupted("blur:1", 0.7), corrupted("blur:3", 0.6)]).rows
    assert (row["mean"], row["kept"], row["1"], row["3"]) == (None, None, 0.7, 0.6)
    assert "2" not in [column.name for column in make_table([corrupted("blur:1", 0.7)]).columns]


def test_without_a_clean_run_nothing_is_kept(corrupted: Callable[..., Run]) -> None:
    [row] = make_table([corrupted(f"noise:{i}", 0.5) for i in range(1, 6)]).rows
    assert (row.get("clean"), row["mean"], row["kept"]) == (None, 0.5, None)


def test_a_changing_severity_has_a_line_of_its_own(corrupted: Callable[..., Run]) -> None:
    rows = make_table([corrupted("noise:1-5", 0.4), corrupted("noise:5-1", 0.3), corrupted("noise:2", 0.6)]).rows
    found = {row["corruption"]: (row.get("changing"), row.get("2")) for row in rows}
    assert found == {"noise": (None, 0.6), "noise 1-5": (0.4, None), "noise 5-1": (0.3, None)}


def test_seeds_share_a_line_and_a_run_made_twice_counts_once(corrupted: Callable[..., Run]) -> None:
    twice = corrupted("dark:1", 0.1, seed=1)
    later = replace(twice, record=corrupted("dark:1", 0.6, seed=1).record.replace(created="2026-02-01T00:00:00Z"))
    [row] = make_table([corrupted("dark:1", 0.4, seed=0), later, twice]).rows
    assert row["1"] == pytest.approx(0.5)
    assert row["1 ±"] == pytest.approx(0.2 / 2**0.5)


def test_other_data_and_methods_are_other_lines(corrupted: Callable[..., Run]) -> None:
    runs = [
        corrupted("", 0.9),
        corrupted("dark:1", 0.5, method="other"),
        corrupted("dark:1", 0.4, fingerprint="e" * 64),
    ]
    assert [(row["method"], row.get("clean")) for row in make_table(runs).rows] == [("mine", None), ("other", None)]


def test_a_table_of_nothing_is_empty(make_run: MakeRun) -> None:
    assert make_table([make_run({"a": (0.5, 0.5)})]).rows == []
    assert "Robustness" in render(make_table([]), "text")


def test_the_figure_has_a_panel_for_each_corruption_and_a_line_for_each_method(
    corrupted: Callable[..., Run], tmp_path: Path
) -> None:
    runs = [
        corrupted(f"{name}:{i}" if i else "", 0.9 - i / 10, method=method)
        for method in ("mine", "other")
        for name in ("noise", "jpeg")
        for i in range(6)
    ]
    with mpl.rc_context({"svg.fonttype": "none"}):
        assert draw_figure(runs, ReportOptions(out=tmp_path / "f.svg")) == [tmp_path / "f.svg"]
    text = (tmp_path / "f.svg").read_text()
    assert [text.count(f"{name} (demo val)") for name in ("noise", "jpeg")] == [1, 1]
    assert (text.count(">mine<"), text.count(">other<")) == (1, 1)
    assert {len(curve.values) for curve in robustness_curves(runs)} == {6}


def test_a_figure_of_clean_runs_says_what_it_lacks(make_run: MakeRun, tmp_path: Path) -> None:
    with pytest.raises(BadInputError, match="found no run with a corruption of one severity"):
        draw_figure([make_run({"a": (0.5, 0.5)})], ReportOptions(out=tmp_path / "f.svg"))


def test_a_table_without_corrupted_runs_says_so(make_run: MakeRun) -> None:
    assert "No run here was corrupted" in render(make_table([make_run({"a": (0.5, 0.5)})]), "text")


def test_tables_of_published_rows_say_which_run_they_leave_out(corrupted: Callable[..., Run]) -> None:
    (said,) = unscored([corrupted("noise:1", 0.5)], wanted=lambda _: True)
    assert said.startswith("mine on demo val of 20")
    assert said.endswith("is left out: corrupted by noise:1.")
