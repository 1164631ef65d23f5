"""Compiled programs on disk, by numba's own cache: a machine compiles each once, later processes load it.

The cache lies in `NUMBA_CACHE_DIR` where that is set, and else in `numba` below `vos_bench.config.cache_folder`: an
installed package may be read-only. Each program has a folder of its own, named after a hash of its source. Processes
that compile at the same time write the same files, each whole or not at all. Where nothing can be written, or a file is
damaged, a process compiles for itself.
"""

import gc
import hashlib
import importlib
import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from vos_bench.compiled.programs import Program
from vos_bench.config import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])

_LOCK = threading.Lock()


def load(program: Program) -> Callable[..., int]:
    """Return a program, which runs without the interpreter's lock; the first call on a machine compiles it."""
    with _LOCK, uncollected():
        source = importlib.import_module(_module(program))  # loads numba
    return cast("Callable[..., int]", getattr(source, program.name).ctypes)


def is_loaded(program: Program) -> bool:
    """Return whether this process has loaded a program."""
    return _module(program) in sys.modules


def is_compiled(program: Program) -> bool:
    """Return whether a program has been compiled on this machine."""
    return any(program_folder(program).glob("*/*.nbi"))


@cache
def program_folder(program: Program) -> Path:
    """Return where numba keeps a compiled program: another folder for another source."""
    here = Path(__file__)
    source = b"".join(here.with_name(f"{name}.py").read_bytes() for name in (program.name, "programs", "cache"))
    base = os.environ.get("NUMBA_CACHE_DIR") or cache_folder() / "numba"
    return Path(base) / f"vos-bench-{program.name}-{hashlib.sha256(source).hexdigest()[:16]}"


def _module(program: Program) -> str:
    return f"vos_bench.compiled.{program.name}"


def inlined(function: Function) -> Function:
    """Let a program in the same file call a function. numba's cache does not see changes in other files."""
    import numba

    return cast("Function", numba.njit(error_model="numpy")(function))


def compile_program(program: Program) -> Callable[[Callable[..., int]], Any]:
    """Load a function from the cache, or compile it, as a `numba.cfunc`; see `load` for what uses it."""
    import numba

    kinds = (numba.types.int64,) * program.sizes + (numba.types.voidptr,) * program.addresses
    compiled = partial(numba.cfunc, numba.types.int64(*kinds), error_model="numpy", nopython=True)

    def compile_function(function: Callable[..., int]) -> Any:
        folder = program_folder(program)
        try:
            with _numba_cache(folder):
                return compiled(cache=True)(function)
        except Exception:  # numba meets damaged files with errors of many kinds
            shutil.rmtree(folder, ignore_errors=True)
            return compiled()(function)

    return compile_function


@contextmanager
def _numba_cache(folder: Path) -> Iterator[None]:
    import numba

    before = numba.config.CACHE_DIR
    numba.config.CACHE_DIR = str(folder)
    try:
        yield
    finally:
        numba.config.CACHE_DIR = before


@contextmanager
def uncollected() -> Iterator[None]:
    """Pause the garbage collector: while numba loads, it spends a fifth of the time on objects that all stay."""
    before = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if before:
            gc.enable()
