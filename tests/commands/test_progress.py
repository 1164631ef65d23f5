from types import SimpleNamespace

import pytest

from vos_bench.commands.progress import TerminalProgress, duration, time_left
from vos_bench.errors import BadInputError
from vos_bench.records import SequenceRecord
from vos_bench.running.frames import object_frames


def sequence(frames: int, starts: dict[int, int]) -> SimpleNamespace:
    names = tuple(f"{number:05d}" for number in range(frames))
    return SimpleNamespace(
        frame_names=names, output_names=names[::5], first_frames={k: names[start] for k, start in starts.items()}
    )


def test_work_is_the_frames_of_each_object_from_its_first_one_on():
    assert object_frames(sequence(100, {1: 0, 7: 60}), frames="all") == 140
    assert object_frames(sequence(100, {1: 0, 7: 60}), frames="annotated") == 28
    assert object_frames(sequence(100, {}), frames="all") == 100


def test_time_left_goes_by_work_and_passes_over_what_cannot_be_opened():
    weights = {"a": 100.0, "b": 200.0, "c": 50.0}

    def work(name: str) -> float:
        if name not in weights:
            raise BadInputError("broken")
        return weights[name]

    record = SequenceRecord(name="a", status="done", seconds=10)
    assert time_left(record, ["b", "c", "broken"], work=work) == 25


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.2, "1 s"), (59, "59 s"), (89, "89 s"), (90, "2 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min"),
     (200_000, "2 d 7 h")],
)  # fmt: skip
def test_durations_have_two_units(seconds: float, text: str):
    assert duration(seconds) == text


def test_the_estimate_is_said_once_for_all_that_is_left_and_shared_by_those_at_work(capsys: pytest.CaptureFixture[str]):
    progress = TerminalProgress()
    with progress:
        progress.run_started(("scored-again", "a", "b", "c"), 3, {"a": 1.0, "b": 2.0, "c": 4.0}.__getitem__)
        progress.sequence_finished(SequenceRecord(name="scored-again", status="done"))
        for name in ("a", "b"):
            progress.sequence_started(name, 5)
        for name in ("a", "b", "c"):
            progress.sequence_finished(SequenceRecord(name=name, status="done", seconds=1000))
    assert capsys.readouterr().err.splitlines() == ["about 50 min left for 2 sequences"]


def test_a_sequence_that_is_started_again_has_one_bar():
    progress = TerminalProgress()
    progress.run_started(("a", "b"), 0, lambda _: 1.0)
    for _ in range(2):
        progress.sequence_started("a", 5)
        progress.frame_done("a")
    assert [(task.description, task.completed) for task in progress._bars.tasks] == [("sequences", 0), ("a", 1)]


def test_a_failed_sequence_is_no_measure(capsys: pytest.CaptureFixture[str]):
    progress = TerminalProgress()
    progress.run_started(("a", "b", "c"), 0, lambda _: 1.0)
    for name, status in (("a", "failed"), ("b", "done"), ("c", "done")):
        progress.sequence_started(name, 5)
        progress.sequence_finished(SequenceRecord(name=name, status=status, seconds=60))
    assert capsys.readouterr().err.splitlines() == ["about 60 s left for 1 sequence"]
