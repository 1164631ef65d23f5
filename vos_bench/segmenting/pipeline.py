"""Reading and writing beside the method, in threads: no more than a few frames are held at once."""

from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from typing import ParamSpec, TypeVar

Item = TypeVar("Item")
Arguments = ParamSpec("Arguments")

DEPTH = 4
"""So many frames may wait to be written."""


def ahead(items: Generator[Item, None, None]) -> Generator[Item, None, None]:
    """Yield items while a thread works on the next one."""
    with closing(items), ThreadPoolExecutor(1, thread_name_prefix="read-ahead") as reader:
        pending = reader.submit(_next, items)
        while (found := pending.result()) is not None:
            pending = reader.submit(_next, items)
            yield found
        return


def _next(items: Iterator[Item]) -> Item | None:
    return next(items, None)


class Beside:
    """Calls functions one after the other in a thread; a few may wait. An error comes back with a later call."""

    def __init__(self, worker: ThreadPoolExecutor) -> None:
        """Take a pool of one thread."""
        self._worker = worker
        self._waiting: deque[Future[None]] = deque()

    def call(
        self, function: Callable[Arguments, None], *arguments: Arguments.args, **options: Arguments.kwargs
    ) -> None:
        """Have a function called after those before it; wait where too many are waiting."""
        self._waiting.append(self._worker.submit(function, *arguments, **options))
        while len(self._waiting) > DEPTH:
            self._waiting.popleft().result()

    def finish(self) -> None:
        """Wait for all calls."""
        while self._waiting:
            self._waiting.popleft().result()


@contextmanager
def beside() -> Iterator[Beside]:
    """Yield a `Beside` whose calls are all done when the block ends well."""
    with ThreadPoolExecutor(1, thread_name_prefix="write-behind") as worker:
        calls = Beside(worker)
        try:
            yield calls
        except BaseException:
            worker.shutdown(cancel_futures=True)
            raise
        calls.finish()
