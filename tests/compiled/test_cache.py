"""Compiled programs are kept on disk and loaded without numba, and a cache that cannot be used costs time alone."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from vos_bench.compiled import cache, programs
from vos_bench.compiled.programs import COUNT, OVERLAP, UNFILTER, Program

SCRIPT = """
import sys
import numpy as np
from vos_bench.compiled import cache
from vos_bench.compiled.programs import COUNT
from vos_bench.metrics.counts import CompiledCounter, count_frame
before = cache.is_compiled(COUNT)
truth, masks = np.random.default_rng(0).integers(0, 4, (2, 30, 70)).astype(np.uint8)
assert dict(sorted(CompiledCounter()(truth, masks).items())) == count_frame(truth, masks)
print(before, cache.is_compiled(COUNT), "numba" in sys.modules, cache.program_file(COUNT))
"""


def start(folder: Path, **variables: str) -> "subprocess.Popen[str]":
    inherited = {name: value for name, value in os.environ.items() if name != "NUMBA_CACHE_DIR"}  # which would win
    environment = {**inherited, "VOS_BENCH_CACHE": str(folder), **variables}
    return subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, text=True, stdout=subprocess.PIPE)


def count_in_a_process(folder: Path, **variables: str) -> list[str]:
    process = start(folder, **variables)
    output, _ = process.communicate(timeout=900)
    assert process.returncode == 0
    return output.split()


def test_a_program_is_compiled_once_on_a_machine_and_then_loaded_without_numba(tmp_path: Path) -> None:
    before, after, numba, name = count_in_a_process(tmp_path)
    assert (before, after, numba) == ("False", "True", "True")
    file = Path(name)
    assert file.is_relative_to(tmp_path / "numba")
    assert count_in_a_process(tmp_path)[:3] == ["True", "True", "False"]
    whole = file.read_bytes()
    file.write_bytes(whole[:-100])
    assert count_in_a_process(tmp_path)[2] == "True", "a damaged file is not loaded"
    assert file.read_bytes() == whole, "nor does it stay"


@pytest.mark.parametrize("program", [COUNT, OVERLAP, UNFILTER], ids=lambda program: program.name)
def test_every_program_calls_nothing_outside_and_is_kept(program: Program) -> None:
    cache.load(program)
    assert cache.is_compiled(program), "such a program would be compiled by each process"


def test_numbas_own_variable_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("VOS_BENCH_CACHE", str(tmp_path / "ours"))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    cache.program_file.cache_clear()
    assert cache.program_file(COUNT).is_relative_to(tmp_path / "ours" / "numba")
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / "numbas"))
    cache.program_file.cache_clear()
    assert cache.program_file(COUNT).is_relative_to(tmp_path / "numbas")
    cache.program_file.cache_clear()


def test_processes_that_compile_at_once_do_not_disturb_each_other(tmp_path: Path) -> None:
    processes = [start(tmp_path) for _ in range(2)]
    for process in processes:
        assert process.communicate(timeout=900)[0]
        assert process.returncode == 0


@pytest.mark.skipif(os.name != "posix", reason="needs a file where folders should be")
def test_without_a_folder_to_write_to_each_process_compiles(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    blocked = str(tmp_path / "file")
    answer = count_in_a_process(tmp_path / "file", HOME=blocked, XDG_CACHE_HOME=blocked)
    assert answer[:3] == ["False", "False", "True"]


@pytest.mark.parametrize("name", ["count", "overlap", "unfilter"])
def test_the_name_of_the_file_depends_on_all_source_that_a_program_takes(name: str) -> None:
    modules = {"cache", "programs", *getattr(programs, name.upper()).modules}
    for module in (name, *modules - {"cache", "programs"}):
        lines = (Path(cache.__file__).parent / f"{module}.py").read_text("utf-8").splitlines()
        taken = [line.split()[1] for line in lines if line.startswith("from vos_bench")]
        assert {*taken} <= {f"vos_bench.compiled.{each}" for each in modules}
