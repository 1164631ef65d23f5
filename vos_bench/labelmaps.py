"""Label maps in PNG files, their object ids, and the merging and renaming of objects."""

import io
import struct
import sys
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from vos_bench.api import Image, LabelMap
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, replacing
from vos_bench.names import counted

if TYPE_CHECKING:
    from PIL import Image as PillowImage

VOID = 255
"""The label of pixels that a DAVIS-style truth leaves undecided; also the one object of a 0/255 mask."""

MAX_PIXELS = 1 << 26
"""The largest label map that is read (8192 x 8192): a small file that claims more is an attack or an accident."""

MAX_BYTES = 4 * MAX_PIXELS
"""The largest file that is read: what the largest label map takes if nothing of it is compressed, and as much again."""

NarrowLabels = NDArray[np.uint8] | NDArray[np.uint16]
"""H x W; a label map that is only as wide as its file: 8 bits nearly always."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _INDEXED = 0, 3
_PILLOW_MODES = frozenset({"1", "L", "LA", "P", "PA", "I", "I;16", "I;16B"})
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, struct.error)
_IHDR, _PLTE, _IDAT, _IEND = b"IHDR", b"PLTE", b"IDAT", b"IEND"
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_INFLATE_ERROR = cast("type[Exception]", zlib_ng.error)
_CHANNELS = {2: 3, 4: 2, 6: 4}
"""Of the colour types that have more than one."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and steps of the passes of an interlaced file."""
_SCALED_BY = {2: 85, 4: 17}
"""Bits of a grey pixel to the factor by which Pillow, like other decoders of pictures, stretches it to 8 bits."""
_PIECE = 1 << 20
_ONE_GO = 1 << 16
"""So many compressed bytes may be inflated without a bound: deflate makes at most 1,032 times as many of them."""
_FEW = 16
"""Up to this id a search for each finds the ids of a label map sooner than a table of all."""
_NO_SMOOTHING = "save label maps without anti-aliasing and resize them with nearest neighbour"


class _Chunks(NamedTuple):
    """What decides the pixels of a PNG file besides its header."""

    palette: bytes
    pixels: bytes


class _Header(NamedTuple):
    """The first chunk of a PNG file, as its specification orders the fields."""

    width: int
    height: int
    bits: int
    colour_type: int
    compression: int
    filters: int
    interlace: int


def read_label_map(path: Path) -> LabelMap:
    """Read a label map from a PNG file, strictly: H x W labels as stored; 0 is background.

    Indexed (1, 2, 4, 8 bits), grey (1 to 16 bits) and grey-with-alpha files are read, interlaced or not, with any row
    filters; a pixel's label is its palette index or the number that the file holds, alpha and transparency are ignored.
    So grey of 2 bits has labels 0 to 3, which decoders of pictures show as 0, 85, 170 and 255. A 0/255 mask of 8 bits
    gives labels 0 and 255.

    Raises:
        BadInputError: There is no such file, it is no PNG, it is cut off or damaged, or it holds colours.
    """
    return read_narrow(path).astype(np.uint16, copy=False)


def read_narrow(path: Path) -> NarrowLabels:
    """Read as `read_label_map` does, but keep 8-bit labels in 8 bits (read-only), which the metrics take as well."""
    data = file_bytes(path)
    header = _header(data, path)
    chunks = _chunks(data, path)
    labels = _inflate(chunks.pixels, header)
    return _read_with_pillow(header, chunks, path) if labels is None else labels


def read_size(path: Path) -> tuple[int, int]:
    """Return a PNG file's (height, width) from its header; nothing is decoded. Raises BadInputError."""
    header = _header(file_bytes(path, 8 + 12 + 13), path)
    return header.height, header.width


def file_bytes(path: Path, length: int | None = None) -> bytes:
    """Return what a label map's file holds, or its first bytes. Raises BadInputError where it cannot be read."""
    try:
        return read_bytes(path, most=MAX_BYTES, first=length)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(f"{path}: cannot be read: {reason}; expected a label map as PNG") from None


def _header(data: bytes, path: Path) -> _Header:
    if not data.startswith(_SIGNATURE):
        raise BadInputError(f"{path}: found {_kind(data)}, expected a PNG file; save label maps as indexed PNG")
    if len(data) < 33 or data[8:16] != b"\0\0\0\x0dIHDR":
        raise _damaged(path, "the file ends inside its header")
    header = _Header(*struct.unpack_from(">IIBBBBB", data, 16))
    if not 0 < header.width * header.height <= MAX_PIXELS:
        size = f"{header.height} x {header.width} pixels"
        raise BadInputError(f"{path}: its header claims {size}; expected at least 1 and at most {MAX_PIXELS} pixels")
    return header


