"""One run at a time in one folder; the shards of one run may share it. An ablation's jobs are taken the same way.

A lock is a file that the system locks by one call (flock). Where there is no such call, as on Windows and on some file
systems, filelock does it in another way. filelock knows flock too, but takes as long to load as a hundred label maps
take to read.
"""

import errno
import math
import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path

from vos_bench.errors import BadInputError
from vos_bench.files import require_no_link
from vos_bench.files.durability import make_folder

PATIENCE_SECONDS = 5.0
"""How long to wait for a lock that the shards hold for moments only."""


try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_PAUSE_SECONDS = 0.05
"""How long to wait before a lock that another process holds is tried again."""


class FolderBusyError(BadInputError):
    """Another process is at work in the folder."""


class _NoFlockError(Exception):
    """The system, or this file system, has no such call."""


class FolderLock:
    """Held by one run. The operating system lets go of it when the process ends, however it ends.

    A run of all sequences holds the gate as long as it lasts. A shard holds a lock of its own, and the gate only for
    moments: while it comes in, and while it rebuilds the files that all shards share.
    """

    def __init__(self, out: Path, *, shard: tuple[int, int] | None) -> None:
        """Take the run's folder and which part of how many this run is, None for the whole."""
        self._out = out
        self._shard = shard
        self._folder = out / ".locks"
        self._gate = self._folder / "run.lock"
        self._is_alone = False

    @contextmanager
    def held(self, *, patience_seconds: float = 0.0) -> Iterator[None]:
        """Hold the folder; unless this is a shard, wait up to `patience_seconds` for it.

        Raises:
            FolderBusyError: Another run holds it.
            BadInputError: It cannot be written, or a link leads out of it.
        """
        for name in (self._folder.name, "sequences", "masks", "probabilities"):
            require_no_link(self._out / name)
        try:
            make_folder(self._folder)
        except OSError as error:
            raise BadInputError(
                f"{self._out}: cannot be the run's folder: {error.strerror}; expected one that can be made and written"
            ) from None
        with ExitStack() as run, ExitStack() as entry:
            patience = PATIENCE_SECONDS if self._shard else patience_seconds
            entry.enter_context(self._taken(self._gate, patience_seconds=patience))
            self._require_no_other_shards()
            if self._shard is None:
                run.push(entry.pop_all())
            else:
                run.enter_context(self._taken(self._shard_file(*self._shard)))
                entry.close()
            self._is_alone = self._shard is None
            try:
                yield
            finally:
                self._is_alone = False

    def is_held(self) -> bool:
        """Return whether any run, a shard or not, holds the folder; nothing is made where there is none."""
        for path in sorted(self._folder.glob("*.lock")):
            try:
                with self._taken(path):
                    pass
            except FolderBusyError:
                return True
        return False

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Be alone for a moment, while `held`; shards rebuild what they share inside this."""
        with ExitStack() as entry:
            if not self._is_alone:
                entry.enter_context(self._taken(self._gate, patience_seconds=math.inf))
            yield

    def _shard_file(self, index: int, count: int) -> Path:
        return self._folder / f"shard-{index}-of-{count}.lock"

    def _require_no_other_shards(self) -> None:
        alike = f"-of-{self._shard[1]}" if self._shard else None
        for path in sorted(self._folder.glob("shard-*.lock")):
            if alike is None or not path.stem.endswith(alike):
                with self._taken(path):
                    pass

    @contextmanager
    def _taken(self, path: Path, *, patience_seconds: float = 0.0) -> Iterator[None]:
        try:
            let_go = lock_file(path, patience_seconds=patience_seconds)
        except OSError as error:
            raise BadInputError(f"{path}: cannot be written: {error.strerror}") from None
        if let_go is None:
            raise FolderBusyError(
                f"{self._out}: another run is at work in this folder; wait until it ends, or give another --out"
            )
        try:
            yield
        finally:
            let_go()


def lock_file(path: Path, *, patience_seconds: float = 0.0) -> Callable[[], None] | None:
    """Lock a file, which is made where it is missing and stays; return what lets go of it.

    The system lets go of it too when the process ends, however it ends; not when one ends that was forked from it.

    Returns:
        None where another process, or another call in this one, holds it for longer than `patience_seconds`.

    Raises:
        OSError: It cannot be made or opened.
    """
    deadline = time.monotonic() + patience_seconds
    while True:
        try:
            descriptor = _locked(path)
        except _NoFlockError:
            return _lock_by_library(path, max(0.0, deadline - time.monotonic()))
        if descriptor is not None:
            _descriptors.add(descriptor)
            return partial(_close, descriptor)
        if time.monotonic() >= deadline:
            return None
        time.sleep(_PAUSE_SECONDS)


_descriptors: set[int] = set()
"""The open files of the locks that this process holds."""


def _locked(path: Path) -> int | None:
    """Lock a file and return its descriptor; None where that has to be tried again.

    Raises:
        OSError: It cannot be made or opened.
        _NoFlockError: The system, or this file system, has no flock.
    """
    if fcntl is None:
        raise _NoFlockError
    flags, is_new = os.O_RDWR | os.O_NONBLOCK | os.O_NOFOLLOW, True
    try:
        descriptor = os.open(path, flags | os.O_CREAT | os.O_EXCL, 0o644)
    except FileExistsError:
        is_new = False
        try:
            descriptor = os.open(path, flags)
        except FileNotFoundError:  # removed in between
            return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_nlink:  # nobody has removed it in between
            return descriptor
    except OSError as error:
        if error.errno not in (errno.EACCES, errno.EAGAIN, errno.EWOULDBLOCK):
            os.close(descriptor)
            if error.errno == errno.ENOSYS:
                if is_new:  # to filelock, a file that is there is another process's lock
                    path.unlink(missing_ok=True)
                raise _NoFlockError from None
            raise
    os.close(descriptor)
    return None


def _close(descriptor: int) -> None:
    if descriptor in _descriptors:  # not in a process that was forked
        _descriptors.remove(descriptor)
        os.close(descriptor)


def _close_all() -> None:
    """Close the files of all locks: a forked process that had them open would hold the locks as well."""
    while _descriptors:
        os.close(_descriptors.pop())


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_all)


def _lock_by_library(path: Path, patience_seconds: float) -> Callable[[], None] | None:
    from filelock import FileLock, SoftFileLock, Timeout

    lock = FileLock(path) if fcntl is None else SoftFileLock(path)  # which needs no call of the system
    try:
        lock.acquire(timeout=-1 if patience_seconds == math.inf else patience_seconds)
    except Timeout:
        return None
    return lock.release
