"""Fixed-point arithmetic: sines, smooth curves and random numbers that are the same on every machine.

Floating point is avoided throughout the synthesis because the last bit of a product may depend on the processor, the
compiler or the library; integers do not. Numbers named `_q8` or `_q16` carry 8 or 16 binary places.
"""

import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int64]

TURN = 4096
"""Angle units in a full turn."""

TICKS = 16
"""Time units in a frame, so that motion blur can look between frames."""

_PI_Q60 = 3_622_009_729_038_561_421  # round(pi * 2**60)


def _sine_q16(angle: int) -> int:
    """Return the sine of an angle of the first quadrant by its Taylor series in 60-bit fixed point."""
    x = _PI_Q60 * angle // (TURN // 2)
    square = x * x >> 60
    term, total, order = x, x, 1
    while term:
        term = -(term * square >> 60) // ((order + 1) * (order + 2))
        total += term
        order += 2
        if abs(term) < 2:  # floor division of negative terms never reaches 0
            break
    return (total + (1 << 43)) >> 44


def _sine_table() -> Integers:
    quarter = [_sine_q16(angle) for angle in range(TURN // 4 + 1)]
    half = quarter + quarter[-2:0:-1]
    return np.array(half + [-value for value in half], dtype=np.int64)


_SINES = _sine_table()


def sine_q16(angle: Integers) -> Integers:
    """Return the sines of many angles; angles are in 1/4096 turn and may be any integers."""
    sines: Integers = _SINES[angle & (TURN - 1)]
    return sines


def turn_q16(angle: int) -> tuple[int, int]:
    """Return the cosine and the sine of one angle in 1/4096 turn."""
    return int(_SINES[(angle + TURN // 4) & (TURN - 1)]), int(_SINES[angle & (TURN - 1)])


def curve_q8(keys: tuple[tuple[int, ...], ...], time: int) -> tuple[int, ...]:
    """Return the point of a Catmull-Rom curve at a time, in Q8.

    Args:
        keys: (frame, value, value, ...) by ascending frame; the ends hold before the first and after the last.
        time: In ticks, 16 a frame.
    """
    if time <= keys[0][0] * TICKS:
        return tuple(value << 8 for value in keys[0][1:])
    if time >= keys[-1][0] * TICKS:
        return tuple(value << 8 for value in keys[-1][1:])
    after = next(k for k, key in enumerate(keys) if key[0] * TICKS > time)
    start, end = keys[after - 1][0] * TICKS, keys[after][0] * TICKS
    at = ((time - start) << 8) // (end - start)
    p0, p1, p2, p3 = (keys[min(max(after + k, 0), len(keys) - 1)][1:] for k in (-2, -1, 0, 1))
    return tuple(_catmull_rom_q8(*points, at) for points in zip(p0, p1, p2, p3, strict=True))


def _catmull_rom_q8(p0: int, p1: int, p2: int, p3: int, at: int) -> int:
    linear = (p2 - p0) * at << 16
    square = (2 * p0 - 5 * p1 + 4 * p2 - p3) * at * at << 8
    cube = (3 * p1 - p0 - 3 * p2 + p3) * at**3
    return ((2 * p1 << 24) + linear + square + cube) >> 17


class RandomIntegers:
    """Random integers from raw Philox bits; NumPy promises this stream for ever, unlike its distributions."""

    def __init__(self, *key: int) -> None:
        """Start the stream of a key of up to two integers below 2**64."""
        words = np.zeros(2, dtype=np.uint64)
        words[: len(key)] = key
        self._bits = np.random.Philox(key=words)

    def between(self, low: int, high: int) -> int:
        """Return an integer from `low` to `high`, both included."""
        return low + int(self._bits.random_raw()) % (high - low + 1)

    def bytes(self, count: int) -> NDArray[np.uint8]:
        """Return `count` random bytes."""
        words = np.asarray(self._bits.random_raw(-(-count // 8)), dtype="<u8")
        return words.view(np.uint8)[:count]
