"""Runs by date."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from vos_bench.comparing.history import history
from vos_bench.errors import BadInputError, NotComparableError
from vos_bench.records import Run
from vos_bench.tables import render

MakeRun = Callable[..., Run]


def dated(run: Run, day: int) -> Run:
    record = run.record.replace(finished=f"2026-01-{day:02d}T00:00:00Z")
    return replace(run, folder=Path(f"runs/day-{day}"), record=record)


@pytest.fixture
def fallen(make_run: MakeRun) -> list[Run]:
    """Ten runs that fell on the seventh day, the latest first."""
    values = [0.80, 0.81, 0.80, 0.79, 0.80, 0.81, 0.70, 0.71, 0.70, 0.69]
    return [dated(make_run({"a": (value, value)}), day) for day, value in enumerate(values, start=1)][::-1]


def test_runs_come_by_date_and_the_hint_names_the_place(fallen: list[Run]) -> None:
    found = history(fallen)
    assert [run.folder.name for run in found.runs] == [f"day-{day}" for day in range(1, 11)]
    assert "between 2026-01-06T00:00:00Z and 2026-01-07T00:00:00Z" in found.hint
    assert "from 80.17 to 70.00" in found.hint
    assert [row["path"] for row in found.table.rows] == [f"runs/day-{day}" for day in range(1, 11)]
    assert found.table.rows[6]["change"] == pytest.approx(-0.11)


@pytest.mark.parametrize("width", [30, 40, 60, 80, 100])
def test_a_narrow_terminal_goes_without_the_path_before_the_score(fallen: list[Run], width: int) -> None:
    deep = [replace(run, folder=Path("/results/of/the/nightly/build") / run.folder) for run in fallen]
    lines = render(history(deep).table, "text", width=width).splitlines()
    shown = lines[2].split()
    assert {"date", "method", "J&F"} <= {*shown}
    assert "path" not in shown
    assert sum(" 80.0 " in f"{line} " for line in lines) == 3
    assert "Not shown for lack of room: " in " ".join(" ".join(lines).split())
    assert shown == ["date", "method", "version", "commit", "seed", "J&F", "change"] or width < 80


def test_a_short_history_is_shown_without_a_hint(fallen: list[Run]) -> None:
    found = history(fallen[:7])
    assert found.change is None
    assert "too few" in found.hint


def test_a_level_history_says_so(make_run: MakeRun) -> None:
    found = history([dated(make_run({"a": (0.8 + day % 3 / 100, 0.8)}), day) for day in range(1, 12)])
    assert "no change of level is shown" in found.hint


def test_runs_that_are_no_history_are_refused(make_run: MakeRun) -> None:
    first = make_run({"a": (0.8, 0.8)})
    with pytest.raises(NotComparableError, match="other"):
        history([first, make_run({"a": (0.8, 0.8)}, method="other")])
    with pytest.raises(NotComparableError, match="other sequences"):
        history([first, make_run({"b": (0.8, 0.8)})])
    with pytest.raises(BadInputError, match="1 of 2 sequences"):
        history([first, make_run({"a": (0.8, 0.8), "b": None})])
