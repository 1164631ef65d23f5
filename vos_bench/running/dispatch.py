"""Runs sequences in worker processes, here or on a cluster. A lost worker costs one try of one sequence."""

import os
import pickle
import secrets
import shutil
import sys
import threading
import warnings
from collections.abc import Callable, Generator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import cloudpickle
from joblib import cpu_count, delayed
from joblib.parallel import ParallelBackendBase

from vos_bench.clusters import LOCAL, Cluster
from vos_bench.clusters.connection import connect, ignore_errors
from vos_bench.environment import without_home
from vos_bench.errors import BadInputError, MethodError, VosBenchError
from vos_bench.progress import Progress
from vos_bench.records import Numerics, SequenceRecord, read_record, sequence_file, write_record
from vos_bench.running.events import Address, receiving, sending
from vos_bench.running.faults import GpuLostError
from vos_bench.running.sequence import saving
from vos_bench.running.worker_pool import RunEndedError, WorkerLostError, close_pool, pool_of
from vos_bench.running.worker_process import WorkerJob, WorkerSetup

__all__ = ["WorkerJob", "run_in_workers"]

TRIES = 2
HOST_LOST = "the process or machine that watched over it was lost"


@dataclass(frozen=True)
class WorkerInput:
    """What is sent with each sequence to the machine that runs it.

    Attributes:
        method: Its name.
        setup: A pickled `WorkerSetup`, for the worker process.
        environment: For the worker process.
        out: The folder of the run.
        token: Names the run among all.
        stall: After how many seconds without a frame a worker is killed; None for never.
    """

    method: str
    setup: bytes
    environment: dict[str, str]
    out: Path
    token: str
    stall: float | None


class RunOutput(NamedTuple):
    """The results of the sequences that ran: their records in the order in which they ended, and other problems.

    `numerics` are those of the method that ran them; None where none did, or every worker died.
    """

    records: tuple[SequenceRecord, ...] = ()
    numerics: Numerics | None = None
    notes: tuple[str, ...] = ()


class WorkerResult(NamedTuple):
    """How a sequence ended: with a record, or with none where every try was lost; and why tries failed."""

    name: str
    record: SequenceRecord | None
    numerics: Numerics | None
    failures: tuple[str, ...]


def run_in_workers(
    names: Sequence[str],
    *,
    job: WorkerJob,
    progress: Progress,
    engine: Cluster = LOCAL,
    jobs: int | None = None,
    stall: float | None = None,
) -> RunOutput:
    """Run sequences in worker processes, `jobs` at once; None for as many as the cluster has slots.

    A worker that finishes no frame for `stall` seconds is killed. A sequence whose worker died, hung or lost its GPU is
    run once more in a fresh one; then it has failed.

    Raises:
        MethodError: The method cannot be built, or workers die before they begin.
        CannotSaveError: The run's folder cannot be written.
        BadInputError: The cluster cannot be reached or breaks off.
    """
    jobs = jobs and min(jobs, len(names))
    sequences = _RemoteSequences(progress, job)
    worker_input = _worker_input(job, engine, jobs, stall)
    tries = _tries_folder(worker_input)
    with (
        connect(engine, jobs=jobs, gpu=job.spec.device != "cpu") as connection,
        _event_channel(sequences, connection.host) as address,
    ):
        if connection.host:
            with saving():
                _make(tries)
        results = connection.parallel(delayed(supervise)(name, worker_input, address) for name in names)
        try:
            for found in results:
                sequences.add(found)
        finally:
            # First, so that nobody waits for a sequence any more.
            ignore_errors(connection.everywhere, close_pool, worker_input.token)
            _close(results)
            shutil.rmtree(tries, ignore_errors=True)
    return RunOutput(tuple(sequences.records), sequences.numerics)


