"""Words of 64 pixels: which of them have a label, and what is done with the bits of such a word."""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic
from numpy.typing import NDArray

from vos_bench.compiled.cache import inlined
from vos_bench.compiled.programs import LANES

TRUTH, MASKS = 0, 1
"""The two label maps, as places in arrays that are of both."""

MIXED = 256
"""Added to the label that a word begins with, where others follow."""

Bytes = NDArray[np.uint8]
Words = NDArray[np.uint64]
Integers = NDArray[np.int64]


@intrinsic  # type: ignore[untyped-decorator]
def equal_lanes(_: Any, array: Any, _place: Any, _label: Any) -> Any:
    """Return which of `LANES` bytes of an array are a label; called with the array, the first one's place, the label.

    It is one comparison of vectors, whose result is the word; LLVM does not make that of a loop.
    """
    lanes, place_type = ir.VectorType(ir.IntType(8), LANES), ir.IntType(32)
    every, nothing = ir.Constant(ir.VectorType(place_type, LANES), [0] * LANES), ir.Constant(lanes, ir.Undefined)

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(signature.args[0])(context, builder, arguments[0]).data
        start = builder.bitcast(cgutils.gep_inbounds(builder, data, arguments[1]), lanes.as_pointer())
        first = builder.insert_element(nothing, arguments[2], ir.Constant(place_type, 0))
        equal = builder.icmp_unsigned("==", builder.load(start, align=1), builder.shuffle_vector(first, nothing, every))
        return builder.bitcast(equal, ir.IntType(LANES))

    return types.uint64(array, types.int64, types.uint8), generate


@inlined
def lanes_of(labels: Bytes, y: int, word: int, width: int, label: np.uint8) -> np.uint64:
    """Return which pixels of a word have a label; the last word is read from where it still has all its bytes."""
    start = max(0, min(word * LANES, width - LANES))
    equal: np.uint64 = equal_lanes(labels, y * labels.shape[1] + start, label)
    return (equal >> np.uint64(word * LANES - start)) & valid_bits(word, width)


@inlined
def valid_bits(word: int, width: int) -> np.uint64:
    """Return the bits of a word that are pixels."""
    return ~np.uint64(0) >> np.uint64(max(0, (word + 1) * LANES - width))


@inlined
def count_ones(word: np.uint64) -> np.int64:
    """Return the number of set bits, by sums in ever wider fields (Warren, "Hacker's Delight", section 5-1)."""
    word = word - ((word >> np.uint64(1)) & np.uint64(0x5555555555555555))
    word = (word & np.uint64(0x3333333333333333)) + ((word >> np.uint64(2)) & np.uint64(0x3333333333333333))
    word = (word + (word >> np.uint64(4))) & np.uint64(0x0F0F0F0F0F0F0F0F)
    return np.int64((word * np.uint64(0x0101010101010101)) >> np.uint64(56))


@inlined
def lowest_bit(word: np.uint64) -> np.int64:
    """Return the place of the lowest set bit."""
    return count_ones((word & (~word + np.uint64(1))) - np.uint64(1))
