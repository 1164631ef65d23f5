"""The report of real time: the score beside the offline one, by hardware."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs

from vos_bench.records import ProtocolEntry, RealTimeEntry, Run
from vos_bench.reports.real_time import make_table

MakeRun = Callable[..., Run]


@pytest.fixture
def at(make_run: MakeRun) -> Callable[..., Run]:
    def made(score: float, fps: float | None, *, hardware: str = "a GPU", seed: int = 0, dropped: int = 0) -> Run:
        rules = None if fps is None else RealTimeEntry(fps=fps, grace=3, hardware=hardware)
        protocol = ProtocolEntry(name="davis", init="mask", frames_seen="all", real_time=rules)
        run = make_run({"a": (score, score)}, seed=seed, protocol=protocol, p50=7.0, indicative=True)
        a = run.sequence_records["a"]
        record = structs.replace(a, dropped_frames=tuple(map(str, range(dropped))))
        return replace(run, sequence_records={"a": record})

    return made


def test_a_line_has_both_scores_and_what_was_dropped(at: Callable[..., Run]) -> None:
    [row] = make_table([at(0.8, None), at(0.6, 30, dropped=2)]).rows
    assert (row["group"], row["rate"], row["grace"], row["p50"]) == ("a GPU", 30, 3, 7.0)
    assert (row["in real time"], row["offline"], row["change"]) == (0.6, 0.8, pytest.approx(-0.2))
    assert row["dropped"] == pytest.approx(2 / 3)


def test_without_an_offline_run_there_is_no_change(at: Callable[..., Run]) -> None:
    [row] = make_table([at(0.6, 30)]).rows
    assert (row.get("offline"), row.get("change"), row["dropped"]) == (None, None, 0)


def test_machines_and_rates_are_lines_of_their_own_and_seeds_are_not(at: Callable[..., Run]) -> None:
    runs = [at(0.5, 30), at(0.7, 30, seed=1), at(0.4, 60), at(0.3, 30, hardware="a phone"), at(0.9, None)]
    rows = make_table(runs).rows
    assert [(row["group"], row["rate"], row["in real time"]) for row in rows] == [
        ("a GPU", 30, pytest.approx(0.6)),
        ("a GPU", 60, 0.4),
        ("a phone", 30, 0.3),
    ]
    assert rows[0]["in real time ±"] == pytest.approx(0.2 / 2**0.5)


def test_offline_runs_alone_make_no_line(at: Callable[..., Run]) -> None:
    assert make_table([at(0.9, None)]).rows == []


def test_a_table_without_runs_in_real_time_says_so(at: Callable[..., Run]) -> None:
    assert make_table([at(0.9, None)]).notes[0].startswith("No run here was in real time")
    assert len(make_table([at(0.9, 30.0)]).notes) == 1
