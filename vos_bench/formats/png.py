"""PNG files of label maps, decoded strictly: each pixel keeps the number that the file holds.

Images with colours are refused, and so are files that are cut off, damaged, or that readers decode differently.
"""

import io
import struct
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

from vos_bench.errors import BadInputError
from vos_bench.files import AnyPath
from vos_bench.names import counted

if TYPE_CHECKING:
    from PIL import Image as PillowImage

MAX_PIXELS = 1 << 26
"""The largest label map that is read (8192 x 8192): a small file that claims more is an attack or an accident."""

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_GREY, _INDEXED = 0, 3
_PILLOW_MODES = frozenset({"1", "L", "LA", "P", "PA", "I", "I;16", "I;16B"})
_PILLOW_ERRORS = (OSError, SyntaxError, ValueError, struct.error)
_IHDR, _PLTE, _IDAT, _IEND = b"IHDR", b"PLTE", b"IDAT", b"IEND"
_CHUNK_START, _CHECKSUM = struct.Struct(">I4s"), struct.Struct(">I")
"""The length and the kind of a chunk, before its content; its checksum, behind it."""
_ANIMATION = frozenset({b"acTL", b"fcTL", b"fdAT"})
_INFLATE_ERROR = cast("type[Exception]", zlib_ng.error)
_CHANNELS = {2: 3, 4: 2, 6: 4}
"""Of the colour types that have more than one."""
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
"""Left, top and steps of the passes of an interlaced file."""
_SCALED_BY = {2: 85, 4: 17}
"""Bits of a grey pixel to the factor by which Pillow, like other decoders, stretches it to 8 bits."""
_PIECE = 1 << 20
_ONE_GO = 1 << 16
"""Up to so many compressed bytes are inflated in one call: deflate makes at most 1,032 times as many of them."""
NO_SMOOTHING = "save label maps without anti-aliasing and resize them with nearest neighbour"


class _Chunks(NamedTuple):
    """What decides the pixels of a PNG file besides its header."""

    palette: bytes
    pixels: bytes


class PngHeader(NamedTuple):
    """The first chunk of a PNG file, as its specification orders the fields."""

    width: int
    height: int
    bits: int
    colour_type: int
    compression: int
    filters: int
    interlace: int


def decode_png(data: bytes, path: AnyPath) -> NDArray[np.uint8] | NDArray[np.uint16]:
    """Return the labels of a PNG file, H x W, in 8 bits (read-only) where the file has no more.

    Args:
        data: The whole file.
        path: Where it lies, for the message.

    Raises:
        BadInputError: It is no PNG, it is cut off or damaged, or it holds colours.
    """
    header = png_header(data, path)
    chunks = _chunks(data, path)
    labels = _inflate(chunks.pixels, header)
    return _read_with_pillow(header, chunks, path) if labels is None else labels


def check_png(data: bytes, path: AnyPath) -> None:
    """Check that a PNG file is whole without decoding a pixel; arguments and errors as for `decode_png`."""
    png_header(data, path)
    if not _chunks(data, path).pixels:
        raise _damaged(path, "it has no pixels")


def png_header(data: bytes, path: AnyPath) -> PngHeader:
    """Return the header of a PNG file, given its first 33 bytes or more. Raises BadInputError where it has none."""
    if not data.startswith(_SIGNATURE):
        raise BadInputError(f"{path}: found {_kind(data)}, expected a PNG file; save label maps as indexed PNG")
    if len(data) < 33 or data[8:16] != b"\0\0\0\x0dIHDR":
        raise _damaged(path, "the file ends inside its header")
    header = PngHeader(*struct.unpack_from(">IIBBBBB", data, 16))
    if not 0 < header.width * header.height <= MAX_PIXELS:
        size = f"{header.height} x {header.width} pixels"
        raise BadInputError(f"{path}: its header claims {size}; expected at least 1 and at most {MAX_PIXELS} pixels")
    return header


def _kind(data: bytes) -> str:
    if not data:
        return "an empty file"
    kinds = {b"\xff\xd8": "a JPEG image", b"GIF8": "a GIF image", b"BM": "a BMP image", b"PK": "a zip archive"}
    return next((kind for start, kind in kinds.items() if data.startswith(start)), "something else")


def _damaged(path: AnyPath, what: str) -> BadInputError:
    return BadInputError(f"{path}: the PNG is damaged: {what}; write or copy the file again")


def _chunks(data: bytes, path: AnyPath) -> _Chunks:
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


def _intact_chunks(data: bytes, path: AnyPath) -> Iterator[tuple[bytes, bytes]]:
    """Yield kind and content of each chunk before IEND, which has to be there, with their checksums checked."""
    position, kind = len(_SIGNATURE), b""
    while kind != _IEND:
        if position + 12 > len(data):
            raise _damaged(path, "the file is cut off")
        length, kind = _CHUNK_START.unpack_from(data, position)
        end = position + 8 + length
        if end + 4 > len(data):
            raise _damaged(path, "the file is cut off")
        if zlib_ng.crc32(data[position + 4 : end]) != _CHECKSUM.unpack_from(data, end)[0]:
            raise _damaged(path, f"the checksum of its {kind.decode('latin-1')} chunk is wrong")
        if kind != _IEND:
            yield kind, data[position + 8 : end]
        position = end + 4


def _inflate(compressed: bytes, header: PngHeader) -> NDArray[np.uint8] | None:
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
    if pixels[:: header.width + 1] == bytes(header.height):  # no row is filtered
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


def _read_with_pillow(header: PngHeader, chunks: _Chunks, path: AnyPath) -> NDArray[np.uint8] | NDArray[np.uint16]:
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


def _require_all_rows(header: PngHeader, compressed: bytes, path: AnyPath) -> None:
    """Refuse pixels that end early: Pillow takes what is missing for background, in some files and not in others."""
    stream, rest, found, wanted = zlib_ng.decompressobj(), compressed, 0, _raw_bytes(header)
    try:
        while found < wanted and (piece := stream.decompress(rest, _PIECE)):
            found, rest = found + len(piece), stream.unconsumed_tail
    except _INFLATE_ERROR as error:
        raise _damaged(path, str(error)) from None
    if found < wanted:
        raise _damaged(path, f"its pixels end after {found} of {wanted} bytes")


def _raw_bytes(header: PngHeader) -> int:
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


def _coloured(image: "PillowImage.Image", path: AnyPath) -> BadInputError:
    colours = len(image.getcolors(image.width * image.height) or ())
    remedy = NO_SMOOTHING if colours > 256 else "save an indexed image, with one index for each colour"
    if colours == 2:
        remedy += ", or a black and white one as grey"
    return BadInputError(
        f"{path}: found an image of mode {image.mode} with {counted(colours, 'colour')}, expected indexed or grey, "
        f"where each pixel is an object id; {remedy}"
    )
