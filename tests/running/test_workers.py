"""Sequences in worker processes."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from multiprocessing.connection import Client
from pathlib import Path
from types import ModuleType

import pytest
from joblib.externals.loky import get_reusable_executor

from vos_bench.errors import BadInputError, MethodError
from vos_bench.records import SequenceRecord, load_run
from vos_bench.runner import RunSettings, run
from vos_bench.running.events import Event, receiving, sending


@pytest.fixture(autouse=True)
def fresh_workers() -> Iterator[None]:
    """Workers know the modules that could be imported when they began, so none may be left from another test."""
    get_reusable_executor().shutdown(wait=True, kill_workers=True)
    yield
    get_reusable_executor().shutdown(wait=True, kill_workers=True)


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    specs = {name: fake_vos.Spec(length=6) for name in ("a", "b", "c", "d")}
    specs["b"] = fake_vos.Spec(length=6, fault="sick")
    return RunSettings(
        method=fake_vos.info("Drift"), dataset=fake_vos.FakeDataset(specs), out=tmp_path / "out", device="cpu", jobs=2
    )


class Listener:
    def __init__(self) -> None:
        self.frames: dict[str, list[str]] = {}
        self.run: tuple[int, int] | None = None

    def run_started(self, out: Path, sequences: tuple[str, ...], skipped: int) -> None:  # noqa: ARG002
        self.run = (len(sequences), skipped)

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
    several, single = run(settings, listener=listener), run(alone)
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
    record = run(replace(settings, method=fake_vos.info("Dies")), listener=listener)
    assert (record.status, record.counts.done, record.counts.failed) == ("failed", 3, 1)
    failed = load_run(settings.out).sequences["b"]
    assert "the worker process died, twice" in failed.error
    assert listener.frames["b"][-1] == "failed"
    assert all(listener.frames[name][-1] == "done" for name in "acd")


def test_a_sequence_is_tried_again_when_its_worker_died(
    fake_vos: ModuleType, settings: RunSettings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("FAKE_MARK", str(tmp_path / "mark"))
    record = run(replace(settings, method=fake_vos.info("DiesOnce")))
    assert (tmp_path / "mark").exists()
    assert record.status == "complete"


def test_a_method_that_raises_costs_one_sequence(fake_vos: ModuleType, settings: RunSettings):
    record = run(replace(settings, method=fake_vos.info("Raises")))
    assert (record.counts.done, record.counts.failed) == (3, 1)


def test_a_method_that_cannot_be_built_ends_the_run(fake_vos: ModuleType, settings: RunSettings):
    with pytest.raises(MethodError, match="weights of another network"):
        run(replace(settings, method=fake_vos.info("CannotBeBuilt")))


def test_a_worker_that_cannot_save_ends_the_run(settings: RunSettings):
    run(replace(settings, sequences=("a",), jobs=1))
    (settings.out / "masks" / "c").touch()
    with pytest.raises(BadInputError, match=r"masks/c.*Finished sequences are kept"):
        run(settings)
    (settings.out / "masks" / "c").unlink()
    assert run(settings).status == "complete"


def test_events_of_each_sender_arrive_in_order_before_the_block_ends():
    received: list[Event] = []
    with receiving(received.append) as address:
        for sender in "abc":
            with sending(address) as send:
                for i in range(100):
                    send(("frame_done", (sender, i)))
    assert len(received) == 300
    for sender in "abc":
        assert [i for _, (origin, i) in received if origin == sender] == list(range(100))


def test_a_stranger_without_the_key_is_not_heard():
    received: list[object] = []
    with receiving(received.append) as address:
        with pytest.raises(Exception, match="digest"):
            Client(address.socket, authkey=b"guess")
        with sending(address) as send:
            send(("frame_done", ("a",)))
    assert received == [("frame_done", ("a",))]


def test_no_thread_is_left_behind():
    before = threading.active_count()
    with receiving(lambda _: None) as address, sending(address) as send:
        send(("frame_done", ("a",)))
    assert threading.active_count() == before
