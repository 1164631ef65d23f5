"""The way from Python to machine code. Only a machine that has not compiled a program yet imports this."""

from collections.abc import Callable
from ctypes import c_int64, c_void_p
from typing import Any, TypeVar, cast

import numba
from numba import types

from vos_bench.compiled.programs import Program

Function = TypeVar("Function", bound=Callable[..., Any])


def compiled(function: Function) -> Function:
    """Let compiled code call a function, which may neither allocate nor slice nor raise, to stand alone."""
    return cast("Function", numba.njit(error_model="numpy")(function))


def entry(function: Callable[..., int], program: Program) -> Any:
    """Compile a program from the function that takes its arguments, in order, and return the `numba.cfunc`."""
    kinds = {c_int64: types.int64, c_void_p: types.voidptr}
    signature = types.int64(*(kinds[kind] for _, kind in program.arguments))
    return numba.cfunc(signature, error_model="numpy", nopython=True)(function)
