"""The made-up plugin, in this process and in others."""

import importlib
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import ModuleType

import pytest

from vos_bench.cli import main

FAKES = Path(__file__).resolve().parent.parent / "fakes"
COMMAND = (sys.executable, "-c", "import sys; from vos_bench.cli import main; sys.exit(main())", "ablate", "fake")


@pytest.fixture
def plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The method and dataset `fake`, as if installed; other processes inherit them."""
    monkeypatch.syspath_prepend(str(FAKES))
    found = importlib.import_module("fake_ablation")
    found.install(tmp_path / "site")
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(tmp_path / "site"), str(FAKES))))
    monkeypatch.chdir(tmp_path)
    return importlib.import_module("fake_ablation_info")


@pytest.fixture
def ablate(plugin: ModuleType) -> Callable[..., int]:  # noqa: ARG001
    """Run `vos-bench ablate fake --scale small --device cpu` and return its exit code."""

    def call(*arguments: object, scale: str = "small") -> int:
        return main(["ablate", "fake", "--scale", scale, "--device", "cpu", *map(str, arguments)])

    return call


@pytest.fixture
def start(plugin: ModuleType) -> Iterator[Callable[..., "subprocess.Popen[str]"]]:  # noqa: ARG001
    """Start the same command in a process of its own, which waits where `hold` says; none is left behind."""
    started: list[subprocess.Popen[str]] = []

    def begin(*arguments: object, hold: str = "", scale: str = "small") -> "subprocess.Popen[str]":
        command = [*COMMAND, "--scale", scale, "--device", "cpu", *map(str, arguments)]
        environment = os.environ | {"FAKE_HOLD": hold, "OMP_NUM_THREADS": "1"}
        started.append(
            subprocess.Popen(
                command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8"
            )
        )
        return started[-1]

    yield begin
    for process in started:
        with suppress(ProcessLookupError):
            process.kill()
        process.communicate()
