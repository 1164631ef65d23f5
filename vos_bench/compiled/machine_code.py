"""Programs as machine code: compiled once on each machine, then loaded without the compiler.

Loading numba and its caches takes longer than scoring a thousand frames. So numba compiles once, LLVM turns its
result into a self-contained object file in the user's cache, and from then on LLVM alone loads that file, in a few
hundredths of a second. Without a folder to write to, or if a program is ever not self-contained, it is compiled again
in each process.
"""

import ctypes
import hashlib
import importlib
import threading
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm

from vos_bench.compiled.programs import Program
from vos_bench.config import cache_folder
from vos_bench.errors import BadInputError
from vos_bench.files import write_bytes

_SYMBOL = "vos_bench_program"
_DIGEST_BYTES = 32
_LOCK = threading.Lock()


class MachineCode(NamedTuple):
    """A program, ready to be called; calls run outside the interpreter's lock.

    Attributes:
        call: Takes the arguments of the program.
        owner: Keeps its machine code alive.
    """

    call: Any
    owner: Any


def load(program: Program) -> MachineCode:
    """Return a program; the first call on a machine compiles it, which takes some seconds."""
    with _LOCK:
        return _load(program)


@cache
def _load(program: Program) -> MachineCode:
    code = _stored(program)
    if code is not None:
        return _linked(code, program)
    compiled = importlib.import_module(f"vos_bench.compiled.{program.name}").compile_program()
    code = _self_contained(compiled.inspect_llvm(), compiled.native_name)
    if code is None:
        return MachineCode(compiled.ctypes, compiled)
    with suppress(BadInputError):  # a cache that cannot be written costs time, nothing else
        write_bytes(_file(program), hashlib.sha256(code).digest() + code)
    return _linked(code, program)


def is_compiled(program: Program) -> bool:
    """Return whether a program's machine code lies on this machine's disk."""
    return _file(program).is_file()


@cache
def _file(program: Program) -> Path:
    """Return where a program's machine code lies: another file for another processor, compiler or source."""
    sources = (Path(__file__).with_name(f"{name}.py") for name in (program.name, "programs", "compiler"))
    parts = [llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    text = "\n".join([*parts, *(path.read_text(encoding="utf-8") for path in sources)])
    return cache_folder() / "compiled" / f"{program.name}-{hashlib.sha256(text.encode()).hexdigest()[:16]}.o"


def _stored(program: Program) -> bytes | None:
    """Return the machine code on disk; None when there is none or it is not whole."""
    try:
        data = _file(program).read_bytes()
    except OSError:
        return None
    digest, code = data[:_DIGEST_BYTES], data[_DIGEST_BYTES:]
    return code if hashlib.sha256(code).digest() == digest else None


def _target() -> llvm.TargetMachine:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    features = llvm.get_host_cpu_features().flatten()
    return llvm.Target.from_default_triple().create_target_machine(
        cpu=llvm.get_host_cpu_name(), features=features, opt=3, jit=True
    )


def _self_contained(assembly: str, entry: str) -> bytes | None:
    """Return an object file with one visible function, or None when it would call anything outside.

    numba's functions may raise, and so refer to the interpreter. When nothing but the entry is visible, LLVM sees that
    none of them ever does, and drops all of that.
    """
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


def _linked(code: bytes, program: Program) -> MachineCode:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    prototype = ctypes.CFUNCTYPE(ctypes.c_int64, *(kind for _, kind in program.arguments))
    return MachineCode(prototype(engine.get_function_address(_SYMBOL)), engine)
