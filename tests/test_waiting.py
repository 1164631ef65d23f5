"""How OpenMP's threads shall wait: asleep on a busy machine, by its default on an idle one, as the user says always."""

import os
from pathlib import Path

import pytest

from vos_bench import waiting


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Say how many processes of the machine run, this one included."""
    monkeypatch.setenv(waiting.POLICY, "")  # so that it is put back as it was, whatever the test makes of it
    monkeypatch.delenv(waiting.POLICY)
    monkeypatch.setattr("os.cpu_count", lambda: 4)
    monkeypatch.setattr(waiting, "_LOAD", tmp_path / "loadavg")

    def say(text: str) -> None:
        (tmp_path / "loadavg").write_text(text)

    return say


@pytest.mark.parametrize(("count", "policy"), [(1, None), (2, None), (3, "PASSIVE"), (9, "PASSIVE")])
def test_threads_sleep_where_others_want_the_processors(running, count: int, policy: str | None):
    running(f"0.31 1.00 2.65 {count}/78 6426\n")
    waiting.settle_waiting()
    assert os.environ.get(waiting.POLICY) == policy


def test_what_the_user_set_stays(running, monkeypatch: pytest.MonkeyPatch):
    running("9.00 9.00 9.00 9/78 6426\n")
    monkeypatch.setenv(waiting.POLICY, "ACTIVE")
    waiting.settle_waiting()
    assert os.environ[waiting.POLICY] == "ACTIVE"


@pytest.mark.parametrize("text", [None, "", "nonsense", "1 2 3 x/y 5"])
def test_a_system_that_does_not_tell_counts_as_idle(running, text: str | None):
    if text is not None:
        running(text)
    assert waiting.others_running() == 0
