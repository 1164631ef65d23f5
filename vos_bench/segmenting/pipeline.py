"""Reads and writes in threads while the method works; only a few frames are held at once."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import ParamSpec, TypeVar

Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")

MOST_WAITING = 4
"""How many frames may wait to be written."""


def read_ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield items while a thread works on the next one."""
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        pending = reader.submit(_next, items)
        while (found := pending.result()) is not None:
            pending = reader.submit(_next, items)
            yield found
        return


def _next(items: Iterator[Item]) -> Item | None:
    return next(items, None)


class BackgroundCalls:
    """Calls functions one after the other in a thread; a few may wait. An error comes back with a later call."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        """Take a pool of one thread."""
        self._worker = worker
        self._waiting: deque[Future[None]] = deque()

    def call(
        self, function: Callable[Arguments, None], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> None:
        """Have a function called after those before it; wait while more than `MOST_WAITING` calls wait."""
        self._waiting.append(self._worker.submit(function, *arguments, **options))
        while len(self._waiting) > MOST_WAITING:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait for all calls."""
        while self._waiting:
            self._waiting.popleft().result()


@contextmanager
def in_background() -> Iterator[BackgroundCalls]:
    """Yield a `BackgroundCalls` whose calls are all done when the block ends well."""
    with ThreadPoolExecutor(1, thread_name_prefix="write-behind") as worker:
        calls = BackgroundCalls(worker)
        try:
            yield calls
        except BaseException:
            worker.shutdown(cancel_futures=True)
            raise
        calls.finish()