def _kind(data: bytes) -> str:
    if not data:
        return "an empty file"
    kinds = {b"\xff\xd8": "a JPEG image", b"GIF8": "a GIF image", b"BM": "a BMP image", b"PK": "a zip archive"}
    return next((kind for start, kind in kinds.items() if data.startswith(start)), "something else")


def _damaged(path: Path, what: str) -> BadInputError:
    return BadInputError(f"{path}: the PNG is damaged: {what}; write or copy the file again")


def _chunks(data: bytes, path: Path) -> _Chunks:
    """Return palette and pixels after checking that every chunk up to IEND is there, intact and in its place.

    The order is checked because readers differ where it is wrong: what one of them passes over, another one shows.
    """
    parts: list[bytes] = []
    before = palette = b""
    for kind, content in _intact_chunks(data, path):
        if kind == _IDAT:
            if parts and before != _IDAT:
                raise _damaged(path, "other chunks lie between its pixels")
            parts.append(content)
        elif not kind[0] & 0x20:  # a chunk without which the pixels cannot be understood
            if (kind == _IHDR) != (before == b"") or kind not in (_IHDR, _PLTE):
                raise _damaged(path, f"its {kind.decode('latin-1')!r} chunk is unknown, or not where it belongs")
            palette = content if kind == _PLTE else palette
        elif kind in _ANIMATION:
            raise _damaged(path, "it is an animation, of which readers show different parts")
        before = kind
    return _Chunks(palette, parts[0] if len(parts) == 1 else b"".join(parts))


