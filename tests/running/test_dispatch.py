"""Sequences in worker processes."""

import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import BadInputError, MethodError
from vos_bench.progress import Progress
from vos_bench.records import SequenceRecord, load_run
from vos_bench.running.dispatch import WorkerJob, WorkerResult, _RemoteSequences
from vos_bench.running.events import receiving, sending
from vos_bench.running.run import RunSettings, run_method
from vos_bench.running.setup import prepare_run


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    specs = {name: fake_vos.Spec(length=6) for name in ("a", "b", "c", "d")}
    specs["b"] = fake_vos.Spec(length=6, fault="sick")
    return RunSettings(
        method=fake_vos.info("Drift"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu", jobs=2
    )


class Listener(Progress):
    def __init__(self) -> None:
        self.frames: dict[str, list[str]] = {}
        self.run: tuple[int, int] | None = None

    def run_started(self, sequences: tuple[str, ...], finished: int, work: Callable[[str], float]) -> None:  # noqa: ARG002
        self.run = (len(sequences), finished)

    def sequence_started(self, name: str, frames: int) -> None:
        self.frames[name] = [f"started {frames}"]

    def frame_done(self, name: str) -> None:
        self.frames[name].append("frame")

    def sequence_finished(self, record: SequenceRecord) -> None:
        self.frames[record.name].append(record.status)


def masks(out: Path) -> dict[str, bytes]:
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(out.glob("masks/*/*"))}


def test_several_processes_give_what_one_gives_but_no_fps(settings: RunSettings, tmp_path: Path):
    alone = replace(settings, jobs=1, out=tmp_path / "alone")
    listener = Listener()
    several, single = run_method(settings, progress=listener).record, run_method(alone).record
    assert several.status == "complete"
    assert several.scores == single.scores
    assert masks(settings.out) == masks(alone.out)
    assert several.timing is not None
    assert several.timing.fps is None
    assert several.numerics is not None
    assert (several.numerics.seed, several.numerics.device) == (0, "cpu")
    assert listener.run == (4, 0)
    assert listener.frames == {name: ["started 6", *["frame"] * 6, "done"] for name in "abcd"}


def test_a_worker_that_dies_costs_one_sequence(fake_vos: ModuleType, settings: RunSettings):
    listener = Listener()
    record = run_method(replace(settings, method=fake_vos.info("Dies")), progress=listener).record
    assert (record.status, record.counts.done, record.counts.failed) == ("failed", 3, 1)
    failed = load_run(settings.out).sequence_records["b"]
    assert failed.error == (
        "tried twice: first, the worker process died (exit code 9); then, the worker process died (exit code 9)"
    )
    assert listener.frames["b"][-1] == "failed"
    assert all(listener.frames[name][-1] == "done" for name in "acd")


