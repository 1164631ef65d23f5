"""The leaderboard's rows: one for runs that differ by their seeds, and runs over different sequences side by side."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vos_bench.api import ReportOptions
from vos_bench.records import Run
from vos_bench.records.selection import with_labels
from vos_bench.reports.page.headline import headline_groups
from vos_bench.reports.page.leaderboard import leaderboard
from vos_bench.reports.page.scenes import entries_of
from vos_bench.reports.page.site import write_page

MakeRun = Callable[..., Run]


@pytest.fixture
def seeds(make_run: MakeRun) -> list[Run]:
    """Three seeds of one method, and another method."""
    runs = [make_run({"a": (J, J)}, seed=seed, p50=10.0 + seed) for seed, J in enumerate((0.5, 0.6, 0.7))]
    runs.append(make_run({"a": (0.55, 0.55)}, method="other"))
    return [replace(run, folder=Path("runs") / str(i)) for i, run in enumerate(runs)]


def test_seeds_are_one_row_with_their_spread_and_lead_to_each_run(seeds: list[Run]) -> None:
    (group,) = leaderboard(entries_of(seeds)).groups
    assert [row.name for row in group.rows] == ["mine", "other"]
    mine, other = group.rows
    assert mine.cells[0].text == "60.0 ± 10.0"
    assert (mine.cells[0].rank, other.cells[0].rank) == (1, 2)
    assert mine.values[0] == pytest.approx(0.6)
    assert mine.latency == 11
    assert mine.seeds == (("0", "run-001.html"), ("1", "run-002.html"), ("2", "run-003.html"))
    assert (other.seeds, other.cells[0].text) == ((), "55.0")


def test_two_systems_of_one_name_are_told_apart(make_run: MakeRun) -> None:
    runs = [make_run({"a": (0.5, 0.5)}, seed=seed, amp=amp) for amp in ("off", "bf16") for seed in (0, 1)]
    placed = [replace(run, folder=Path("runs") / run.record.numerics.amp / str(i)) for i, run in enumerate(runs)]
    (group,) = leaderboard(entries_of(placed)).groups
    assert sorted(row.name for row in group.rows) == ["mine, bf16", "mine, off"]


def test_a_seed_that_was_run_twice_counts_once_and_keeps_its_page(seeds: list[Run]) -> None:
    later = seeds[0].record.replace(scores={**seeds[0].record.scores, "J&F": 0.9, "J": 0.9, "F": 0.9})
    again = replace(seeds[0], folder=Path("runs/again"), record=later)
    (group,) = leaderboard(entries_of([*seeds, again])).groups
    assert group.rows[0].values[0] == pytest.approx((0.9 + 0.6 + 0.7) / 3)
    assert [seed for seed, _ in group.rows[0].seeds] == ["0", "0", "1", "2"]


def test_runs_over_different_sequences_stand_side_by_side_over_the_shared_ones(make_run: MakeRun) -> None:
    runs = [
        make_run({"a": (0.2, 0.2), "b": (0.8, 0.8)}, method="whole"),
        make_run({"a": (0.3, 0.3)}, method="part"),
    ]
    groups = leaderboard(entries_of(runs)).groups
    assert [[row.name for row in group.rows] for group in groups] == [["whole"], ["part"], ["part †", "whole †"]]
    assert "† averaged over 1 sequence that all 2 runs on demo val have: a" in groups[-1].about
    assert [row.cells[0].text for row in groups[-1].rows] == ["30.0", "20.0"]
    assert [row.cells[0].rank for row in groups[-1].rows] == [1, 2]
    assert [row.file for row in groups[-1].rows] == ["run-002.html", "run-001.html"]


def test_the_page_has_a_link_to_each_seed_and_shows_labels(seeds: list[Run], tmp_path: Path) -> None:
    write_page(with_labels(seeds, {Path("runs/3"): "Theirs (v1)"}), ReportOptions(out=tmp_path / "site", root=tmp_path))
    text = (tmp_path / "site" / "index.html").read_text(encoding="utf-8")
    assert 'seeds <a href="run-001.html">0</a> <a href="run-002.html">1</a> <a href="run-003.html">2</a>' in text
    assert "60.0 ± 10.0" in text
    assert ">Theirs (v1)</a>" in text


def test_published_figures_stand_below_clean_runs_alone(make_run: MakeRun) -> None:
    clean, noisy = (make_run({"blackswan": (0.8, 0.8)}, method=name) for name in ("clean", "noisy"))
    data = clean.record.dataset.replace(name="davis16", split="val")
    records = [
        clean.record.replace(dataset=data),
        noisy.record.replace(dataset=data, protocol=noisy.record.protocol.replace(corruption="noise:3")),
    ]
    runs = [replace(run, record=record) for run, record in zip((clean, noisy), records, strict=True)]
    groups = leaderboard(entries_of(runs[::-1])).groups
    assert [[row.name for row in group.rows] for group in groups] == [["clean"], ["noisy"]]
    assert groups[0].published
    assert not groups[1].published
    titles = [group.title for group in headline_groups(entries_of(runs))]
    assert "corrupted by noise:3" in titles[1]
    assert "corrupted" not in titles[0]
