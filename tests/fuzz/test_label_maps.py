"""Hostile PNG files: each is refused by one message, or read as Pillow reads it, and never scored wrongly."""

import io
import warnings
from pathlib import Path

import numpy as np
import pytest
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz
from hostile.pngs import Png, pngs
from numpy.typing import NDArray
from PIL import Image

from vos_bench.api import LabelMap
from vos_bench.compiled import cache
from vos_bench.compiled.programs import COUNT
from vos_bench.formats import png
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.labelmaps import NarrowLabels, read_label_map, read_narrow, read_size


def critical(data: bytes) -> bytes:
    """Return a file without what does not decide its pixels: Pillow refuses some for a damaged remark.

    What lies between the pixels stays, for that is not its place.
    """
    chunks, at = [], 8
    while at + 12 <= len(data):
        end = at + 12 + int.from_bytes(data[at : at + 4], "big")
        chunks.append((data[at + 4 : at + 8], data[at:end]))
        at = end
    pixels = [i for i, (kind, _) in enumerate(chunks) if kind == b"IDAT"]
    between = range(pixels[0], pixels[-1]) if pixels else range(0)
    return data[:8] + b"".join(each for i, (kind, each) in enumerate(chunks) if not kind[0] & 0x20 or i in between)


def by_pillow(data: bytes) -> NDArray[np.uint16] | None:
    """Return what Pillow makes of a file, None where it refuses it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a wrong animation, which is not looked at
        whole = _by_pillow(data)
        return _by_pillow(critical(data)) if whole is None else whole


def _by_pillow(data: bytes) -> NDArray[np.uint16] | None:
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            pixels = np.asarray(image)
    except (OSError, SyntaxError, ValueError, IndexError):  # the last of a wrong colour profile, which is not looked at
        return None
    return pixels[..., 0].astype(np.uint16) if pixels.ndim == 3 else pixels.astype(np.uint16)


def read_both_ways(path: Path) -> tuple[LabelMap, NarrowLabels]:
    """Read with the filters undone by Pillow, and by compiled code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(png, "_unfilter", lambda _: False)
        plain = read_label_map(path)
    cache.load(COUNT)  # brings the compiled filters in
    return plain, read_narrow(path)


@fuzz("label maps", pngs())
def test_a_hostile_label_map_is_refused_or_read_as_pillow_reads_it(arena, file: Png) -> None:
    path = arena.inside / "label.png"
    path.write_bytes(file.data)
    found = outcome(lambda: read_both_ways(path), path)
    if file.labels is not None:
        assert not isinstance(found, Refused), found
    if isinstance(found, Refused):
        return
    expected = by_pillow(file.data)
    assert expected is not None, f"Pillow refuses it ({file.wrong})"
    assert expected.shape == read_size(path)
    assert expected.size <= MAX_PIXELS
    for labels in found:
        assert np.array_equal(labels, expected), file.wrong
    if file.labels is not None and file.is_exact:
        assert np.array_equal(expected, file.labels)
