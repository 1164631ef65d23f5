"""Sequences on a cluster, and workers that die, hang or lose their GPU: what comes out is what one process gives."""

import importlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from types import ModuleType, SimpleNamespace

import psutil
import pytest
from joblib import delayed

from vos_bench.clusters import LOCAL, Cluster, connection, parse_cluster
from vos_bench.clusters.connection import connect
from vos_bench.errors import BadInputError
from vos_bench.records import Run, load_run
from vos_bench.running.dispatch import HOST_LOST, WorkerInput, WorkerResult, supervise
from vos_bench.running.events import Address
from vos_bench.running.run import run_method
from vos_bench.running.worker_pool import close_pool

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")

FAKES = Path(__file__).resolve().parent.parent / "fakes"
PATIENCE_SECONDS = 900


class Processes:
    """Starts processes of their own and leaves none behind."""

    def __init__(self, folder: Path, cache: Path) -> None:
        self.folder = folder
        self._started: list[subprocess.Popen[bytes]] = []
        self.environment = os.environ | {
            "FAKE_MARK": f"{folder}/mark-",
            "HOME": str(folder),  # ray writes there
            "OMP_NUM_THREADS": "1",
            "VOS_BENCH_CACHE": str(cache),  # where other tests have the demo too
        }

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        output = (self.folder / f"{len(self._started)}.txt").open("wb")
        with output:
            process = subprocess.Popen(
                [sys.executable, *command],
                stdout=output,
                stderr=output,
                env=self.environment,
                cwd=self.folder,
                start_new_session=True,
            )
        self._started.append(process)
        return process

    def output(self, process: subprocess.Popen[bytes]) -> str:
        return (self.folder / f"{self._started.index(process)}.txt").read_text("utf-8", "replace")

    def finish(self, process: subprocess.Popen[bytes]) -> str:
        assert process.wait(PATIENCE_SECONDS) == 0, self.output(process)
        return self.output(process)

    def end(self) -> None:
        for process in reversed(self._started):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@pytest.fixture(scope="module")
def processes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Processes]:
    started = Processes(tmp_path_factory.mktemp("engines"), tmp_path_factory.getbasetemp() / "home" / "cache")
    yield started
    started.end()


@pytest.fixture(scope="module")
def dask(processes: Processes) -> str:
    """A scheduler and three workers, each a process of its own; they are started over when they die."""
    pytest.importorskip("distributed", reason="needs the extra dask")
    where = processes.folder / "scheduler.json"
    common = ("--scheduler-file", str(where), "--no-dashboard")
    scheduler = processes.start("-m", "distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", *common)
    wait_for(where.exists, scheduler)
    for _ in range(3):
        processes.start("-m", "distributed.cli.dask_worker", "--nthreads", "1", *common)
    return json.loads(where.read_text())["address"].replace("tcp://", "dask://")


