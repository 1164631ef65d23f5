"""Frames as JPEG, PNG and BMP: right, cut off, damaged, or claiming to be huge."""

import io
import struct
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from PIL import Image

from hostile.pngs import pngs

SIDES = (0, 1, 9, 255, 8193, 30_000, 60_000, 65_535)


class Frame(NamedTuple):
    """A file; its height and width where nothing in it is odd."""

    data: bytes
    size: tuple[int, int] | None
    wrong: str


def image(seed: int, height: int, width: int) -> Image.Image:
    """Return a picture that is not all one colour."""
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)
    return Image.fromarray(pixels)


def encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    """Return the bytes of a file."""
    out = io.BytesIO()
    picture.save(out, format=kind, **options)
    return out.getvalue()


def jpeg_bomb(height: int, width: int) -> bytes:
    """Return a small JPEG whose header claims another size."""
    return _claiming(encoded(image(0, 8, 8), "JPEG"), height, width)


def bmp_bomb(height: int, width: int) -> bytes:
    """Return a small BMP whose header claims another size."""
    data = bytearray(encoded(image(0, 8, 8), "BMP"))
    data[18:26] = struct.pack("<ii", width, height)
    return bytes(data)


def _claiming(data: bytes, height: int, width: int) -> bytes:
    at = min(found for mark in (b"\xff\xc0", b"\xff\xc2") if (found := data.find(mark)) > 0)
    return data[: at + 5] + struct.pack(">HH", height, width) + data[at + 9 :]


@st.composite
def _whole(draw: Any) -> tuple[bytes, tuple[int, int]]:
    height, width = draw(st.integers(1, 24)), draw(st.integers(1, 24))
    picture = image(draw(st.integers(0, 9)), height, width)
    kind = draw(st.sampled_from(("baseline", "progressive", "grey", "cmyk", "turned", "BMP", "PNG")))
    if kind in {"BMP", "PNG"}:
        return encoded(picture, kind), (height, width)
    if kind == "turned":
        exif = Image.Exif()
        exif[0x0112] = draw(st.integers(0, 12))
        size = (width, height) if exif[0x0112] in (5, 6, 7, 8) else (height, width)
        return encoded(picture, "JPEG", exif=exif), size
    mode = {"grey": "L", "cmyk": "CMYK"}.get(kind, "RGB")
    return encoded(picture.convert(mode), "JPEG", progressive=kind == "progressive"), (height, width)


@st.composite
def frames(draw: Any) -> Frame:
    """One file: whole, or wrong in one way."""
    data, size = draw(_whole())
    wrong = draw(st.sampled_from(("nothing", "cut", "ended", "flipped", "claiming", "png", "other", "inserted")))
    if wrong == "nothing":
        return Frame(data, size, wrong)
    if wrong in {"cut", "ended"}:
        end = b"\xff\xd9" if wrong == "ended" else b""
        return Frame(data[: draw(st.integers(0, len(data) - 1))] + end, None, wrong)
    if wrong == "claiming":
        height, width = draw(st.sampled_from(SIDES)), draw(st.sampled_from(SIDES))
        if data.startswith(b"\xff\xd8"):
            return Frame(_claiming(data, height, width), None, wrong)
        return Frame(bmp_bomb(draw(st.sampled_from((height, -height, -(2**31)))), width), None, wrong)
    if wrong == "png":
        return Frame(draw(pngs()).data, None, wrong)
    if wrong == "other":
        kind = draw(st.sampled_from(("GIF", "TIFF", "WEBP", "PPM")))
        return Frame(encoded(image(1, 4, 4), kind), None, wrong)
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(changed) - 1))
        changed[at : at + (wrong == "flipped")] = draw(st.binary(min_size=1, max_size=1 if wrong == "flipped" else 30))
    return Frame(bytes(changed), None, wrong)
