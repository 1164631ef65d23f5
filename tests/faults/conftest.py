"""Commands that are broken on purpose; what breaks them is shared with benchmarks/faults.py."""

import importlib
import random
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

FAKES = Path(__file__).resolve().parent.parent / "fakes"


@pytest.fixture(scope="session")
def breaking() -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(str(FAKES))
        yield importlib.import_module("breaking")


@pytest.fixture(scope="session")
def works(breaking: ModuleType) -> ModuleType:  # noqa: ARG001
    return importlib.import_module("works")


@pytest.fixture(scope="module")
def processes(breaking: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    with breaking.started(tmp_path_factory.mktemp("said")) as started:
        yield started


@pytest.fixture(scope="module")
def trial(breaking: ModuleType, processes: Any, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Any]:
    """Make a trial of some work, whose undisturbed result is made once; `seed` decides on the moment."""
    sound: dict[str, Any] = {}

    def make(work: Any, *, seed: int = 0, whole: Any = None) -> Any:
        name = (whole or work).name
        if name not in sound:
            out = tmp_path_factory.mktemp("unbroken") / "out"
            sound[name] = breaking.unbroken(whole or work, out, processes)
        out = tmp_path_factory.mktemp("trial") / "disk" / "out"
        return breaking.Trial(work, out, sound[name], random.Random(seed), processes)

    return make


@pytest.fixture(scope="session")
def meet(breaking: ModuleType) -> Callable[..., Any]:
    """Try a fault with one seed after another until it meets a command at work, and return that attempt.

    On a busy machine a command may end between two looks at it.
    """

    def try_seeds(fault: Callable[[Any], None], attempt: Callable[[int], Any]) -> Any:
        for seed in range(20):
            found = attempt(seed)
            try:
                fault(found)
            except breaking.TooLateError:
                continue
            return found
        return pytest.fail("it was never met at work")

    return try_seeds


@pytest.fixture
def small_disk(breaking: ModuleType, tmp_path: Path) -> Iterator[Path]:
    """A file system of its own with 256 KiB."""
    try:
        with breaking.small_disk(tmp_path / "disk", pages=64) as folder:
            yield folder
    except OSError as error:
        pytest.skip(f"needs the right to mount a small file system: {error}")
