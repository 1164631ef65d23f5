from collections.abc import Callable

from vos_bench.records import Run
from vos_bench.records.runs_table import INDICATIVE, runs_table
from vos_bench.tables import render

MakeRun = Callable[..., Run]


def test_seeds_share_a_line_with_their_spread(make_run: MakeRun) -> None:
    runs = [make_run({"a": (J, 0.5)}, seed=seed) for seed, J in enumerate((0.5, 0.7))]
    table = runs_table([*runs, make_run({"a": (0.9, 0.9)}, method="best")])
    assert [row["method"] for row in table.rows] == ["best", "mine"]
    mine = table.rows[1]
    assert mine["seeds"] == 2
    assert abs(mine["J"] - 0.6) < 1e-12
    assert abs(mine["J ±"] - 0.2 / 2**0.5) < 1e-12
    assert "60.0 ± 14.1" in render(table, "markdown")


def test_a_failed_sequence_and_an_indicative_speed_are_marked(make_run: MakeRun) -> None:
    table = runs_table([make_run({"a": (0.5, 0.5), "b": None}, p50=81.04, indicative=True)])
    row = table.rows[0]
    assert (row["sequences"], row["state"], row["ms/frame"]) == ("1 of 2", "failed sequences", "~81.0")
    assert "FPS" not in {column.name for column in table.columns}
    assert table.notes == (INDICATIVE,)


def test_the_same_run_made_twice_counts_once(make_run: MakeRun) -> None:
    row = runs_table([make_run({"a": (0.5, 0.5)}), make_run({"a": (0.5, 0.5)})]).rows[0]
    assert row["seeds"] == 1
    assert "J ±" not in row


def test_runs_over_other_sequences_are_no_seeds_of_each_other(make_run: MakeRun) -> None:
    few, many = make_run({"a": (0.2, 0.2)}, seed=1), make_run({"a": (0.8, 0.8), "b": (0.8, 0.8)}, seed=2)
    *rows, shared = runs_table([few, many]).rows
    assert [(row["sequences"], row["seeds"], row["J"]) for row in rows] == [("2", 1, 0.8), ("1", 1, 0.2)]
    assert not any("J ±" in row for row in rows)
    assert (shared["method"], shared["sequences"], shared["seeds"], shared["J"]) == ("mine †", "1", 2, 0.5)


def test_no_run_gives_an_empty_table() -> None:
    assert len(runs_table([]).rows) == 0


def test_a_terminal_goes_without_what_says_nothing_first(make_run: MakeRun) -> None:
    runs = [make_run({"a": (0.5, 0.5)}), make_run({"a": (0.6, 0.6)}, method="other")]
    shown = headings(render(runs_table(runs), "text", width=80))
    assert {"J&F", "J", "F"} <= shown
    assert not {"frames", "init"} & shown


def test_a_terminal_keeps_the_seeds_where_there_are_several(make_run: MakeRun) -> None:
    runs = [make_run({"a": (J, 0.5)}, seed=seed) for seed, J in enumerate((0.5, 0.7))]
    assert "seeds" in headings(render(runs_table(runs), "text", width=78))


def headings(text: str) -> set[str]:
    """Return the headings of a table of text."""
    return set(text.splitlines()[2].split())
