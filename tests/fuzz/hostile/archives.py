"""Zips that want to write elsewhere, to fill the disk, or to break the reader."""

import io
import struct
import zipfile
from typing import Any, NamedTuple

from hypothesis import strategies as st

from hostile.texts import NAMES

_LINK = 0o120777 << 16
_PIPE = 0o010644 << 16
_SETUID = 0o104755 << 16


class Zip(NamedTuple):
    """A file, and what it should unpack to where nothing in it is odd."""

    data: bytes
    holds: dict[str, bytes] | None


def packed(members: list[tuple[str, bytes, int]], *, compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip of members: name, content, attributes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive:
        for name, content, attributes in members:
            entry = zipfile.ZipInfo(name)
            entry.filename = name  # as it is: the constructor cuts it at a NUL
            entry.external_attr, entry.compress_type = attributes, compression
            archive.writestr(entry, content)
    return out.getvalue()


def claiming(data: bytes, size: int) -> bytes:
    """Return a zip of one member whose headers claim another unpacked size."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        place = changed.find(mark) + at
        changed[place : place + 4] = struct.pack("<I", size)
    return bytes(changed)


def _with_flag(data: bytes, bits: int) -> bytes:
    """Set flags of the first member in both of its headers, such as 1: encrypted."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        changed[changed.find(mark) + at] |= bits & 255
        changed[changed.find(mark) + at + 1] |= bits >> 8
    return bytes(changed)


def _with_method(data: bytes, method: int) -> bytes:
    """Claim another kind of compression."""
    changed = bytearray(data)
    for mark, at in ((b"PK\x01\x02", 10), (b"PK\x03\x04", 8)):
        place = changed.find(mark) + at
        changed[place : place + 2] = struct.pack("<H", method)
    return bytes(changed)


_BAD_NAMES = tuple(name for name in NAMES if "\ud800" not in name and "\udcff" not in name)
_GOOD = ("one/00000.png", "one/00001.png", "two/list.txt", "readme")


@st.composite
def zips(draw: Any) -> Zip:
    """One zip: good, or wrong in one way."""
    chosen = draw(st.lists(st.sampled_from(_GOOD), min_size=1, max_size=4, unique=True))
    members = [(f"top/{name}", draw(st.binary(max_size=200)), 0o644 << 16) for name in chosen]
    compression = draw(st.sampled_from((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA)))
    wrong = draw(
        st.sampled_from(("nothing", "name", "name", "kind", "twice", "clash", "claim", "flag", "method", "bytes"))
    )
    good = packed(members, compression=compression)
    if wrong == "nothing":
        return Zip(good, {name.removeprefix("top/"): content for name, content, _ in members})
    if wrong == "name":
        bad = draw(st.sampled_from(_BAD_NAMES))
        name = draw(st.sampled_from((bad, f"top/{bad}", f"top/../{bad}", f"/{bad}", f"top/{bad}/../../x")))
        return Zip(packed([*members, (name or "x", b"hostile", 0o644 << 16)]), None)
    if wrong == "kind":
        kind = draw(st.sampled_from((_LINK, _PIPE, _SETUID, 0o040755 << 16)))
        target = draw(st.sampled_from((b"/etc/passwd", b"../../outside", b".")))
        return Zip(packed([("top/link", target, kind), ("top/link/x", b"through", 0), *members]), None)
    if wrong in {"twice", "clash"}:
        again = members[0][0] if wrong == "twice" else f"{members[0][0]}/inner"
        return Zip(_quietly([*members, (again, b"another", 0o644 << 16)]), None)
    if wrong == "claim":
        return Zip(claiming(good, draw(st.sampled_from((0, 1, 2**31, 2**32 - 1)))), None)
    if wrong == "flag":
        return Zip(_with_flag(good, draw(st.sampled_from((1, 0x41, 0x20, 0x800, 0x2000, 8)))), None)
    if wrong == "method":
        return Zip(_with_method(good, draw(st.sampled_from((0, 1, 6, 8, 9, 12, 14, 93, 97, 99, 65535)))), None)
    return Zip(_spoilt(draw, good), None)


def _quietly(members: list[tuple[str, bytes, int]]) -> bytes:
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that a name comes twice is the point
        return packed(members)


def _spoilt(draw: Any, data: bytes) -> bytes:
    if draw(st.booleans()):
        return data[: draw(st.integers(0, len(data) - 1))]
    changed = bytearray(data)
    for _ in range(draw(st.integers(1, 6))):
        changed[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(changed)
