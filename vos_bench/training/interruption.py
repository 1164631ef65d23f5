"""What stops a training from outside: signals, and the death of a process that reads for it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from vos_bench.errors import VosBenchError


@contextmanager
def stop_requests() -> Iterator[list[int]]:
    """Collect SIGTERM and SIGINT, so that the training saves first; a second one raises KeyboardInterrupt at once."""
    received: list[int] = []

    def note(number: int, _: Any) -> None:
        if received:
            raise KeyboardInterrupt
        received.append(number)

    before = {number: signal.signal(number, note) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def explain_dead_workers(out: Path) -> Iterator[None]:
    """Explain the death of a process that reads samples; torch may raise it anywhere in a step."""
    try:
        yield
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise VosBenchError(
            f"{out}: a process that reads samples died: {error}\n"
            "  the last checkpoint is kept: --resume goes on from there\n"
            "  with fewer workers (--set workers=N) there is more memory for each"
        ) from error