def test_a_sequence_is_tried_again_when_its_worker_died(
    fake_vos: ModuleType, settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE_MARK", str(tmp_path / "mark"))
    record = run_method(replace(settings, method=fake_vos.info("DiesOnce"))).record
    assert (tmp_path / "mark").exists()
    assert record.status == "complete"


def test_a_method_that_raises_costs_one_sequence(fake_vos: ModuleType, settings: RunSettings):
    record = run_method(replace(settings, method=fake_vos.info("Raises"))).record
    assert (record.counts.done, record.counts.failed) == (3, 1)


def test_a_method_that_cannot_be_built_ends_the_run(fake_vos: ModuleType, settings: RunSettings):
    with pytest.raises(MethodError, match="weights of another network"):
        run_method(replace(settings, method=fake_vos.info("CannotBeBuilt")))


def test_a_worker_that_cannot_save_ends_the_run(settings: RunSettings):
    run_method(replace(settings, sequences=("a",), jobs=1))
    (settings.out / "masks" / "c").touch()
    with pytest.raises(BadInputError, match=r"masks/c.*Finished sequences are kept"):
        run_method(settings)
    (settings.out / "masks" / "c").unlink()
    assert run_method(settings).record.status == "complete"


class Heard(Progress):
    """Keeps the events of sequences, each with its sequence's name."""

    def __init__(self) -> None:
        self.events: list[tuple[str, str]] = []

    def sequence_started(self, name: str, frames: int) -> None:  # noqa: ARG002
        self.events.append(("sequence_started", name))

    def frame_done(self, name: str) -> None:
        self.events.append(("frame_done", name))

    def sequence_finished(self, record: SequenceRecord) -> None:
        self.events.append(("sequence_finished", record.name))


@pytest.fixture
def ledger(settings: RunSettings) -> tuple[_RemoteSequences, list[tuple[str, str]]]:
    """A ledger and what it passes on, each with the name of its sequence."""
    prepared = prepare_run(settings)
    job = WorkerJob(settings.dataset, prepared.spec, prepared.task, workers=2)
    heard = Heard()
    return _RemoteSequences(heard, job), heard.events


def test_events_that_come_after_the_end_or_before_the_start_are_not_passed_on(ledger: tuple):
    ledger, told = ledger
    ledger.frame_done("a")
    ledger.sequence_started("a", 6)
    ledger.add(WorkerResult("a", SequenceRecord(name="a", status="done"), None, ()))
    ledger.frame_done("a")
    ledger.sequence_started("a", 6)
    assert told == [("sequence_started", "a"), ("sequence_finished", "a")]


def test_a_sequence_of_which_no_event_came_through_is_told_of_when_it_has_ended(ledger: tuple):
    ledger, told = ledger
    ledger.add(WorkerResult("a", SequenceRecord(name="a", status="done"), None, ()))
    assert told == [("sequence_started", "a"), ("sequence_finished", "a")]


def test_events_of_each_sender_arrive_in_order_before_the_block_ends():
    heard = Heard()
    with receiving(heard, host="127.0.0.1") as address:
        for sequence in "abc":
            with sending(address) as sender:
                for number in range(100):
                    sender.frame_done(f"{sequence}{number}")
    assert len(heard.events) == 300
    for sequence in "abc":
        names = [name for _, name in heard.events if name.startswith(sequence)]
        assert names == [f"{sequence}{number}" for number in range(100)]


def test_only_the_events_of_sequences_and_frames_are_heard():
    heard = Heard()
    with receiving(heard, host="127.0.0.1") as address:
        with sending(address) as stranger:
            stranger._send("sequence_finished", "a")
        with sending(address) as sender:
            sender.frame_done("b")
    assert heard.events == [("frame_done", "b")]


def test_a_stranger_without_the_key_is_not_heard_and_holds_up_nobody():
    heard = Heard()
    with receiving(heard, host="127.0.0.1") as address, socket.create_connection(address[:2]):  # says nothing
        with sending(address._replace(key=b"guess")) as stranger:
            stranger.frame_done("x")
        with sending(address) as sender:
            sender.frame_done("a")
    assert heard.events == [("frame_done", "a")]


def test_a_sender_notices_that_nobody_listens_any_more():
    with receiving(Progress(), host="127.0.0.1") as address, ExitStack() as later:
        sender = later.enter_context(sending(address))
        sender.frame_done("a")
        assert not sender.gone()
        later.pop_all()
    assert sender.gone()


def test_where_nobody_can_be_reached_nothing_is_told():
    with receiving(Progress(), host="127.0.0.1") as address:
        pass
    with sending(address) as sender:
        sender.frame_done("a")
        assert not sender.gone()


def test_no_thread_is_left_behind():
    before, heard = set(threading.enumerate()), threading.Event()
    listener = Progress()
    listener.frame_done = lambda _: heard.set()
    with receiving(listener, host="127.0.0.1") as address, sending(address) as sender:
        sender.frame_done("a")
        assert heard.wait(300)
        started = set(threading.enumerate()) - before
    assert started
    assert started.isdisjoint(threading.enumerate())
