"""A run that is killed loses nothing that was finished."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from vos_bench.errors import BadInputError
from vos_bench.records import load_run
from vos_bench.running.locks import FolderLock

SCRIPT = Path(__file__).resolve().parent.parent / "fakes" / "run_fake.py"
pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

LENGTH = "10"
PATIENCE_SECONDS = 120


class Runs:
    """Starts runs in processes of their own and leaves none behind."""

    def __init__(self, errors: Path) -> None:
        self._errors = errors
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, out: Path, *, jobs: int = 1, method: str = "Slow", mark: Path = Path()) -> subprocess.Popen[bytes]:
        command = [sys.executable, str(SCRIPT), str(out), method, str(jobs), LENGTH]
        with self._errors.open("wb") as errors:
            self._started.append(
                subprocess.Popen(
                    command,
                    stdout=subprocess.DEVNULL,
                    stderr=errors,
                    start_new_session=True,
                    env=os.environ | {"FAKE_MARK": str(mark)},
                )
            )
        return self._started[-1]

    def finish(self, process: subprocess.Popen[bytes]) -> None:
        assert process.wait(PATIENCE_SECONDS) == 0, self.errors()

    def errors(self) -> str:
        return self._errors.read_text("utf-8")

    def end(self) -> None:
        for process in self._started:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Runs]:
    started = Runs(tmp_path_factory.mktemp("errors") / "errors.txt")
    yield started
    started.end()


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "the run ended too soon"
        assert time.monotonic() < deadline
        time.sleep(0.005)


def written(out: Path) -> int:
    return len(list(out.glob("masks/*/*.png")))


def results(out: Path) -> dict[str, bytes]:
    paths = [*out.glob("masks/*/*"), out / "objects.csv", out / "frames.csv.gz"]
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(paths)}


@pytest.fixture(scope="module")
def unbroken(runs: Runs, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    out = tmp_path_factory.mktemp("unbroken") / "out"
    runs.finish(runs.start(out))
    return results(out)


@pytest.mark.parametrize("jobs", [1, 2])
def test_killed_at_any_moment_and_run_again_equals_an_unbroken_one(
    runs: Runs, tmp_path: Path, unbroken: dict, jobs: int
):
    chance = random.Random(jobs)
    out = tmp_path / "out"
    for _ in range(3):
        process = runs.start(out, jobs=jobs)
        goal = written(out) + chance.randrange(1, 16)
        wait_for(lambda goal=goal: written(out) >= goal or (out / "objects.csv").exists(), process)
        time.sleep(chance.random() * 0.03)
        finished = set(out.glob("sequences/*.json"))
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        assert finished <= set(out.glob("sequences/*.json"))
    runs.finish(runs.start(out, jobs=jobs))
    assert results(out) == unbroken
    assert load_run(out).record.status == "complete"
    assert not list(out.glob("**/*.part"))


def test_workers_that_outlive_a_killed_run_do_not_disturb_the_next(runs: Runs, tmp_path: Path, unbroken: dict):
    out = tmp_path / "out"
    process = runs.start(out, jobs=2)
    wait_for(lambda: written(out) >= 6, process)
    process.kill()
    process.wait()
    runs.finish(runs.start(out, jobs=2))
    time.sleep(1)
    assert results(out) == unbroken
    assert load_run(out).record.counts.failed == 0


def test_finished_sequences_are_not_run_again(runs: Runs, tmp_path: Path):
    out = tmp_path / "out"
    process = runs.start(out)
    wait_for(lambda: len(list(out.glob("sequences/*.json"))) >= 2, process)
    process.kill()
    process.wait()
    before = {path: path.stat().st_mtime_ns for path in out.glob("sequences/*.json")}
    assert len(before) >= 2
    runs.finish(runs.start(out))
    assert before.items() <= {path: path.stat().st_mtime_ns for path in out.glob("sequences/*.json")}.items()


def test_a_second_run_in_the_same_folder_stops_and_the_first_goes_on(runs: Runs, tmp_path: Path):
    out, mark = tmp_path / "out", tmp_path / "mark"
    first = runs.start(out, method="Waits", mark=mark)
    wait_for(lambda: written(out) > 0, first)
    second = runs.start(out, method="Waits", mark=mark)
    assert second.wait(PATIENCE_SECONDS) != 0
    assert "another run is at work in this folder" in runs.errors()
    mark.touch()
    runs.finish(first)
    assert load_run(out).record.status == "complete"


def test_a_killed_run_leaves_no_lock(runs: Runs, tmp_path: Path):
    out = tmp_path / "out"
    process = runs.start(out)
    wait_for(lambda: written(out) > 0, process)
    with pytest.raises(BadInputError), FolderLock(out, shard=None).held():
        pass
    process.kill()
    process.wait()
    with FolderLock(out, shard=None).held():
        pass
