"""The folder in which a hostile input is tried, and what must hold after each."""

import resource
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # for `hostile`, which the tests of this folder alone import

SECONDS = 600
"""An input that takes longer hangs; they take hundredths of a second, more on a busy machine."""

MEMORY_MIB = 1024
"""How much the highest memory of this process may grow by one input; SECURITY.md states it."""


class Arena:
    """A folder `inside` that inputs may write to, in one that nothing else may change."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.inside = folder / "inside"
        (folder / "outside").mkdir(parents=True)
        (folder / "outside" / "kept").write_text("as it was")

    @contextmanager
    def input(self) -> Iterator[None]:
        """Begin with an empty folder; afterwards check what lies around it, the memory and the time."""
        shutil.rmtree(self.inside, ignore_errors=True)
        self.inside.mkdir()
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        with _alarm():
            yield
        grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
        assert grown < MEMORY_MIB, f"memory grew by {grown:.0f} MiB"
        around = {path.relative_to(self.folder).as_posix() for path in self.folder.rglob("*")}
        strangers = {name for name in around if not name.startswith("inside/")} - {"inside", "outside", "outside/kept"}
        assert strangers == set(), "written outside of its folder"
        assert (self.folder / "outside" / "kept").read_text() == "as it was"


@contextmanager
def _alarm() -> Iterator[None]:
    def ring(_signal: int, _frame: FrameType | None) -> NoReturn:
        raise AssertionError(f"an input took more than {SECONDS} seconds")

    before = signal.signal(signal.SIGALRM, ring)
    signal.alarm(SECONDS)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


@pytest.fixture
def arena(tmp_path: Path) -> Arena:
    """A folder for one test."""
    found = Arena(tmp_path / "arena")
    found.inside.mkdir()
    return found


_TALLY: dict[str, int] = {}


@pytest.fixture
def tally() -> dict[str, int]:
    """How many inputs of each kind this process has tried so far."""
    return _TALLY


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how many inputs were tried, where one process tried them all."""
    if _TALLY:
        kinds = ", ".join(f"{count} {kind}" for kind, count in _TALLY.items())
        terminalreporter.write_line(f"hostile inputs: {sum(_TALLY.values())} ({kinds})")
