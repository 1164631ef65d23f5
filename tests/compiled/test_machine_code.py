import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from vos_bench.compiled import machine_code
from vos_bench.compiled.programs import COUNT
from vos_bench.metrics.counter import FrameCounter
from vos_bench.metrics.counts import count_plain

PROGRAM = """
import sys
import numpy as np
from vos_bench.metrics.counter import FrameCounter
labels = np.eye(9, dtype=np.uint8)
print(FrameCounter()(labels, labels)[1].truth_area, "numba" in sys.modules, "torch" in sys.modules)
"""


def count_in_a_process(cache: Path) -> list[str]:
    environment = {**os.environ, "VOS_BENCH_CACHE": str(cache)}
    return subprocess.check_output([sys.executable, "-c", PROGRAM], env=environment, text=True).split()


@pytest.fixture
def fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Forget the programs, and let the file of `COUNT` lie in an empty folder."""
    monkeypatch.setenv("VOS_BENCH_CACHE", str(tmp_path / "cache"))
    machine_code._load.cache_clear()
    machine_code._file.cache_clear()
    yield machine_code._file(COUNT)
    machine_code._load.cache_clear()
    machine_code._file.cache_clear()


def assert_counts() -> None:
    truth, masks = np.random.default_rng(0).integers(0, 4, (2, 30, 70)).astype(np.uint8)
    assert dict(sorted(FrameCounter()(truth, masks).items())) == count_plain(truth, masks)


def test_the_compiler_is_imported_once_on_a_machine(tmp_path: Path) -> None:
    assert count_in_a_process(tmp_path) == ["9", "True", "False"]
    assert count_in_a_process(tmp_path) == ["9", "False", "False"]


def test_the_machine_code_stands_alone_and_is_kept(fresh: Path) -> None:
    assert not machine_code.is_compiled(COUNT)
    assert_counts()
    assert fresh.is_file()
    assert machine_code.is_compiled(COUNT)
    data = fresh.read_bytes()
    assert machine_code._stored(COUNT) == data[32:]
    for damaged in (b"", data[:-1], data[:40] + bytes([data[40] ^ 1]) + data[41:]):
        fresh.write_bytes(damaged)
        assert machine_code._stored(COUNT) is None


def test_without_a_folder_to_write_to_programs_are_compiled_in_memory(fresh: Path) -> None:
    fresh.parent.parent.write_text("a file where the cache should be")
    assert_counts()
    assert not fresh.exists()


def test_code_that_calls_others_does_not_stand_alone() -> None:
    alone = "define void @inside() { ret void } define void @entry() { call void @inside() ret void }"
    code = machine_code._self_contained(alone, "entry")
    assert code is not None
    assert b"vos_bench_program" in code
    needy = "declare void @outside() define void @entry() { call void @outside() ret void }"
    assert machine_code._self_contained(needy, "entry") is None


def test_code_that_does_not_stand_alone_stays_with_the_compiler(fresh: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine_code, "_self_contained", lambda *_: None)
    assert_counts()
    assert not fresh.exists()