def _intact_chunks(data: bytes, path: Path) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each chunk before IEND, which has to be there, with their checksums checked."""
    position, kind = len(_SIGNATURE), b""
    while kind != _IEND:
        if position + 12 > len(data):
            raise _damaged(path, "the file is cut off")
        length = int.from_bytes(data[position : position + 4], "big")
        kind, end = data[position + 4 : position + 8], position + 8 + length
        if end + 4 > len(data):
            raise _damaged(path, "the file is cut off")
        if zlib_ng.crc32(data[position + 4 : end]) != int.from_bytes(data[end : end + 4], "big"):
            raise _damaged(path, f"the checksum of its {kind.decode('latin-1')} chunk is wrong")
        if kind != _IEND:
            yield kind, data[position + 8 : end]
        position = end + 4


def _inflate(compressed: bytes, header: _Header) -> NDArray[np.uint8] | None:
    """Decode the plain kind of file that nearly every tool writes; return None for any other, which Pillow reads.

    Plain is: 8-bit indexed or grey, not interlaced; with filtered rows only where compiled code is at hand.
    """
    if header[2:] not in ((8, _GREY, 0, 0, 0), (8, _INDEXED, 0, 0, 0)):
        return None
    size = header.height * (header.width + 1)
    pixels = _inflated(compressed, size)
    if pixels is None or len(pixels) != size:
        return None
    rows = np.frombuffer(pixels, np.uint8).reshape(header.height, header.width + 1)
    if not rows[:, 0].any():
        return rows[:, 1:]
    rows = rows.copy()
    return rows[:, 1:] if _unfilter(rows) else None


def _inflated(compressed: bytes, size: int) -> bytes | None:
    """Return what was compressed; None when it is damaged, does not end, or is large and longer than `size`."""
    try:
        # One byte more than wanted: the end of the stream is then met in the same call, its checksum with it.
        if len(compressed) <= _ONE_GO:
            whole: bytes = zlib_ng.decompress(compressed, bufsize=size + 1)
            return whole
        stream = zlib_ng.decompressobj()
        pixels: bytes = stream.decompress(compressed, size + 1)
    except _INFLATE_ERROR:
        return None
    return pixels if stream.eof else None


def _unfilter(rows: NDArray[np.uint8]) -> bool:
    """Undo row filters in place and return True, if compiled code was brought in because much is to be read."""
    if "vos_bench.compiled.cache" not in sys.modules:
        return False
    from vos_bench.compiled import cache, programs

    return cache.is_loaded(programs.COUNT) and cache.load(programs.UNFILTER)(*rows.shape, rows.ctypes.data) == 0


def _read_with_pillow(header: _Header, chunks: _Chunks, path: Path) -> NarrowLabels:
    """Read with Pillow, which gets nothing but what decides the pixels: text, colours and animations do not matter."""
    from PIL import Image as PillowImage  # most files are read without it

    _require_all_rows(header, chunks.pixels, path)
    palette = _chunk(_PLTE, chunks.palette) if chunks.palette else b""
    body = _chunk(_IHDR, struct.pack(">IIBBBBB", *header)) + palette + _chunk(_IDAT, chunks.pixels)
    data = _SIGNATURE + body + _chunk(_IEND, b"")
    try:
        with PillowImage.open(io.BytesIO(data), formats=("PNG",)) as image:
            if image.mode not in _PILLOW_MODES:
                raise _coloured(image, path)
            pixels = np.asarray(image)
    except _PILLOW_ERRORS as error:
        raise _damaged(path, str(error)) from None
    if pixels.ndim == 3:
        pixels = pixels[..., 0]
    if header.colour_type == _GREY and header.bits in _SCALED_BY:
        pixels = pixels // _SCALED_BY[header.bits]  # back to what the file holds
    return pixels.astype(np.uint16) if pixels.itemsize > 1 else pixels.astype(np.uint8)


def _require_all_rows(header: _Header, compressed: bytes, path: Path) -> None:
    """Refuse pixels that end early: Pillow takes what is missing for background, in some files and not in others."""
    stream, rest, found, wanted = zlib_ng.decompressobj(), compressed, 0, _raw_bytes(header)
    try:
        while found < wanted and (piece := stream.decompress(rest, _PIECE)):
            found, rest = found + len(piece), stream.unconsumed_tail
    except _INFLATE_ERROR as error:
        raise _damaged(path, str(error)) from None
    if found < wanted:
        raise _damaged(path, f"its pixels end after {found} of {wanted} bytes")


def _raw_bytes(header: _Header) -> int:
    """Return how many bytes all rows of a PNG file take, filter bytes and passes as its specification has them."""
    bits = header.bits * _CHANNELS.get(header.colour_type, 1)
    passes = _ADAM7 if header.interlace else ((0, 0, 1, 1),)
    sizes = (
        (len(range(top, header.height, down)), len(range(left, header.width, right)))
        for left, top, right, down in passes
    )
    return sum(height * (1 + -(-width * bits // 8)) for height, width in sizes if width)


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib_ng.crc32(kind + content))


def _coloured(image: "PillowImage.Image", path: Path) -> BadInputError:
    colours = len(image.getcolors(image.width * image.height) or ())
    remedy = _NO_SMOOTHING if colours > 256 else "save an indexed image, with one index for each colour"
    if colours == 2:
        remedy += ", or a black and white one as grey"
    return BadInputError(
        f"{path}: found an image of mode {image.mode} with {counted(colours, 'colour')}, expected indexed or grey, "
        f"where each pixel is an object id; {remedy}"
    )


def require_whole(path: Path) -> None:
    """Check that a PNG file ends where its chunks say and that each of them is intact; no pixel is decoded.

    Raises:
        BadInputError: It is absent, empty, cut off or damaged.
    """
    data = file_bytes(path)
    _header(data, path)
    if not _chunks(data, path).pixels:
        raise _damaged(path, "it has no pixels")


def write_label_map(path: Path, labels: LabelMap, *, durable: bool = True) -> None:
    """Write a label map, H x W, as PNG, whole or not at all; its folder is made where it is missing.

    The file is 8-bit indexed with the 256 colours of DAVIS, or 16-bit grey when an id exceeds 255. The same labels give
    the same bytes. `durable` waits until it is on the disk; a sequence's label maps are synced together at its end.

    Raises:
        BadInputError: `labels` is no label map, or the file cannot be written.
    """
    from PIL import Image as PillowImage

    highest = _highest(labels, path)
    if highest > 255:
        image = PillowImage.fromarray(np.ascontiguousarray(labels, np.uint16))
    else:
        image = PillowImage.fromarray(np.ascontiguousarray(labels, np.uint8))
        image.putpalette(DAVIS_PALETTE)
    with replacing(path, durable=durable) as part:
        image.save(part, format="PNG", compress_level=1)


def _highest(labels: LabelMap, path: Path) -> int:
    if labels.ndim == 2 and labels.size and np.issubdtype(labels.dtype, np.integer):
        highest = int(labels.max())
        if highest <= np.iinfo(np.uint16).max and int(labels.min()) >= 0:
            return highest
    found = f"{labels.dtype} of shape {labels.shape}"
    raise BadInputError(f"{path}: cannot write {found}; expected an H x W map of labels from 0 to 65535")


def _davis_palette() -> bytes:
    """Return the 256 colours of DAVIS and PASCAL VOC: bits 0, 3, 6 of the id are red's high bits, and so on."""
    ids = np.arange(256)
    palette = np.zeros((256, 3), np.uint8)
    for bit in range(8):
        for channel in range(3):
            palette[:, channel] |= ((ids >> channel & 1) << (7 - bit)).astype(np.uint8)
        ids >>= 3
    return palette.tobytes()


