"""The probabilities of a frame on disk: what `run --save-probabilities` writes, and confidence and calibration read.

A file `probabilities/SEQUENCE/FRAME.npz` holds `probabilities`, (1 + K) x H x W float16 with the background first;
`object_ids`, K; and `confidences`, K: see `confidences_of`. Older files have no `confidences`.
"""

import re
import struct
import zipfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from vos_bench.api import LabelMap
from vos_bench.errors import BadInputError
from vos_bench.files import replacing, require_regular

MOST_BYTES = 1 << 32
"""The largest array that is read: 64 objects at 4096 x 2160 take a quarter of it."""


_HEADER = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][fu][1248])', 'fortran_order': False, 'shape': \(([0-9, ]*)\), \} *\n",
    re.DOTALL,
)
"""What NumPy writes before an array, version 1.0 of its format; its own reader takes 0.3 ms for that."""

_LOCAL_HEADER = 30
"""Bytes of a zip's header before an entry, without name and extra field, whose lengths are its last four."""

_LISTED = struct.Struct("<4s4xHH4xIII3H8xI")
"""A zip's list of its entries: signature, flags, method, checksum, both sizes, lengths of three texts, and place."""

_LIST_END = struct.Struct("<4s2x2xHHIIH")
"""What ends a zip: signature, numbers of entries here and in all, size and place of their list, length of a text."""

_TAIL = 1024
"""The list of NumPy's entries and the small arrays before it lie in so many bytes at the end."""

_INFLATE_ERROR: Any = zlib_ng.error


class FrameProbabilities(NamedTuple):
    """The probabilities of one frame.

    Attributes:
        object_ids: The dataset's ids, in the order of the planes behind the background.
        planes: (1 + K) x H x W, float16, background first.
    """

    object_ids: tuple[int, ...]
    planes: NDArray[np.float16]

    def of(self, object_id: int) -> NDArray[np.float16]:
        """Return the probability of one object, H x W. Raises ValueError where it is none of them."""
        plane: NDArray[np.float16] = self.planes[1 + self.object_ids.index(object_id)]
        return plane


def confidences_of(planes: NDArray[Any], labels: LabelMap) -> NDArray[np.float32]:
    """Return how sure a method is of each object: its mean probability over the pixels that it has.

    Args:
        planes: (1 + K) x H x W, background first.
        labels: H x W; object k has the label k.

    Returns:
        K numbers; NaN for an object without a pixel.
    """
    found = np.full(len(planes) - 1, np.nan, np.float32)
    for k in range(1, len(planes)):
        mask = labels == k
        if mask.any():
            found[k - 1] = np.mean(planes[k][mask], dtype=np.float64)
    return found


def write_probabilities(path: Path, planes: NDArray[Any], labels: LabelMap, object_ids: Sequence[int]) -> None:
    """Write the probabilities of a frame, not synced: who writes the sequence's record syncs all of them before it.

    Args:
        path: The file.
        planes: (1 + K) x H x W, background first.
        labels: H x W, the label map that the method made of them; object k has the label k.
        object_ids: The dataset's ids of the objects, in order.

    Raises:
        BadInputError: It cannot be written.
    """
    values = np.asarray(planes, dtype=np.float16)
    with replacing(path, durable=False) as part, part.open("wb") as file:
        np.savez_compressed(
            file,
            probabilities=values,
            object_ids=np.array(object_ids, dtype=np.uint16),
            confidences=confidences_of(values, labels),
        )


def read_probabilities(path: Path) -> FrameProbabilities:
    """Read the probabilities of a frame.

    Raises:
        BadInputError: The file cannot be read, is damaged, or holds something else.
    """
    with _opened(path) as arrays:
        ids, planes = arrays.read("object_ids"), arrays.read("probabilities")
    if planes.dtype != np.float16 or planes.ndim != 3 or len(planes) != 1 + ids.size:
        raise arrays.wrong(f"{planes.dtype} of shape {planes.shape} for {ids.size} objects")
    return FrameProbabilities(tuple(int(k) for k in ids.ravel()), planes)


def read_confidences(path: Path) -> Mapping[int, float] | None:
    """Read how sure a method was of each object of a frame; None where the file is from before that was kept.

    Objects without a pixel are left out.

    Raises:
        BadInputError: As `read_probabilities`.
    """
    with _opened(path) as arrays:
        if not arrays.holds("confidences"):
            return None
        ids, values = arrays.read("object_ids"), arrays.read("confidences")
    if ids.shape != values.shape or ids.ndim != 1:
        raise arrays.wrong(f"{values.size} confidences for {ids.size} objects")
    return {int(k): float(value) for k, value in zip(ids, values, strict=True) if not np.isnan(value)}


