"""Worker processes of this machine, as their parent sees them: it gives them sequences, watches and replaces them."""

import os
import pickle
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import psutil

from vos_bench import interrupts
from vos_bench.progress import Progress
from vos_bench.records import Numerics, SequenceRecord
from vos_bench.running.events import tell
from vos_bench.running.worker_process import Answer

TICK_SECONDS = 0.5
"""How often a silent worker is checked."""
STOP_SECONDS = 10.0
"""How long a worker may take to close its method."""
START_SECONDS = 120.0
"""The least time that a new process gets to start, on a busy machine."""
_GPUS = "CUDA_VISIBLE_DEVICES"


class WorkerLostError(Exception):
    """A worker died, or was killed because it hung; `begun` says whether it had begun with the sequence."""

    def __init__(self, reason: str, *, begun: bool = True) -> None:
        super().__init__(reason)
        self.begun = begun


class RunEndedError(Exception):
    """The run that a worker worked for has ended."""


class WorkerProcess:
    """One worker process. It runs one sequence at a time."""

    def __init__(self, setup: bytes, environment: dict[str, str]) -> None:
        """Start it with a pickled `WorkerSetup`, and with what is to be added to this process's environment."""
        self.gpus = os.environ.get(_GPUS)
        self.used = False
        # The path is this machine's: vos_bench must be found as it was here.
        start = f"import sys; sys.path[:] = {sys.path!r}; from vos_bench.running.worker_process import main; main()"
        with interrupts.blocked():
            self._process = subprocess.Popen(
                [sys.executable, "-c", start],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={**environment, **os.environ},
            )
        self._answers: queue.SimpleQueue[Answer | None] = queue.SimpleQueue()
        threading.Thread(target=self._read, daemon=True).start()
        self._write(setup)

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout as answers, suppress(EOFError, OSError, pickle.UnpicklingError):
            while True:
                self._answers.put(pickle.load(answers))  # from a process started here
        self._answers.put(None)

    def _write(self, data: bytes) -> None:
        assert self._process.stdin
        with suppress(OSError):  # it has ended, which the reader notices
            self._process.stdin.write(data)
            self._process.stdin.flush()

    def run(
        self, name: str, *, progress: Progress, gone: Callable[[], bool], stall: float | None
    ) -> tuple[SequenceRecord, Numerics]:
        """Run a sequence; end when `gone` says that the run has ended meanwhile.

        After `stall` seconds without any sign of life the process is killed; None for never.

        Raises:
            WorkerLostError: The process died or was killed.
            RunEndedError: The run has ended; the process is killed.
            VosBenchError: The process met what ends the run, such as a folder that cannot be written.
        """
        self._write(pickle.dumps(name))
        begun, heard = False, time.monotonic()
        while True:
            try:
                answer = self._answers.get(timeout=TICK_SECONDS)
            except queue.Empty:
                self._require_life(begun, time.monotonic() - heard, gone=gone, stall=stall)
                continue
            heard = time.monotonic()
            if answer is None:
                raise WorkerLostError(self._death(), begun=begun)
            kind, arguments = answer
            begun, self.used = True, True
            if kind == "ended":
                return arguments
            if kind == "raised":
                raise arguments[0]
            if kind != "begun":
                self._pass_on(progress, kind, *arguments)

    def _pass_on(self, progress: Progress, kind: str, *arguments: Any) -> None:
        try:
            tell(progress, kind, *arguments)
        except OSError:
            self.kill()
            raise RunEndedError("nobody listens any more") from None

    def _require_life(self, begun: bool, silence: float, *, gone: Callable[[], bool], stall: float | None) -> None:
        if gone():
            self.kill()
            raise RunEndedError("nobody listens any more")
        if stall is not None and silence > (stall if begun else max(stall, START_SECONDS)):
            self.kill()
            raise WorkerLostError(f"it hung: no frame for {stall:g} s (--stall)")
        # Processes that it started may hold its output open when it is dead.
        if self._process.poll() is not None and self._answers.empty():
            raise WorkerLostError(self._death(), begun=begun)

    def _death(self) -> str:
        code = self._process.wait()
        if code >= 0:
            return f"the worker process died (exit code {code})"
        name = signal.Signals(-code).name
        return f"the worker process died ({name}{'; it may have run out of memory' if name == 'SIGKILL' else ''})"

    def alive(self) -> bool:
        """Return whether it can still be given a sequence."""
        return self._process.poll() is None

    def kill(self) -> None:
        """Kill it and all that it started, and wait until it is dead."""
        family = []
        with suppress(psutil.Error):
            family = psutil.Process(self._process.pid).children(recursive=True)
        self._process.kill()
        for each in family:
            with suppress(psutil.Error):
                each.kill()
        self._process.wait()
        self._close_input()

    def stop(self) -> None:
        """Ask it to end; kill it when it does not."""
        self._write(pickle.dumps(""))
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
        self._close_input()

    def _close_input(self) -> None:
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()


class WorkerPool:
    """The worker processes that this process started for one run."""

    def __init__(self) -> None:
        self._idle: list[WorkerProcess] = []
        self._busy: set[WorkerProcess] = set()
        self._closed = False
        self._lock = threading.Lock()

    def acquire(self, setup: bytes, environment: dict[str, str]) -> WorkerProcess:
        """Return a worker process that has nothing to do, or a new one.

        Raises:
            RunEndedError: The pool is closed.
        """
        with self._lock:
            if self._closed:
                raise RunEndedError("the run has ended")
            gpus = os.environ.get(_GPUS)
            fit = [worker for worker in self._idle if worker.alive() and worker.gpus == gpus]
            worker = fit[-1] if fit else WorkerProcess(setup, environment)
            self._idle = [each for each in self._idle if each is not worker and each.alive()]
            self._busy.add(worker)
            return worker

    def release(self, worker: WorkerProcess) -> None:
        """Take back a worker that may be given another sequence."""
        with self._lock:
            self._busy.discard(worker)
            self._idle.append(worker)

    def kill(self, worker: WorkerProcess) -> None:
        """Kill a worker that must not be given another sequence."""
        with self._lock:
            self._busy.discard(worker)
        worker.kill()

    def close(self) -> None:
        """Stop idle workers and kill the others; no worker can be acquired any more."""
        with self._lock:
            self._closed = True
            idle, busy = self._idle, self._busy
        for worker in tuple(busy):
            worker.kill()
        for worker in idle:
            worker.stop()


_pools: dict[str, WorkerPool] = {}
_pools_lock = threading.Lock()


def pool_of(token: str) -> WorkerPool:
    """Return this process's pool for a run, which its token names."""
    with _pools_lock:
        return _pools.setdefault(token, WorkerPool())


def close_pool(token: str) -> None:
    """End the workers that this process started for a run; it starts none for it any more, whoever still asks."""
    pool_of(token).close()
