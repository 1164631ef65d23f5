"""Slots where calls run side by side: threads of this process, or workers of a cluster.

joblib distributes the calls, through a small backend on its extension point. Its own backends do not serve here: that
for dask waits forever for a task whose workers were killed too often, and that for ray gives no result before the last
one.
"""

import socket
from collections.abc import Callable, Iterator
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from importlib import import_module
from typing import Any, Literal, NamedTuple

from joblib import Parallel, cpu_count
from joblib.parallel import ParallelBackendBase

from vos_bench.clusters import Cluster
from vos_bench.errors import BadInputError, VosBenchError

PATIENCE_SECONDS = 60.0
"""How long to wait for the connection to a cluster, and for its first worker."""
CONNECT_SECONDS = 10.0
"""How long to wait for any answer from an address."""


class ClusterConnection(NamedTuple):
    """An open connection to a cluster.

    Attributes:
        parallel: Takes `joblib.delayed` calls and yields their results as they come.
        host: This machine's address as the cluster's workers reach it; None where they are threads of this process.
        everywhere: Calls a function with arguments in every process that does the work, as far as the cluster can.
    """

    parallel: Parallel
    host: str | None
    everywhere: Callable[..., None]


@contextmanager
def connect(engine: Cluster, *, jobs: int | None, gpu: bool = False) -> Iterator[ClusterConnection]:
    """Connect to a cluster for the length of a block.

    Args:
        engine: Which cluster, or this machine.
        jobs: How many calls run at once; None for one on this machine, and for as many as a cluster has slots.
        gpu: Whether a call needs a GPU where the cluster counts them.

    Raises:
        BadInputError: Its package is not installed, it cannot be reached, has no worker, or broke off.
    """
    if engine.kind == "local":
        workers = Parallel(jobs or 1, backend="threading", return_as="generator_unordered", **_ONE_BY_ONE)
        yield ClusterConnection(workers, None, lambda function, *arguments: function(*arguments))
        return
    connect_to = _connect_dask if engine.kind == "dask" else _connect_ray
    with plain_errors(engine), connect_to(engine, jobs, gpu) as connection:
        yield connection


_ONE_BY_ONE: dict[str, Any] = {"batch_size": 1, "max_nbytes": None}


class _Backend(ParallelBackendBase):  # type: ignore[misc]  # joblib has no annotations
    """A joblib backend over anything that makes a future of a call."""

    supports_retrieve_callback = True

    def __init__(self, start: Callable[..., Future[Any]], slots: int) -> None:
        super().__init__(nesting_level=0)
        self._start, self._slots = start, slots

    def effective_n_jobs(self, _: int | None) -> int:
        """Return how many calls can run at once."""
        return self._slots

    def submit(self, func: Callable[[], object], callback: Callable[[Future[Any]], None]) -> Future[Any]:
        """Start a call."""
        future = self._start(func)
        future.add_done_callback(callback)
        return future

    def retrieve_result_callback(self, out: Future[Any]) -> Any:
        """Return what a call gave, or raise what it raised, whoever is to blame."""
        return out.result()


def _on(start: Callable[..., Future[Any]], slots: int, *, at_once: int | Literal["all"]) -> Parallel:
    return Parallel(
        slots,
        backend=_Backend(start, slots),
        pre_dispatch=at_once,
        return_as="generator_unordered",
        **_ONE_BY_ONE,
    )


@contextmanager
def plain_errors(engine: Cluster) -> Iterator[None]:
    """Raise a cluster's own errors as BadInputError, with one message; errors of this package pass."""
    try:
        yield
    except VosBenchError:
        raise
    except Exception as error:  # of many kinds, which only the engine's package could name
        of_engine = type(error).__module__.partition(".")[0] in ("distributed", "ray", "tornado")
        if not (of_engine or isinstance(error, (CancelledError, OSError))):
            raise
        raise BadInputError(
            f"--engine {engine}: broke off: {' '.join(str(error).split()) or type(error).__name__}. Finished sequences"
            " are kept: once that is fixed, the same command goes on from there"
        ) from error


def _import(engine: Cluster, module: str) -> Any:
    try:
        return import_module(module)
    except ImportError as error:
        raise BadInputError(
            f"--engine {engine}: {error}; install it with pip install '.[{engine.kind}]', here and on every"
            " machine that does the work"
        ) from None


def _require_listener(engine: Cluster, started_by: str) -> str:
    """Check that something listens at an engine's address; return this machine's address as seen from there."""
    host, _, port = engine.address.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS) as connection:
            own: str = connection.getsockname()[0]
            return own
    except (OSError, OverflowError) as error:
        raise BadInputError(
            f"--engine {engine}: cannot be reached: {error}; expected {started_by} that this machine can connect to"
        ) from None