@contextmanager
def _opened(path: Path) -> Iterator["_Arrays"]:
    """Open an npz file for a block. Raises BadInputError where it cannot be read or is damaged."""
    try:
        size = require_regular(path, most=MOST_BYTES)
        with path.open("rb") as file:
            yield _Arrays(path, file, size)
    except OSError as error:
        raise BadInputError(f"{path}: cannot be read: {error.strerror or error}; run again to save it") from None


class _Entry(NamedTuple):
    """One entry of a zip: how it is compressed, its checksum, both sizes, and where it lies."""

    compress_type: int
    CRC: int
    compress_size: int
    file_size: int
    header_offset: int


class _Arrays:
    """The arrays of an open npz file, each read when it is asked for, without trusting what it says of their sizes."""

    def __init__(self, path: Path, file: BinaryIO, size: int) -> None:
        self._path, self._file, self._size = path, file, size
        self._tail = b""
        self._tail = self._bytes(max(0, size - _TAIL), _TAIL)
        self._entries = _listed(self._tail, size) or self._listed_by_zipfile()

    def _listed_by_zipfile(self) -> dict[str, _Entry]:
        try:
            with zipfile.ZipFile(self._file) as archive:
                return {
                    each.filename.removesuffix(".npy"): _Entry(*(getattr(each, name) for name in _Entry._fields))
                    for each in archive.infolist()
                }
        except (zipfile.BadZipFile, ValueError, NotImplementedError):
            raise self.wrong("no npz file") from None

    def holds(self, name: str) -> bool:
        return name in self._entries

    def wrong(self, found: str) -> BadInputError:
        return BadInputError(
            f"{self._path}: found {found}; expected the probabilities that `vos-bench run --save-probabilities` writes"
        )

    def read(self, name: str) -> NDArray[Any]:
        """Read one array. Raises BadInputError where it is missing, damaged or too large."""
        if not self.holds(name):
            raise self.wrong(f"no {name} in it")
        entry = self._entries[name]
        if entry.file_size > MOST_BYTES:
            raise self.wrong(f"{entry.file_size} bytes of {name}")
        try:
            data = self._content(entry)
            if (header := _HEADER.match(data)) is None:
                raise ValueError
            shape = tuple(int(each) for each in header[2].split(b",") if each.strip())
            array: NDArray[Any] = np.frombuffer(data, header[1].decode(), offset=header.end()).reshape(shape)
        except (ValueError, struct.error, _INFLATE_ERROR):
            raise self.wrong(f"{name} is damaged") from None
        return array

    def _content(self, entry: _Entry) -> bytes:
        """Return what an entry holds, checked; zlib-ng takes half the time of what Python has."""
        lengths = self._bytes(entry.header_offset + _LOCAL_HEADER - 4, 4)
        start = entry.header_offset + _LOCAL_HEADER + sum(struct.unpack("<HH", lengths))
        stored = self._bytes(start, entry.compress_size)
        if entry.compress_type == zipfile.ZIP_DEFLATED:
            stored = zlib_ng.decompressobj(-15).decompress(stored, entry.file_size + 1)
        if len(stored) != entry.file_size or zlib_ng.crc32(stored) != entry.CRC:
            raise ValueError
        return stored

    def _bytes(self, start: int, count: int) -> bytes:
        """Return bytes of the file, fewer where it ends before. Raises ValueError for a place before its start."""
        if start < 0:
            raise ValueError(start)
        if (inside := start - self._size + len(self._tail)) >= 0:
            return self._tail[inside : inside + count]
        self._file.seek(start)
        return self._file.read(min(count, self._size))


def _listed(tail: bytes, size: int) -> dict[str, _Entry] | None:
    """Return the entries of a zip as NumPy writes it; None for any other.

    Args:
        tail: The last bytes of the file.
        size: How many bytes it has in all.
    """
    end = len(tail) - _LIST_END.size
    if end < 0:
        return None
    signature, here, count, length, start, comment = _LIST_END.unpack_from(tail, end)
    place = end - length
    if signature != b"PK\5\6" or here != count or comment or place < 0 or start != size - len(tail) + place:
        return None
    found: dict[str, _Entry] = {}
    while place + _LISTED.size <= end:
        signature, flags, method, crc, packed, whole, name, extra, comment, offset = _LISTED.unpack_from(tail, place)
        place += _LISTED.size
        if signature != b"PK\1\2" or flags or extra or comment:
            return None
        found[tail[place : place + name].decode("latin-1").removesuffix(".npy")] = _Entry(
            method, crc, packed, whole, offset
        )
        place += name
    return found if place == end and len(found) == count else None
