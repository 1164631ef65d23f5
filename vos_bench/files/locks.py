"""One run at a time in one folder; the shards of one run may share it. An ablation's jobs are taken the same way."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from vos_bench.errors import BadInputError
from vos_bench.files import require_no_link
from vos_bench.files.durability import make_folder

PATIENCE_SECONDS = 5.0
"""How long to wait for a lock that the shards hold for moments only."""


class FolderBusyError(BadInputError):
    """Another process is at work in the folder."""


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
        self._gate = FileLock(self._folder / "run.lock")

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
            entry.enter_context(self._taken(self._gate, timeout=PATIENCE_SECONDS if self._shard else patience_seconds))
            self._require_no_other_shards()
            if self._shard is None:
                run.push(entry.pop_all())
            else:
                run.enter_context(self._taken(FileLock(self._shard_file(*self._shard)), timeout=0))
                entry.close()
            yield

    def is_held(self) -> bool:
        """Return whether any run, a shard or not, holds the folder; nothing is made where there is none."""
        for path in sorted(self._folder.glob("*.lock")):
            try:
                with self._taken(FileLock(path), timeout=0):
                    pass
            except FolderBusyError:
                return True
        return False

    @contextmanager
    def gate(self) -> Iterator[None]:
        """Be alone for a moment, while `held`; shards rebuild what they share inside this."""
        with self._gate.acquire():
            yield

    def _shard_file(self, index: int, count: int) -> Path:
        return self._folder / f"shard-{index}-of-{count}.lock"

    def _require_no_other_shards(self) -> None:
        alike = f"-of-{self._shard[1]}" if self._shard else None
        for path in sorted(self._folder.glob("shard-*.lock")):
            if alike is None or not path.stem.endswith(alike):
                with self._taken(FileLock(path), timeout=0):
                    pass

    @contextmanager
    def _taken(self, lock: FileLock, *, timeout: float) -> Iterator[None]:
        try:
            lock.acquire(timeout=timeout)
        except Timeout:
            raise FolderBusyError(
                f"{self._out}: another run is at work in this folder; wait until it ends, or give another --out"
            ) from None
        except OSError as error:
            raise BadInputError(f"{lock.lock_file}: cannot be written: {error.strerror}") from None
        try:
            yield
        finally:
            lock.release()