DAVIS_PALETTE = _davis_palette()
"""768 bytes: red, green and blue of each of the 256 ids."""


def tint(image: Image, labels: LabelMap) -> Image:
    """Return a frame with each object in half of its colour of DAVIS; both have one size."""
    palette = np.frombuffer(DAVIS_PALETTE, np.uint8).reshape(-1, 3)
    shown, inside = image.copy(), labels > 0
    shown[inside] = image[inside] // 2 + palette[labels[inside] % len(palette)] // 2
    return shown


def object_ids(labels: NarrowLabels) -> tuple[int, ...]:
    """Return the ids in a label map, ascending, without the background; a `VOID` that is there is listed too."""
    highest = int(labels.max(initial=0))
    if labels.itemsize == 1 and highest <= _FEW:
        pixels = labels.tobytes()
        return tuple(k for k in range(1, highest + 1) if k in pixels)
    present = np.zeros(highest + 1, np.bool_)
    present[labels.ravel()] = True
    return tuple(int(k) for k in np.flatnonzero(present) if k)


def is_white(labels: NarrowLabels) -> bool:
    """Say whether a label map holds 0 and 255 alone, and 255 at least once: one object, as many tools write its mask.

    Whoever knows that there is but one object takes white for it; see `white_as`.
    """
    return int(labels.max(initial=0)) == VOID and bool(((labels == 0) | (labels == VOID)).all())


def white_as(labels: NarrowLabels, object_id: int = 1) -> NarrowLabels:
    """Return a label map with white (255) as an object, where it is a 0/255 mask; any other as it is."""
    return np.where(labels > 0, np.array(object_id, labels.dtype), 0) if is_white(labels) else labels


def white_object(ids: Iterable[tuple[int, ...]]) -> int | None:
    """Return which object white (255) is in the 0/255 masks of a sequence; None where it is none.

    It is one where label maps hold 0 and 255 alone and no other shows a second object, or has 255 beside an object.

    Args:
        ids: The ids of each label map.
    """
    present = set(ids)
    others = {k for each in present for k in each if each != (VOID,)}
    if (VOID,) not in present or VOID in others or len(others) > 1:
        return None
    return next(iter(others), 1)


WHITE_NOTE = "0/255 masks: white (255) is the one object of its sequence"
VOID_NOTE = "255 in the ground truth marks undecided pixels, which count as background"
PARTIAL_NOTE = "some frames have no ground truth, and what is predicted on them does not count"


def partial_truth(truth: Collection[str], outputs: Collection[str]) -> str:
    """Return how many of the frames that are asked for have a ground truth, in words; nothing where none or all do."""
    if not truth or set(outputs) <= set(truth):
        return ""
    return f"{len(truth)} of {counted(len(outputs), 'frame')} have one"


def merge_objects(labels: NarrowLabels) -> LabelMap:
    """Return the union of all objects as object 1; a 0/255 mask becomes 0/1."""
    return (labels > 0).astype(np.uint16)


def check_ids(labels: NarrowLabels, allowed: Collection[int], path: Path) -> None:
    """Check that a label map, H x W, holds the background and the objects `allowed` alone; `path` is for the message.

    Raises:
        BadInputError: An id is not allowed; the message says what is likely wrong with the file.
    """
    if problem := describe_unknown_ids(object_ids(labels), allowed, path):
        raise BadInputError(problem)


def describe_unknown_ids(found: Iterable[int], allowed: Collection[int], path: Path) -> str | None:
    """Return what is wrong with a label map that holds the ids `found`, or None when all of them are allowed."""
    present = sorted({*found} - {0})
    unknown = [k for k in present if k not in allowed]
    if not unknown:
        return None
    objects = counted(len(allowed), "object")
    if len(unknown) > 4 and len(present) > 2 * len(allowed):
        colours = f"{len(present) + 1} colours but its sequence has {objects}"
        return f"{path}: has {colours}: its edges are smoothed; {_NO_SMOOTHING}"
    ids = "id" if len(unknown) == 1 else "ids"
    expected = f"only {_listed(sorted(allowed))} and 0" if allowed else "only 0"
    message = f"{path}: found {ids} {_listed(unknown)}, expected {expected}, because its sequence has {objects}"
    if VOID in unknown:
        return f"{message}; write object 1 as label 1, not as white (255)"
    return f"{message}; remove objects that were never given and keep the ids of those that were"


def _listed(ids: list[int], most: int = 8) -> str:
    shown = ", ".join(map(str, ids[:most]))
    return shown if len(ids) <= most else f"{shown}, … ({len(ids)} in all)"
