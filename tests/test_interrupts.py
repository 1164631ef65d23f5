"""What an interruption of a pool leaves unsaid, and what not."""

import threading
from typing import Any

import pytest

from vos_bench import interrupts


def fail(name: str, error: Exception) -> None:
    """Let a thread of this name end by this error."""

    def run() -> None:
        raise error

    thread = threading.Thread(target=run, name=name)
    thread.start()
    thread.join()


def test_the_thread_of_an_ending_pool_is_not_heard_and_all_others_are(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: heard.append(error.exc_value))
    with interrupts.quiet_pool():
        fail("ExecutorManagerThread", KeyError(1))
        assert not heard
        fail("ExecutorManagerThread", ValueError("another"))
        fail("Thread-1", KeyError(2))
    assert list(map(repr, heard)) == ["ValueError('another')", "KeyError(2)"]
    fail("ExecutorManagerThread", KeyError(3))
    assert len(heard) == 3


def test_after_an_interruption_the_thread_may_still_end(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[Any] = []
    monkeypatch.setattr(threading, "excepthook", lambda error: heard.append(error.exc_value))
    with pytest.raises(KeyboardInterrupt), interrupts.quiet_pool():
        raise KeyboardInterrupt
    fail("ExecutorManagerThread", KeyError(1))
    assert not heard
