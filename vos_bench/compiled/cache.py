"""Compiled programs on disk: a machine compiles each once with numba, later processes load it without numba.

numba's own cache would need numba, whose import and look-up take 0.4 CPU seconds, as long as scoring two thousand
frames. LLVM turns what numba made into one object file that calls nothing outside, and its loader takes hundredths of
a second. The files lie in `NUMBA_CACHE_DIR` where that is set, and else in `numba` below
`vos_bench.files.places.cache_folder`: an installed package may be read-only. Their names hold a hash of source,
compiler and processor. Where nothing can be written, or a file is damaged, a process compiles for itself.
"""

import ctypes
import gc
import hashlib
import importlib
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any, TypeVar, cast

from vos_bench.compiled.programs import Program
from vos_bench.errors import BadInputError
from vos_bench.files import write_bytes
from vos_bench.files.places import cache_folder

Function = TypeVar("Function", bound=Callable[..., Any])

_SYMBOL = "vos_bench_program"
_DIGEST_BYTES = 32
_LOCK = threading.Lock()
_LOADED: dict[Program, Any] = {}


def load(program: Program) -> Callable[..., int]:
    """Return a program, which runs without the interpreter's lock; the first call on a machine compiles it."""
    with _LOCK:
        if program not in _LOADED:
            with uncollected():
                _LOADED[program] = _from_disk(program) or _compiled(program)
        return cast("Callable[..., int]", _LOADED[program])


def is_loaded(program: Program) -> bool:
    """Return whether this process has loaded a program."""
    return program in _LOADED


def is_compiled(program: Program) -> bool:
    """Return whether a program has been compiled on this machine."""
    return program_file(program).is_file()


@cache
def program_file(program: Program) -> Path:
    """Return where a program's machine code lies: another file for another source, compiler or processor."""
    import llvmlite
    import llvmlite.binding as llvm

    here = Path(__file__)
    names = (program.name, *program.modules, "programs", "cache")
    sources = (here.with_name(f"{name}.py").read_text("utf-8") for name in names)
    parts = (llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten(), *sources)
    base = os.environ.get("NUMBA_CACHE_DIR") or cache_folder() / "numba"
    digest = hashlib.sha256("\n".join(parts).encode()).hexdigest()[:16]
    return Path(base) / f"vos-bench-{program.name}-{digest}.o"


def _from_disk(program: Program) -> Any:
    """Return a program from disk; None when it is not there or not whole."""
    try:
        data = program_file(program).read_bytes()
    except OSError:
        return None
    digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return _linked(code, program) if hashlib.sha256(code).digest() == digest else None


def _compiled(program: Program) -> Any:
    source = importlib.import_module(f"vos_bench.compiled.{program.name}")  # loads numba, which compiles
    compiled = getattr(source, program.name)
    code = _self_contained(compiled.inspect_llvm(), compiled.native_name)
    if code is None:
        return compiled.ctypes
    with suppress(BadInputError):  # a cache that cannot be written costs time, nothing else
        write_bytes(program_file(program), hashlib.sha256(code).digest() + code)
    return _linked(code, program)


def _target() -> Any:
    import llvmlite.binding as llvm

    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    triple = llvm.Target.from_default_triple()
    return triple.create_target_machine(cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True)


def _self_contained(assembly: str, entry: str) -> bytes | None:
    """Return an object file with one visible function, or None when it would call anything outside.

    numba's functions may raise, and so refer to the interpreter. When nothing but the entry is visible, LLVM sees that
    none of them ever does, and drops all of that.
    """
    import llvmlite.binding as llvm

    module, target = llvm.parse_assembly(assembly), _target()
    for function in module.functions:
        if function.name == entry:
            function.name = _SYMBOL
        elif not function.is_declaration:
            function.linkage = "internal"
    passes = llvm.create_pass_builder(target, llvm.create_pipeline_tuning_options(speed_level=3))
    passes.getModulePassManager().run(module, passes)
    if any(function.is_declaration and not function.name.startswith("llvm.") for function in module.functions):
        return None
    code: bytes = target.emit_object(module)
    return code


def _linked(code: bytes, program: Program) -> Any:
    import llvmlite.binding as llvm

    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    kinds = (ctypes.c_int64,) * program.sizes + (ctypes.c_void_p,) * program.addresses
    call = ctypes.CFUNCTYPE(ctypes.c_int64, *kinds)(engine.get_function_address(_SYMBOL))
    call.engine = engine  # type: ignore[attr-defined] # keeps the machine code alive
    return call


def inlined(function: Function) -> Function:
    """Let a program in the same file call a function."""
    import numba

    return cast("Function", numba.njit(error_model="numpy")(function))


def compile_program(program: Program) -> Callable[[Callable[..., int]], Any]:
    """Compile a function into a `numba.cfunc`; see `load` for what uses it."""
    import numba

    kinds = (numba.types.int64,) * program.sizes + (numba.types.voidptr,) * program.addresses
    return cast("Callable[[Callable[..., int]], Any]", numba.cfunc(numba.types.int64(*kinds), error_model="numpy"))


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