def _close(results: Generator[Any]) -> None:
    """Drop results that nobody waits for, without joblib's warning that this is wasteful."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)
        results.close()


def _event_channel(sequences: "_RemoteSequences", host: str | None) -> Any:
    """Return where events of the sequences go: to this object in this process, or an address that others send to."""
    return receiving(sequences, host=host) if host else nullcontext(sequences)


def _worker_input(job: WorkerJob, engine: Cluster, jobs: int | None, stall: float | None) -> WorkerInput:
    threads = {}
    if engine == LOCAL and jobs is not None and jobs > 1:  # a cluster sets these itself, where it is set up
        limit = str(max(1, cpu_count() // jobs))
        threads = dict.fromkeys(ParallelBackendBase.MAX_NUM_THREADS_VARS, limit)
    info = job.spec.info
    setup = WorkerSetup(str(Path.cwd()), tuple(sys.path), info.factory, cloudpickle.dumps(job))
    return WorkerInput(info.name, pickle.dumps(setup), threads, job.task.out, secrets.token_hex(8), stall)


class _RemoteSequences(Progress):
    """What is known of the sequences that are run elsewhere."""

    def __init__(self, progress: Progress, job: WorkerJob) -> None:
        self._progress, self._job = progress, job
        self._started: set[str] = set()
        self._ended: set[str] = set()
        self._turn = threading.Lock()
        self.numerics: Numerics | None = None
        self.records: list[SequenceRecord] = []

    def sequence_started(self, name: str, frames: int) -> None:
        """Pass it on, unless the sequence has ended: events may be late, results are not."""
        with self._turn:
            if name not in self._ended:
                self._started.add(name)
                self._progress.sequence_started(name, frames)

    def frame_done(self, name: str) -> None:
        """Pass it on while the sequence runs."""
        with self._turn:
            if name in self._started - self._ended:
                self._progress.frame_done(name)

    def add(self, found: "WorkerResult | VosBenchError") -> None:
        """Note how a sequence ended. Raises what ends the run."""
        if isinstance(found, VosBenchError):
            raise found
        self.numerics = found.numerics or self.numerics
        record = self._with_failures(found)
        with self._turn:
            if record.name not in self._started:  # no event came through
                self._progress.sequence_started(record.name, record.frames)
            self._ended.add(record.name)
            self.records.append(record)
            self._progress.sequence_finished(record)

    def _with_failures(self, found: WorkerResult) -> SequenceRecord:
        """Return a sequence's record with what happened to it on the way, and write it where that adds something."""
        task, record = self._job.task, found.record
        if record is not None and not found.failures:
            return record
        failures = tuple(map(without_home, found.failures))
        if record is None:
            record = SequenceRecord(
                name=found.name,
                status="failed",
                identity=task.identity,
                software=task.software,
                error=f"tried twice: first, {failures[0]}; then, {failures[-1]}",
            )
        else:
            notes = tuple(f"started again: {failure}" for failure in failures)
            record = record.replace(notes=(*record.notes, *notes))
        with saving():
            write_record(record, sequence_file(task.out, record.name))
        return record


def supervise(name: str, worker_input: WorkerInput, way: Address | Progress) -> "WorkerResult | VosBenchError":
    """Run a sequence in a worker process of this machine, twice if need be, and send its events along `way`.

    Return how it ended; or what ends the run, returned, since not every cluster raises it here as it is.
    """
    try:
        if not isinstance(way, Address):
            return _try(name, worker_input, [], progress=way, gone=lambda: False)
        failures = [HOST_LOST] * _count_try(name, worker_input)
        with sending(way) as sender:
            return _try(name, worker_input, failures, progress=sender, gone=sender.gone)
    except VosBenchError as error:
        return error
    except RunEndedError as error:
        return BadInputError(f"{name}: {error}")


def _try(
    name: str, worker_input: WorkerInput, failures: list[str], *, progress: Progress, gone: Callable[[], bool]
) -> WorkerResult:
    pool, stillborn = pool_of(worker_input.token), 0
    while len(failures) < TRIES:
        worker = pool.acquire(worker_input.setup, worker_input.environment)
        fresh, whole = not worker.used, False
        try:
            record, numerics = worker.run(name, progress=progress, gone=gone, stall=worker_input.stall)
            whole = True
            return WorkerResult(name, record, numerics, tuple(failures))
        except WorkerLostError as error:
            if error.begun:
                failures.append(str(error))
            elif fresh and (stillborn := stillborn + 1) == TRIES:
                raise MethodError(f"{worker_input.method}: worker processes die before they begin: {error}") from None
        except GpuLostError:  # to that process, not to the next one
            failed = read_record(SequenceRecord, sequence_file(worker_input.out, name))
            if len(failures) == TRIES - 1:
                return WorkerResult(name, failed, None, tuple(failures))
            failures.append(f"the GPU no longer answered its worker: {failed.error}")
        finally:
            pool.release(worker) if whole else pool.kill(worker)
    return WorkerResult(name, None, None, tuple(failures))


def _tries_folder(worker_input: WorkerInput) -> Path:
    """Return the folder that counts the tries on a cluster: a supervising process may vanish with all it knew."""
    return worker_input.out / ".locks" / worker_input.token


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
    except OSError as error:
        raise BadInputError(f"{folder}: cannot be made: {error.strerror}") from None


def _count_try(name: str, worker_input: WorkerInput) -> int:
    """Note that a sequence is begun, and return how often it was before."""
    path = _tries_folder(worker_input) / name
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        with os.fdopen(descriptor, "ab") as file:
            file.write(b".")
            return file.tell() - 1
    except OSError as error:
        raise BadInputError(
            f"{worker_input.out}: a worker cannot write there: {error.strerror}\n"
            "  expected a file system that all machines of the engine share\n"
            "  with data, weights and output under the same paths"
        ) from None
