"""Who is at work in a folder."""

import errno
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.files import locks
from vos_bench.files.locks import FolderBusyError, FolderLock, lock_file


def without_flock(_descriptor: int, _how: int) -> None:
    raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))


@pytest.fixture(params=["flock", "no such call", "a file system without"], autouse=True)
def system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "no such call":
        monkeypatch.setattr(locks, "fcntl", None)
    elif request.param == "a file system without":
        monkeypatch.setattr("fcntl.flock", without_flock)  # for filelock too
    return str(request.param)


def taken(path: Path) -> Callable[[], None]:
    let_go = lock_file(path)
    assert let_go is not None
    return let_go


@pytest.mark.skipif(not hasattr(os, "fork"), reason="nothing is forked here")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_forked_process_holds_no_lock(tmp_path: Path, system: str) -> None:
    if system != "flock":
        pytest.skip("that of filelock is its own matter")
    let_go = taken(tmp_path / "a.lock")
    read, write = os.pipe()
    if not (child := os.fork()):
        os.write(write, b"!")
        signal.pause()
        os._exit(0)
    try:
        assert os.read(read, 1) == b"!"
        assert lock_file(tmp_path / "a.lock") is None
        let_go()
        taken(tmp_path / "a.lock")()
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        os.close(read)
        os.close(write)


def test_a_lock_file_stays_and_one_that_was_removed_is_made_anew(tmp_path: Path, system: str) -> None:
    if system != "flock":
        pytest.skip("that of filelock is its own matter")
    path = tmp_path / "a.lock"
    let_go = taken(path)
    let_go()
    assert path.exists()
    let_go()  # does nothing
    first = taken(path)
    path.unlink()
    second = taken(path)
    first()
    second()


def test_a_lock_is_no_link_that_leads_elsewhere(tmp_path: Path, system: str) -> None:
    (tmp_path / "a.lock").symlink_to(tmp_path / "other")
    if system == "flock":
        with pytest.raises(OSError, match="symbolic links"):
            lock_file(tmp_path / "a.lock")
    assert not (tmp_path / "other").exists()


def test_shards_enter_the_gate_one_by_one_and_a_whole_run_is_alone_already(tmp_path: Path) -> None:
    one, two = (FolderLock(tmp_path, shard=(k, 2)) for k in (1, 2))
    entered = threading.Event()

    def enter() -> None:
        with two.gate():
            entered.set()

    with one.held(), two.held():
        thread = threading.Thread(target=enter)
        with one.gate():
            thread.start()
            assert not entered.wait(0.2)
        thread.join(300)
        assert entered.is_set()
    whole = FolderLock(tmp_path, shard=None)
    with whole.held(), whole.gate():
        assert FolderLock(tmp_path, shard=None).is_held()
    with whole.gate():
        assert FolderLock(tmp_path, shard=None).is_held()
    assert not whole.is_held()


@pytest.mark.parametrize("shard", [None, (1, 2)])
def test_a_folder_is_held_as_long_as_a_run_or_a_shard_is_at_work(tmp_path: Path, shard: tuple[int, int] | None) -> None:
    looking = FolderLock(tmp_path / "out", shard=None)
    with FolderLock(tmp_path / "out", shard=shard).held():
        assert looking.is_held()
    assert not looking.is_held()


def test_looking_makes_nothing(tmp_path: Path) -> None:
    assert not FolderLock(tmp_path / "out", shard=None).is_held()
    assert not list(tmp_path.iterdir())


def test_a_busy_folder_is_told_from_one_that_cannot_be_written(tmp_path: Path) -> None:
    with (
        FolderLock(tmp_path, shard=None).held(),
        pytest.raises(FolderBusyError, match="another run is at work"),
        FolderLock(tmp_path, shard=None).held(patience_seconds=0.1),
    ):
        pass
    (tmp_path / "file").touch()
    with pytest.raises(BadInputError) as found, FolderLock(tmp_path / "file" / "out", shard=None).held():
        pass
    assert not isinstance(found.value, FolderBusyError)