@contextmanager
def _connect_dask(engine: Cluster, jobs: int | None, _: bool) -> Iterator[ClusterConnection]:
    distributed = _import(engine, "distributed")
    own = _require_listener(engine, "a scheduler (dask scheduler)")
    client = distributed.Client(f"tcp://{engine.address}", timeout=PATIENCE_SECONDS, set_as_default=False)
    try:
        try:
            client.wait_for_workers(1, timeout=PATIENCE_SECONDS)
        except TimeoutError:
            raise BadInputError(
                f"--engine {engine}: the scheduler has no worker after {PATIENCE_SECONDS:g} s; start some with"
                f" dask worker tcp://{engine.address}"
            ) from None
        slots = jobs or sum(client.ncores().values())

        def everywhere(function: Callable[..., object], *arguments: object) -> None:
            client.run(function, *arguments)

        # Without a limit all calls wait at the scheduler, so that workers that come later get their share.
        start = client.get_executor(pure=False).submit
        yield ClusterConnection(_on(start, slots, at_once=jobs or "all"), own, everywhere)
    finally:
        client.close()


@contextmanager
def _connect_ray(engine: Cluster, jobs: int | None, gpu: bool) -> Iterator[ClusterConnection]:
    ray = _import(engine, "ray")
    own = None if engine.address in ("local", "auto") else _require_listener(engine, "a head node's client server")
    settings: dict[str, Any] = {"address": str(engine) if own else engine.address, "log_to_driver": False}
    if engine.address == "local":
        settings |= {"num_cpus": jobs or cpu_count(), "include_dashboard": False}
    try:
        ray.init(**settings)
    except Exception as error:  # ray raises many kinds, the plain one when its processes come up too slowly
        raise BadInputError(f"--engine {engine}: cannot be joined: {' '.join(str(error).split())}") from error
    try:
        slots, options = _shares(ray.cluster_resources(), jobs, gpu=gpu)
        call = ray.remote(_call).options(**options)
        if own is None:
            own = "127.0.0.1" if engine.address == "local" else ray.util.get_node_ip_address()
        with _callback_thread() as redirected:
            parallel = _on(lambda func: redirected(call.remote(func).future()), slots, at_once=jobs or "all")
            yield ClusterConnection(parallel, own, no_op)
    finally:
        ray.shutdown()


@contextmanager
def _callback_thread() -> Iterator[Callable[[Future[Any]], Future[Any]]]:
    """Yield a function that lets futures call back in a thread of their own.

    ray's client calls back in the thread that it reads with; a callback that starts the next call would wait there for
    an answer that nobody reads.
    """
    thread = ThreadPoolExecutor(1)

    def redirected(future: Future[Any]) -> Future[Any]:
        promised: Future[Any] = Future()
        future.add_done_callback(lambda done: pass_on(promised, done))
        return promised

    def pass_on(promised: Future[Any], done: Future[Any]) -> None:
        with suppress(RuntimeError):  # nobody waits any more
            thread.submit(_keep, promised, done)

    try:
        yield redirected
    finally:
        thread.shutdown(wait=False, cancel_futures=True)


def _keep(promised: Future[Any], done: Future[Any]) -> None:
    try:
        promised.set_result(done.result())
    except Exception as error:  # whatever it is, it belongs to who waits for the result
        promised.set_exception(error)


def _shares(resources: dict[str, float], jobs: int | None, *, gpu: bool) -> tuple[int, dict[str, Any]]:
    """Return how many calls ray should run at once, and what it should set aside for each."""
    gpus = resources.get("GPU", 0.0) if gpu else 0.0
    slots = jobs or max(1, int(gpus or resources.get("CPU", 1.0)))
    # A call whose machine was lost is made again elsewhere; what it raises itself is its answer.
    options: dict[str, Any] = {"num_cpus": 1, "max_retries": 3, "retry_exceptions": False}
    if gpus:
        options |= {"num_cpus": 0, "num_gpus": min(1.0, int(100 * gpus / slots) / 100)}
    return slots, options


def _call(function: Callable[[], object]) -> object:
    return function()


def no_op(function: Callable[..., object], *arguments: object) -> None:
    """Do nothing: ray ends the processes of a driver that leaves."""
    del function, arguments


def ignore_errors(function: Callable[..., None], *arguments: object) -> None:
    """Call a function that cleans up at a cluster; a cluster that is gone needs no cleaning."""
    with suppress(Exception):  # of kinds that only the engine's package could name
        function(*arguments)
