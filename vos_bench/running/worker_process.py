"""What runs inside a worker process: one sequence after another, on the request of its parent process.

It builds the method once. It ends with its parent, and when it is left idle.
"""

import errno
import os
import pickle
import queue
import stat
import sys
import tempfile
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from filelock import FileLock, Timeout

from vos_bench import interrupts, registry
from vos_bench.api import Dataset
from vos_bench.devices import resolve_device
from vos_bench.environment import without_home
from vos_bench.errors import MethodError, VosBenchError
from vos_bench.foreign_code import foreign_code, leave, threads_noted
from vos_bench.progress import Progress
from vos_bench.running.method import MethodSpec, build_method, closing_note, numerics
from vos_bench.running.play import Task
from vos_bench.running.sequence import run_sequence

IDLE_SECONDS = 300.0
"""How long it waits for another sequence; then it frees its memory and GPU for others."""
MOST_WORKERS = 1024
MOST_FOLDERS = 9

Answer = tuple[str, tuple[Any, ...]]
"""What a worker process sends, with its arguments: `begun`, `sequence_started`, `frame_done`, `ended`, `raised`."""


@dataclass(frozen=True)
class WorkerJob:
    """The data, the method and the task of a run, as they travel to its workers.

    Attributes:
        dataset: The data.
        spec: How to build the method.
        task: The rest.
        workers: 1 where the only worker uses the first GPU, more where each takes the next.
    """

    dataset: Dataset
    spec: MethodSpec
    task: Task
    workers: int


class WorkerSetup(NamedTuple):
    """The first thing that a worker process reads.

    Attributes:
        folder: The folder to which relative paths refer, if it exists.
        path: More folders to import modules from.
        factory: The method's class; one in a file must be loaded before `job` can be read.
        job: A pickled `WorkerJob`.
    """

    folder: str
    path: tuple[str, ...]
    factory: str
    job: bytes


def main() -> None:
    """Read requests from standard input and answer on standard output."""
    interrupts.ignore()  # the parent handles Ctrl-C
    requests, answers = _channel()
    received: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(requests, received), daemon=True).start()

    def tell(kind: str, *arguments: object) -> None:
        pickle.dump((kind, arguments), answers)
        answers.flush()

    try:
        said = "a worker process ended: {}".format
        with threads_noted(), foreign_code(lambda what: MethodError(said(without_home(what)))):
            _serve(received, tell)
    except VosBenchError as error:  # the parent decides what to do about it
        tell("raised", error)
    leave(0)


def _channel() -> tuple[BinaryIO, BinaryIO]:
    """Keep standard input and output for requests and answers; what a method prints goes to standard error."""
    requests, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    return requests, answers


def _receive(requests: BinaryIO, received: "queue.SimpleQueue[Any]") -> None:
    """Pass requests on; end at once when the parent is gone: the folder may be another run's by now."""
    with suppress(EOFError, OSError, pickle.UnpicklingError):
        while True:
            received.put(pickle.load(requests))  # from the parent
    os._exit(1)


def _serve(received: "queue.SimpleQueue[Any]", tell: Callable[..., None]) -> None:
    setup: WorkerSetup = received.get()
    sys.path.extend(path for path in setup.path if path not in sys.path)
    with suppress(FileNotFoundError):
        os.chdir(setup.folder)
    registry.resolve(setup.factory)
    job: WorkerJob = pickle.loads(setup.job)  # from the run that this is a part of
    worker: _Worker | None = None
    with suppress(queue.Empty):
        while name := received.get(timeout=IDLE_SECONDS):
            tell("begun", name)
            worker = worker or _Worker(job)
            tell("ended", *worker.run(name, tell))
    if worker:
        worker.close()


class _PipeProgress(Progress):
    """Sends progress to the parent process."""

    def __init__(self, tell: Callable[..., None]) -> None:
        self._tell = tell

    def sequence_started(self, name: str, frames: int) -> None:
        self._tell("sequence_started", name, frames)

    def frame_done(self, name: str) -> None:
        self._tell("frame_done", name)


class _Worker:
    """A built method, and which of this machine's workers it is."""

    def __init__(self, job: WorkerJob) -> None:
        number, self._slot = _acquire_slot()
        device = resolve_device(job.spec.device, worker=number, workers=job.workers)
        self._job, self._method = job, build_method(job.spec, device)

    def run(self, name: str, tell: Callable[..., None]) -> tuple[Any, Any]:
        """Run a sequence; return its record and the worker's numerics."""
        job, method = self._job, self._method
        record = run_sequence(job.dataset, name, method=method, task=job.task, progress=_PipeProgress(tell))
        return record, numerics(job.spec, method)

    def close(self) -> None:
        """Let go of the method."""
        closing_note(self._method)  # nobody is left to read it
        if self._slot:
            self._slot.release()


def _slots_folder() -> Path:
    """Return the folder that all workers of this user and machine share; nobody else may have made it, or be at it.

    Raises:
        OSError: There is none, and none can be made.
    """
    user = os.getuid() if hasattr(os, "getuid") else None
    name = f"vos-bench-workers-{'user' if user is None else user}"
    for number in range(MOST_FOLDERS):
        folder = Path(tempfile.gettempdir()) / (f"{name}-{number}" if number else name)
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
        if user is None or (stat.S_ISDIR(found.st_mode) and found.st_uid == user and not found.st_mode & 0o022):
            return folder
    raise OSError(errno.EEXIST, "all folders of its name are others'", name)


def _acquire_slot() -> tuple[int, FileLock | None]:
    """Take a number that no other living worker of this machine has, so that each GPU gets its share of workers."""
    with suppress(OSError, NotImplementedError):  # the latter where there is no flock
        folder = _slots_folder()
        for number in range(MOST_WORKERS):
            slot = FileLock(folder / f"{number}.lock")
            with suppress(Timeout):
                slot.acquire(timeout=0)
                return number, slot
    return 0, None
