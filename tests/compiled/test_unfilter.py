import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from vos_bench.compiled import cache
from vos_bench.compiled.programs import UNFILTER

Bytes = NDArray[np.uint8]


def paeth(left: int, above: int, above_left: int) -> int:
    return min((left, above, above_left), key=lambda value: abs(left + above - above_left - value))


def filtered(pixels: Bytes, kinds: list[int]) -> Bytes:
    """The rows of a PNG, each with its filter, as the specification defines filtering."""
    rows = np.zeros((pixels.shape[0], pixels.shape[1] + 1), np.uint8)
    padded = np.pad(pixels.astype(int), ((1, 0), (1, 0)))
    for y, kind in enumerate(kinds):
        rows[y, 0] = kind
        for x in range(pixels.shape[1]):
            above_left, above, left, here = padded[y, x], padded[y, x + 1], padded[y + 1, x], padded[y + 1, x + 1]
            predicted = (0, left, above, (left + above) // 2, paeth(left, above, above_left))[kind]
            rows[y, x + 1] = (here - predicted) % 256
    return rows


@settings(deadline=None)
@given(pixels=hnp.arrays(np.uint8, st.tuples(st.integers(1, 8), st.integers(1, 70))), data=st.data())
def test_any_filters_are_undone(pixels: Bytes, data: st.DataObject) -> None:
    kinds = data.draw(st.lists(st.integers(0, 4), min_size=len(pixels), max_size=len(pixels)))
    rows = filtered(pixels, kinds)
    assert cache.load(UNFILTER)(*rows.shape, rows.ctypes.data) == 0
    np.testing.assert_array_equal(rows[:, 1:], pixels)
    assert not rows[:, 0].any()


@pytest.mark.parametrize("kind", [5, 255])
def test_a_filter_that_there_is_not_is_told(kind: int) -> None:
    rows = np.array([[0, 1, 2], [kind, 1, 2]], np.uint8)
    assert cache.load(UNFILTER)(*rows.shape, rows.ctypes.data) == 1


def test_the_tests_own_filtering_is_what_pillow_reads() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (10, 33)).astype(np.uint8)
    rows = filtered(pixels, [0, 1, 2, 3, 4] * 2)
    header = struct.pack(">IIBBBBB", 33, 10, 8, 0, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows.tobytes())), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    with Image.open(io.BytesIO(b"\x89PNG\r\n\x1a\n" + b"".join(parts))) as image:
        np.testing.assert_array_equal(np.asarray(image), pixels)