@pytest.fixture
def fakes(fake_vos: ModuleType, processes: Processes, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    del fake_vos  # puts the folder on the path
    for old in processes.folder.glob("mark-*"):
        old.unlink()
    monkeypatch.setenv("FAKE_MARK", processes.environment["FAKE_MARK"])
    return importlib.import_module("fake_workers")


@pytest.fixture
def serial(fakes: ModuleType, tmp_path: Path) -> dict[str, bytes]:
    """What one process gives, of a method that is never at fault."""
    assert (
        run_method(replace(fakes.settings(tmp_path / "serial", "fake_vos:Drift"), jobs=1)).record.status == "complete"
    )
    return results(tmp_path / "serial")


def results(out: Path) -> dict[str, bytes]:
    paths = [*out.glob("masks/*/*"), out / "objects.csv", out / "frames.csv.gz"]
    return {str(path.relative_to(out)): path.read_bytes() for path in sorted(paths)}


def notes(found: Run) -> dict[str, tuple[str, ...]]:
    return {name: sequence.notes for name, sequence in found.sequence_records.items() if sequence.notes}


def wait_for(condition: Callable[[], object], process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not condition():
        assert process.poll() is None, "it ended too soon"
        assert time.monotonic() < deadline
        time.sleep(0.02)


def start_waiting(
    processes: Processes, out: Path, engine: str, workers: int
) -> tuple[subprocess.Popen[bytes], list[psutil.Process]]:
    """Start a run whose sequences wait in the middle; return it and its worker processes."""
    running = processes.start(str(FAKES / "fake_workers.py"), str(out), "fake_workers:TellsWho", engine)
    wait_for(lambda: len(list(processes.folder.glob("mark-waiting-*"))) >= workers, running)
    waiting = sorted(processes.folder.glob("mark-waiting-*"))
    return running, [psutil.Process(int(path.name.rpartition("-")[2])) for path in waiting]


@pytest.mark.parametrize("text", ["", "dask", "dask://", "dask://host", "dask://local", "ray://host", "slurm://a:1"])
def test_an_engine_that_nobody_knows_is_said_plainly(text: str):
    with pytest.raises(BadInputError, match=r"--engine .*: expected local, dask://HOST:PORT, ray://HOST:PORT"):
        parse_cluster(text)


@pytest.mark.parametrize("text", ["local", "dask://host:8786", "ray://host:10001", "ray://auto", "ray://local"])
def test_an_engine_is_written_as_it_was_read(text: str):
    assert str(parse_cluster(text)) == text


@pytest.mark.parametrize(("kind", "module"), [("dask", "distributed"), ("ray", "ray")])
def test_a_package_that_is_not_installed_is_named_with_its_extra(
    monkeypatch: pytest.MonkeyPatch, kind: str, module: str
):
    monkeypatch.setitem(sys.modules, module, None)
    said = pytest.raises(BadInputError, match=rf"pip install '\.\[{kind}\]', here and on every machine")
    with said, connect(parse_cluster(f"{kind}://127.0.0.1:1"), jobs=None):
        pass


@pytest.mark.parametrize("kind", ["dask", "ray"])
def test_an_engine_that_cannot_be_reached_is_said_plainly(monkeypatch: pytest.MonkeyPatch, kind: str):
    monkeypatch.setattr(connection, "import_module", lambda _: None)
    with socket.socket() as held:  # nobody listens, and nobody else can
        held.bind(("127.0.0.1", 0))
        address = f"{kind}://127.0.0.1:{held.getsockname()[1]}"
        said = pytest.raises(BadInputError, match=rf"--engine {address}: cannot be reached: .*; expected a ")
        with said, connect(parse_cluster(address), jobs=None):
            pass


def test_a_ray_that_does_not_start_is_said_plainly(monkeypatch: pytest.MonkeyPatch):
    def init(**_: object) -> None:
        raise Exception("The current node timed out\nduring startup.")  # as ray does

    monkeypatch.setattr(connection, "import_module", lambda _: SimpleNamespace(init=init))
    said = pytest.raises(
        BadInputError, match="--engine ray://local: cannot be joined: The current node timed out during"
    )
    with said, connect(Cluster("ray", "local"), jobs=1):
        pass


def test_a_task_that_an_engine_gave_up_ends_the_run_and_is_not_waited_for():
    given_up: Future[object] = Future()
    given_up.set_exception(TimeoutError("killed too often"))
    calls = connection._on(lambda _: given_up, 2, at_once="all")(delayed(abs)(i) for i in range(4))
    said = pytest.raises(BadInputError, match=r"dask://a:1: broke off: killed too often\. Finished sequences are kept")
    with said, connection.plain_errors(Cluster("dask", "a:1")):
        list(calls)


@pytest.mark.parametrize(
    ("resources", "jobs", "gpu", "expected"),
    [
        ({"CPU": 8.0}, None, True, (8, {"num_cpus": 1})),
        ({"CPU": 8.0}, 3, True, (3, {"num_cpus": 1})),
        ({"CPU": 8.0, "GPU": 4.0}, None, True, (4, {"num_cpus": 0, "num_gpus": 1.0})),
        ({"CPU": 8.0, "GPU": 2.0}, 6, True, (6, {"num_cpus": 0, "num_gpus": 0.33})),
        ({"CPU": 8.0, "GPU": 4.0}, None, False, (8, {"num_cpus": 1})),
    ],
)
def test_ray_sets_gpus_aside_where_it_has_them(
    resources: dict[str, float], jobs: int | None, gpu: bool, expected: tuple[int, dict[str, float]]
):
    found, options = connection._shares(resources, jobs, gpu=gpu)
    assert (found, {name: value for name, value in options.items() if name.startswith("num")}) == expected


def test_a_worker_that_is_killed_costs_one_try_of_its_sequence(
    processes: Processes, serial: dict[str, bytes], tmp_path: Path
):
    running, workers = start_waiting(processes, tmp_path / "out", "local", 3)
    workers[0].kill()
    Path(processes.environment["FAKE_MARK"] + "go").touch()
    processes.finish(running)
    assert results(tmp_path / "out") == serial
    (noted,) = notes(load_run(tmp_path / "out")).values()
    assert noted == ("started again: the worker process died (SIGKILL; it may have run out of memory)",)


def test_a_worker_that_hangs_is_replaced(fakes: ModuleType, serial: dict[str, bytes], tmp_path: Path):
    out = tmp_path / "out"
    assert run_method(fakes.settings(out, "fake_workers:HangsOnce", stall=60)).record.status == "complete"
    assert results(out) == serial
    assert notes(load_run(out))["b"] == ("started again: it hung: no frame for 60 s (--stall)",)


def test_a_sequence_that_always_hangs_fails_alone_also_where_one_runs_at_a_time(fakes: ModuleType, tmp_path: Path):
    hung = replace(fakes.settings(tmp_path / "out", "fake_workers:Hangs", stall=30), jobs=1, sequences=("b", "c"))
    assert run_method(hung).record.status == "failed"
    failed = load_run(hung.out).sequence_records["b"]
    assert failed.error.startswith("tried twice: first, it hung: no frame for 30 s (--stall); then, it hung")


def test_a_worker_whose_gpu_is_lost_is_replaced(fakes: ModuleType, serial: dict[str, bytes], tmp_path: Path):
    out = tmp_path / "out"
    assert run_method(fakes.settings(out, "fake_workers:LosesTheGpuOnce")).record.status == "complete"
    assert results(out) == serial
    (noted,) = notes(load_run(out))["b"]
    assert noted.startswith("started again: the GPU no longer answered its worker: raised AcceleratorError")


def test_a_sequence_that_always_loses_the_gpu_fails_and_the_others_finish(fakes: ModuleType, tmp_path: Path):
    out = tmp_path / "out"
    record = run_method(fakes.settings(out, "fake_vos:LosesTheGpu")).record
    assert (record.counts.done, record.counts.failed) == (5, 1)
    failed = load_run(out).sequence_records["b"]
    assert "illegal memory access" in failed.error
    assert len(failed.notes) == 1


def orders(out: Path, token: str = "token") -> WorkerInput:
    return WorkerInput("fake", b"", {}, out, token, None)


def test_a_sequence_whose_turn_comes_after_the_end_of_the_run_starts_no_worker(tmp_path: Path):
    close_pool("ended")
    answer = supervise("a", orders(tmp_path, "ended"), lambda *_: None)
    assert isinstance(answer, BadInputError)
    assert str(answer) == "a: the run has ended"


def test_a_machine_that_does_not_see_the_folder_says_so(tmp_path: Path):
    answer = supervise("a", orders(tmp_path / "elsewhere"), Address("127.0.0.1", 1, b"key"))
    assert isinstance(answer, BadInputError)
    assert "expected a file system that all machines of the engine share" in str(answer)


def test_a_sequence_that_costs_two_machines_is_not_given_to_a_third(tmp_path: Path):
    given = orders(tmp_path)
    (tmp_path / ".locks" / given.token).mkdir(parents=True)
    (tmp_path / ".locks" / given.token / "a").write_bytes(b"..")
    assert supervise("a", given, Address("127.0.0.1", 1, b"key")) == WorkerResult(
        "a", None, None, (HOST_LOST, HOST_LOST)
    )


def test_dask_gives_what_one_process_gives_though_workers_and_machines_are_lost(
    processes: Processes, dask: str, serial: dict[str, bytes], tmp_path: Path
):
    out = tmp_path / "out"
    running, workers = start_waiting(processes, out, dask, 3)
    lost, watched = workers[0].parent(), workers[1]
    assert lost is not None
    lost.kill()
    watched.kill()
    Path(processes.environment["FAKE_MARK"] + "go").touch()
    processes.finish(running)
    assert results(out) == serial
    found = load_run(out)
    assert found.record.status == "complete"
    assert sorted(note for noted in notes(found).values() for note in noted) == [
        f"started again: {HOST_LOST}",
        "started again: the worker process died (SIGKILL; it may have run out of memory)",
    ]
    assert found.record.timing is None or found.record.timing.fps is None
    _, alive = psutil.wait_procs(workers, timeout=PATIENCE_SECONDS)
    assert alive == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL])
