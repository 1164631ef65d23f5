"""Compiled programs on disk, by numba's own cache: a machine compiles each once, later processes load it.

The cache lies in `NUMBA_CACHE_DIR` where that is set, and else in `numba` below `vos_bench.config.cache_folder`: an
installed package may be read-only. Each program has a folder of its own, named after a hash of its source. Processes
that compile at the same time write the same files, each whole or not at all. Where nothing can be written, or a file is
damaged, a process compiles for itself.
"""

import gc
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any, TypeVar, cast

from vos_bench.config import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])


@cache
def program_folder(name: str) -> Path:
    """Return where numba keeps the compiled program of `vos_bench.compiled.NAME`: another folder for another source."""
    here = Path(__file__)
    source = here.read_bytes() + here.with_name(f"{name}.py").read_bytes()
    base = os.environ.get("NUMBA_CACHE_DIR") or cache_folder() / "numba"
    return Path(base) / f"vos-bench-{name}-{hashlib.sha256(source).hexdigest()[:16]}"


def is_compiled(name: str) -> bool:
    """Return whether a program has been compiled on this machine."""
    return any(program_folder(name).glob("*/*.nbi"))


def inlined(function: Function) -> Function:
    """Let a program in the same file call a function. numba's cache does not see changes in other files."""
    import numba

    return cast("Function", numba.njit(error_model="numpy")(function))


def program(signature: Any) -> Callable[[Callable[..., int]], Any]:
    """Load or compile a program: a `numba.cfunc`, whose `ctypes` runs without the interpreter's lock.

    `signature` is numba's types of its arguments and result.
    """
    import numba

    def load(function: Callable[..., int]) -> Any:
        folder = program_folder(function.__module__.rpartition(".")[2])
        compiled = partial(numba.cfunc, signature, error_model="numpy", nopython=True)
        try:
            with _numba_cache(folder):
                return compiled(cache=True)(function)
        except Exception:
            shutil.rmtree(folder, ignore_errors=True)
            return compiled()(function)

    return load


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
