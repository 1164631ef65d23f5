"""A worker that is killed before it began is tried again, and workers trust no folder of somebody else."""

import os
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.errors import MethodError
from vos_bench.running import worker_pool
from vos_bench.running.run import RunSettings, run_method
from vos_bench.running.worker_process import _acquire_slot, _slots_folder

pytestmark = pytest.mark.skipif(os.name == "nt", reason="signals and owners of POSIX")


@pytest.fixture
def settings(fake_vos: ModuleType, tmp_path: Path) -> RunSettings:
    dataset = fake_vos.FakeDataset({name: fake_vos.Spec(length=2) for name in "ab"})
    return RunSettings(method=fake_vos.info("Drift"), dataset=dataset, out=tmp_path / "out", device="cpu", jobs=2)


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Kill workers as they are started: the first of them, as many as `left` says."""
    left = [0]
    real = worker_pool.WorkerProcess.__init__

    def start(self: worker_pool.WorkerProcess, *arguments: object) -> None:
        real(self, *arguments)  # type: ignore[arg-type]
        if left[0]:
            left[0] -= 1
            os.kill(self._process.pid, signal.SIGKILL)

    monkeypatch.setattr(worker_pool.WorkerProcess, "__init__", start)
    return left


def test_a_worker_that_is_killed_before_it_began_is_tried_again(settings: RunSettings, killed: list[int]) -> None:
    killed[0] = 2
    run = run_method(settings)
    assert killed[0] == 0
    assert run.record.status == "complete"
    assert {record.notes for record in run.sequence_records.values()} == {()}


def test_workers_that_all_die_before_they_begin_end_the_run_in_one_message(
    settings: RunSettings, killed: list[int]
) -> None:
    killed[0] = 99
    with pytest.raises(MethodError, match="worker processes die before they begin: the worker process died"):
        run_method(settings)
    killed[0] = 0
    assert run_method(replace(settings, jobs=1)).record.status == "complete"


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_workers_share_a_folder_that_is_theirs_alone(temporary: Path) -> None:
    folder = _slots_folder()
    assert folder == temporary / f"vos-bench-workers-{os.getuid()}"
    assert folder.stat().st_mode & 0o777 == 0o700
    first, second = _acquire_slot(), _acquire_slot()
    assert (first[0], second[0]) == (0, 1)
    for _, lock in (first, second):
        assert lock is not None
        lock.release()


@pytest.mark.parametrize("kind", ["of another user", "a link", "a file", "open to all"])
def test_what_somebody_else_put_there_is_neither_followed_nor_used(temporary: Path, kind: str) -> None:
    planted, elsewhere = temporary / f"vos-bench-workers-{os.getuid()}", temporary / "elsewhere"
    elsewhere.mkdir()
    if kind == "a link":
        planted.symlink_to(elsewhere)
    elif kind == "a file":
        planted.write_text("theirs")
    else:
        planted.mkdir()
        planted.chmod(0o777 if kind == "open to all" else 0o700)
    if kind == "of another user":
        if os.getuid():
            pytest.skip("only root gives folders away")
        os.chown(planted, 12345, 12345)
    number, lock = _acquire_slot()
    assert number == 0
    if kind == "a file":
        assert planted.read_text() == "theirs"
    else:
        assert lock is not None
        assert Path(lock.lock_file).parent == temporary / f"vos-bench-workers-{os.getuid()}-1"
        assert not list(planted.iterdir())
        lock.release()
    assert not list(elsewhere.iterdir())