def test_a_run_on_dask_that_ends_takes_its_workers_with_it_and_goes_on(
    processes: Processes, dask: str, serial: dict[str, bytes], tmp_path: Path, number: int
):
    out = tmp_path / "out"
    running, workers = start_waiting(processes, out, dask, 3)
    running.send_signal(number)
    running.wait(PATIENCE_SECONDS)
    gone, alive = psutil.wait_procs(workers, timeout=PATIENCE_SECONDS)
    assert (len(gone), alive) == (3, [])
    Path(processes.environment["FAKE_MARK"] + "go").touch()
    processes.finish(processes.start(str(FAKES / "fake_workers.py"), str(out), "fake_workers:TellsWho", dask))
    assert results(out) == serial


def test_run_and_score_on_dask_from_a_relative_folder(processes: Processes, dask: str):
    command = ("-c", "import sys; from vos_bench.cli import main; sys.exit(main())")
    names = ("--dataset", "demo", "--sequences", "crossing,tiny")
    folder = processes.folder
    for engine, out in (("local", "alone"), (dask, "cluster")):
        processes.finish(processes.start(*command, "run", "copy-first", *names, "--engine", engine, "--out", out))
    assert results(folder / "cluster") == results(folder / "alone")
    processes.finish(processes.start(*command, "score", "cluster/masks", *names, "--engine", dask, "--out", "scored"))
    assert (folder / "scored" / "objects.csv").read_bytes() == (folder / "alone" / "objects.csv").read_bytes()


def test_ray_gives_what_one_process_gives_though_a_machine_is_lost(
    processes: Processes, serial: dict[str, bytes], tmp_path: Path
):
    pytest.importorskip("ray", reason="needs the extra ray: tox -e ray")
    out = tmp_path / "out"
    running, workers = start_waiting(processes, out, "ray://local", 3)
    lost = workers[0].parent()
    assert lost is not None
    lost.kill()
    Path(processes.environment["FAKE_MARK"] + "go").touch()
    processes.finish(running)
    assert results(out) == serial
    assert list(notes(load_run(out)).values()) == [(f"started again: {HOST_LOST}",)]


def test_on_this_machine_nothing_is_joined():
    with connect(LOCAL, jobs=2) as found:
        assert found.host is None
        assert sorted(found.parallel(delayed(abs)(-i) for i in range(4))) == [0, 1, 2, 3]
