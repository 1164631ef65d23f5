"""The kernel as machine code: compiled once on each machine, then loaded without the compiler.

Loading numba and its caches takes longer than scoring a hundred frames. So numba compiles once, LLVM turns its
result into a self-contained object file in the user's cache, and from then on LLVM alone loads that file, in a few
hundredths of a second. Without a folder to write to, or if the result is ever not self-contained, the kernel is
compiled anew in each process.
"""

import ctypes
import hashlib
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import llvmlite
import llvmlite.binding as llvm

from vos_bench.config import cache_folder
from vos_bench.errors import BadInputError
from vos_bench.files import write_bytes
from vos_bench.metrics.layout import ARGUMENTS

_SYMBOL = "vos_bench_kernel"
_PROTOTYPE = ctypes.CFUNCTYPE(ctypes.c_int64, *ARGUMENTS.values())
_DIGEST = hashlib.sha256


class Kernel(NamedTuple):
    """The kernel, ready to be called; calls run outside the interpreter's lock.

    Attributes:
        function: Takes what `vos_bench.metrics.layout.ARGUMENTS` lists.
        owner: Keeps its machine code alive.
    """

    function: Any
    owner: Any


@cache
def kernel() -> Kernel:
    """Return the kernel; the first call on a machine compiles it, which takes some seconds."""
    code = _stored()
    if code is not None:
        return _load(code)
    from vos_bench.metrics.kernel import compile_kernel

    compiled = compile_kernel()
    code = _self_contained(compiled.inspect_llvm(), compiled.native_name)
    if code is None:
        return Kernel(compiled.ctypes, compiled)
    with suppress(BadInputError):  # a cache that cannot be written costs time, nothing else
        write_bytes(_file(), _DIGEST(code).digest() + code)
    return _load(code)


def is_compiled() -> bool:
    """Return whether the kernel's machine code is at hand."""
    return kernel.cache_info().currsize > 0 or _file().is_file()


@cache
def _file() -> Path:
    """Return where the machine code lies: another file for another processor, compiler or source."""
    sources = (Path(__file__).with_name(name) for name in ("kernel.py", "layout.py"))
    parts = [llvmlite.__version__, llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()]
    key = _DIGEST("\n".join([*parts, *(path.read_text(encoding="utf-8") for path in sources)]).encode()).hexdigest()
    return cache_folder() / "kernels" / f"{key[:16]}.o"


def _stored() -> bytes | None:
    """Return the machine code on disk; None when there is none or it is not whole."""
    try:
        data = _file().read_bytes()
    except OSError:
        return None
    size = _DIGEST().digest_size
    return data[size:] if _DIGEST(data[size:]).digest() == data[:size] else None


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


def _load(code: bytes) -> Kernel:
    engine = llvm.create_mcjit_compiler(llvm.parse_assembly(""), _target())
    engine.add_object_file(llvm.ObjectFileRef.from_data(code))
    engine.finalize_object()
    return Kernel(_PROTOTYPE(engine.get_function_address(_SYMBOL)), engine)
