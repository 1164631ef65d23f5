"""Sequences in worker processes, each of which builds the method once. One that dies costs one sequence."""

import os
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import cache, partial
from pathlib import Path

from filelock import FileLock, Timeout
from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError

from vos_bench.api import Dataset, Method, SequenceMethod
from vos_bench.environment import without_home
from vos_bench.errors import MethodError
from vos_bench.records import Numerics, SequenceRecord, sequence_file, write_record
from vos_bench.running.building import Recipe, build, numerics, resolve_device
from vos_bench.running.events import Address, Event, receiving, sending
from vos_bench.running.sequence import Listener, Task, run_sequence, saving


@dataclass(frozen=True)
class Job:
    """What every worker gets.

    Attributes:
        dataset: The data.
        recipe: How to build the method.
        task: What the sequences have in common.
        workers: How many workers there are.
        token: Of this run: a worker that served another run before builds the method anew.
        folder: From where the paths count that are not absolute: a worker may have been started elsewhere.
    """

    dataset: Dataset
    recipe: Recipe
    task: Task
    workers: int
    token: str
    folder: Path = field(default_factory=Path.cwd)


def run_in_workers(names: Sequence[str], *, job: Job, handle: Callable[[Event], None]) -> Numerics | None:
    """Run sequences in `job.workers` processes.

    A sequence whose worker died is run once more, alone; when its worker dies again the sequence has failed.

    Args:
        names: The sequences.
        job: What every worker gets.
        handle: Hears `sequence_started`, `frame_done` and `sequence_finished` events, one at a time.

    Returns:
        The numerics of a worker, None when every one died.

    Raises:
        MethodError: The method cannot be built, or workers die before they begin.
        CannotSaveError: The run's folder cannot be written.
    """
    ledger = _Ledger(handle)
    remaining = list(names)
    while remaining:
        death = _attempt(remaining, job, ledger)
        if death is None:
            break
        suspects = [name for name in remaining if name in ledger.begun - ledger.ended]
        if not suspects:
            raise MethodError(f"{job.recipe.info.name}: worker processes die before they begin: {death}")
        for name in suspects:
            if death := _attempt([name], job, ledger):
                _fail(name, death, job, ledger)
        remaining = [name for name in remaining if name not in ledger.ended]
    return ledger.numerics


class _Ledger:
    """What is known of the workers' sequences."""

    def __init__(self, handle: Callable[[Event], None]) -> None:
        self._handle = handle
        self.begun: set[str] = set()
        self.ended: set[str] = set()
        self.numerics: Numerics | None = None

    def take(self, event: Event) -> None:
        """Note an event and pass on those for the listener."""
        kind, arguments = event
        if kind == "begun":
            self.begun.add(arguments[0])
            return
        if kind == "sequence_finished":
            self.ended.add(arguments[0].name)
        self._handle(event)


def _attempt(names: Iterable[str], job: Job, ledger: _Ledger) -> str | None:
    """Run sequences; return how a worker died, None when none did."""
    with receiving(ledger.take) as address:
        pool = Parallel(
            n_jobs=max(2, job.workers),  # joblib runs in this very process when asked for one worker
            backend="loky",
            batch_size=1,
            max_nbytes=None,
            return_as="generator_unordered",
        )
        try:
            for found in pool(delayed(_work)(name, job, address) for name in names):
                ledger.numerics = found
        except TerminatedWorkerError as error:
            return " ".join(str(error).split())
    return None


def _fail(name: str, death: str, job: Job, ledger: _Ledger) -> None:
    record = SequenceRecord(
        name=name,
        status="failed",
        identity=job.task.identity,
        software=job.task.software,
        error=without_home(f"the worker process died, twice; it may have run out of memory: {death}"),
    )
    with saving():
        write_record(record, sequence_file(job.task.out, name))
    ledger.take(("sequence_finished", (record,)))


@dataclass
class _Worker:
    """What a worker process keeps from one sequence to the next."""

    token: str
    slot: FileLock | None
    method: Method | SequenceMethod


_workers: list[_Worker] = []
"""This process's worker, once it has begun."""


@cache
def _end_with_parent() -> None:
    """End this process soon after the one that started it: a method that hangs would keep its memory, and its GPU."""
    parent = os.getppid()

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(1)
        os._exit(1)

    threading.Thread(target=watch, name="end-with-parent", daemon=True).start()


def _work(name: str, job: Job, address: Address) -> Numerics:
    _end_with_parent()
    os.chdir(job.folder)
    with sending(address) as send:

        def tell(kind: str, *arguments: object) -> None:
            try:
                send((kind, arguments))
            except OSError:
                # The run's process is gone. Another may have begun by now: leave the folder to it.
                raise SystemExit(f"{name}: nobody listens any more") from None

        tell("begun", name)
        worker = _worker(job)
        listener = Listener(partial(tell, "sequence_started"), partial(tell, "frame_done"))
        record = run_sequence(job.dataset, name, method=worker.method, task=job.task, listener=listener)
        tell("sequence_finished", record)
    return numerics(job.recipe, worker.method)


def _worker(job: Job) -> _Worker:
    if not _workers or _workers[0].token != job.token:
        _retire()
        number, slot = _take_slot(job.task.out / ".locks", job.workers)
        device = resolve_device(job.recipe.device, worker=number, workers=job.workers)
        _workers.append(_Worker(job.token, slot, build(job.recipe, device)))
    return _workers[0]


def _retire() -> None:
    """Let go of what this process kept of an earlier run."""
    while _workers:
        worker = _workers.pop()
        if worker.slot:
            worker.slot.release()
        worker.method.close()


def _take_slot(folder: Path, count: int) -> tuple[int, FileLock | None]:
    """Take a number that no other living worker of this folder has, so that each GPU gets its share of workers."""
    for number in range(count):
        slot = FileLock(folder / f"worker-{number}.lock")
        try:
            slot.acquire(timeout=0)
        except Timeout:
            continue
        return number, slot
    return 0, None
