"""PNG files that are right, odd, or wrong: by the specification, from the header to the last chunk."""

import struct
import zlib
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from hypothesis import strategies as st
from numpy.typing import NDArray

SIGNATURE = b"\x89PNG\r\n\x1a\n"
GREY, RGB, INDEXED, GREY_ALPHA, RGBA = 0, 2, 3, 4, 6
CHANNELS = {GREY: 1, RGB: 3, INDEXED: 1, GREY_ALPHA: 2, RGBA: 4}
DEPTHS = {GREY: (1, 2, 4, 8, 16), INDEXED: (1, 2, 4, 8), GREY_ALPHA: (8, 16), RGB: (8, 16), RGBA: (8, 16)}
ADAM7 = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
"""First row, first column, step of rows, step of columns of each pass."""

Chunk = tuple[bytes, bytes]


class Png(NamedTuple):
    """A file, and the labels it holds where nothing in it is odd; None where something is."""

    data: bytes
    labels: NDArray[np.uint16] | None
    wrong: str

    @property
    def is_exact(self) -> bool:
        """Whether Pillow gives its levels as they are: grey of 2 and 4 bits it stretches to 0 to 255."""
        return self.data[24:26] not in {bytes([2, GREY]), bytes([4, GREY])}


class _Draft(NamedTuple):
    """A right file before something is done to it."""

    chunks: list[Chunk]
    labels: NDArray[np.uint16]
    rows: bytes
    draw: Any


def chunk(kind: bytes, data: bytes) -> bytes:
    """Return a chunk with its length and checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(
    width: int, height: int, *, bits: int = 8, colour: int = INDEXED, interlace: int = 0, rest: bytes = b"\0\0"
) -> bytes:
    """Return what IHDR holds."""
    return struct.pack(">IIBB", width, height, bits, colour) + rest + bytes([interlace])


def png(chunks: Sequence[Chunk]) -> bytes:
    """Return a file of these chunks."""
    return SIGNATURE + b"".join(chunk(*each) for each in chunks)


def bomb(width: int, height: int, *, bits: int = 8, data: bytes = b"") -> bytes:
    """Return a small file that claims many pixels."""
    stream = zlib.compress(data or bytes(1 << 20))
    return png([(b"IHDR", header(width, height, bits=bits, colour=GREY)), (b"IDAT", stream), (b"IEND", b"")])


def _filtered(rows: list[bytes], kinds: Sequence[int], distance: int) -> bytes:
    """Filter rows as the specification's section 9 says; a kind that there is not leaves the row as it is."""
    out, above = bytearray(), bytes(len(rows[0])) if rows else b""
    for row, kind in zip(rows, kinds, strict=False):
        left = bytes(distance) + row[: len(row) - distance]
        corner = bytes(distance) + above[: len(above) - distance]
        predicted = {
            0: bytes(len(row)),
            1: left,
            2: above,
            3: bytes((a + b) // 2 for a, b in zip(left, above, strict=True)),
            4: bytes(map(_paeth, left, above, corner)),
        }.get(kind, bytes(len(row)))
        out += bytes([kind]) + bytes((x - p) & 255 for x, p in zip(row, predicted, strict=True))
        above = row
    return bytes(out)


def _paeth(left: int, above: int, corner: int) -> int:
    estimate = left + above - corner
    return min((left, above, corner), key=lambda each: abs(estimate - each))


def _packed(labels: NDArray[np.uint16], bits: int) -> list[bytes]:
    """Return rows of pixels of 1 to 16 bits."""
    if bits == 16:
        return [row.astype(">u2").tobytes() for row in labels]
    lines = ("".join(f"{int(label):0{bits}b}" for label in row) for row in labels)
    return [int(line.ljust(-(-len(line) // 8) * 8, "0"), 2).to_bytes(-(-len(line) // 8), "big") for line in lines]


@st.composite
def drafts(draw: Any) -> _Draft:
    """Any right label map: 1 to 12 pixels wide and high, grey or indexed, with any filters."""
    height, width = draw(st.integers(1, 12)), draw(st.integers(1, 12))
    colour = draw(st.sampled_from((INDEXED, INDEXED, GREY)))
    bits = draw(st.sampled_from((8, 8, *DEPTHS[colour])))
    interlace = draw(st.sampled_from((0, 0, 1)))
    raw = draw(st.binary(min_size=2 * height * width, max_size=2 * height * width))
    labels = (np.frombuffer(raw, np.uint16).reshape(height, width) & (2**bits - 1)).astype(np.uint16)
    passes = [labels[r::dr, c::dc] for r, c, dr, dc in ADAM7] if interlace else [labels]
    rows = b""
    for part in passes:
        if part.size:
            kinds = draw(st.lists(st.sampled_from((0, 0, 1, 2, 3, 4)), min_size=len(part), max_size=len(part)))
            rows += _filtered(_packed(part, bits), kinds, max(1, bits // 8))
    chunks = [(b"IHDR", header(width, height, bits=bits, colour=colour, interlace=interlace))]
    if colour == INDEXED:
        chunks.append((b"PLTE", draw(st.binary(min_size=3, max_size=3)) * 2**bits))
    chunks += _idats(draw, zlib.compress(rows, draw(st.integers(0, 9))))
    if draw(st.booleans()):
        chunks.insert(draw(st.integers(1, len(chunks) - 1)) if colour == GREY else 1, (b"tEXt", b"Title\0any"))
        chunks = _idats_together(chunks)
    return _Draft([*chunks, (b"IEND", b"")], labels, rows, draw)


def _idats(draw: Any, stream: bytes) -> list[Chunk]:
    cuts = sorted(draw(st.lists(st.integers(0, len(stream)), max_size=3)))
    return [(b"IDAT", stream[a:b]) for a, b in zip([0, *cuts], [*cuts, len(stream)], strict=True)]


def _idats_together(chunks: list[Chunk]) -> list[Chunk]:
    """Put all IDAT behind all else, as a right file has them."""
    return [each for each in chunks if each[0] != b"IDAT"] + [each for each in chunks if each[0] == b"IDAT"]


def _truncated(draft: _Draft) -> bytes:
    data = png(draft.chunks)
    return data[: draft.draw(st.integers(0, len(data) - 1))]


def _flipped(draft: _Draft) -> bytes:
    data = bytearray(png(draft.chunks))
    data[draft.draw(st.integers(0, len(data) - 1))] ^= draft.draw(st.integers(1, 255))
    return bytes(data)


def _with_header(draft: _Draft) -> bytes:
    """Claim something else, with a right checksum."""
    old = draft.chunks[0][1]
    side = st.sampled_from((0, 1, 13, 255, 8192, 60_000, 2**31 - 1, 2**31, 2**32 - 1))
    draw = draft.draw
    width, height = draw(side), draw(side)
    fields = bytearray(old)
    for place, value in (
        (slice(0, 4), struct.pack(">I", width)),
        (slice(4, 8), struct.pack(">I", height)),
        (slice(8, 9), bytes([draw(st.sampled_from((0, 1, 2, 3, 4, 8, 16, 32, 255)))])),
        (slice(9, 10), bytes([draw(st.integers(0, 7))])),
        (slice(10, 12), draw(st.binary(min_size=2, max_size=2))),
        (slice(12, 13), bytes([draw(st.integers(0, 3))])),
    ):
        if draw(st.booleans()):
            fields[place] = value
    extra = draw(st.sampled_from((b"", b"", b"\0", None)))
    body = bytes(fields)[:-1] if extra is None else bytes(fields) + extra
    return png([(b"IHDR", body), *draft.chunks[1:]])


def _with_stream(draft: _Draft) -> bytes:
    """Put other pixel data under the same header: too short, too long, cut, no zlib, an unknown filter."""
    draw, rows = draft.draw, draft.rows
    stream = zlib.compress(rows)
    changed: Callable[[], bytes] = draw(
        st.sampled_from(
            (
                lambda: zlib.compress(rows[: draw(st.integers(0, len(rows) - 1))]),
                lambda: zlib.compress(rows + draw(st.binary(min_size=1, max_size=40))),
                lambda: stream[: draw(st.integers(0, len(stream) - 1))],
                lambda: stream + draw(st.binary(min_size=1, max_size=20)),
                lambda: stream[:-4] + draw(st.binary(min_size=4, max_size=4)),
                lambda: draw(st.binary(max_size=60)),
                lambda: zlib.compress(bytes([draw(st.integers(5, 255))]) + rows[1:]),
                lambda: zlib.compress(rows)[2:-4],
                lambda: stream + stream,
            )
        )
    )
    others = [each for each in draft.chunks if each[0] not in {b"IDAT", b"IEND"}]
    return png([*others, *_idats(draw, changed()), (b"IEND", b"")])


_EXTRAS: tuple[Chunk, ...] = (
    (b"ABCD", b"critical and unknown"),
    (b"abCd", b"unknown"),
    (b"IHDR", header(3, 3)),
    (b"IEND", b""),
    (b"IDAT", b""),
    (b"IDAT", zlib.compress(bytes(9))),
    (b"PLTE", b"\1\2\3"),
    (b"PLTE", b"\1\2\3\4"),
    (b"PLTE", b""),
    (b"PLTE", bytes(3 * 300)),
    (b"tRNS", b"\0"),
    (b"tRNS", bytes(300)),
    (b"tRNS", b"\0\1"),
    (b"zTXt", b"bomb\0\0" + zlib.compress(bytes(1 << 22))),
    (b"zTXt", b"method\0\7nothing"),
    (b"iTXt", b"key\0\1\0\0\0" + zlib.compress(bytes(1 << 22))),
    (b"iTXt", b"\xff\xfe"),
    (b"iCCP", b"name\0\0" + zlib.compress(bytes(1 << 22))),
    (b"iCCP", b""),
    (b"gAMA", b"\0"),
    (b"pHYs", b"\0"),
    (b"cHRM", b"\0"),
    (b"sRGB", b""),
    (b"eXIf", b"MM\0*\xff\xff\xff\xff"),
    (b"acTL", struct.pack(">II", 2, 0)),
    (b"acTL", struct.pack(">II", 2**31, 0)),
    (b"acTL", b""),
    (b"fcTL", struct.pack(">IIIIIHHBB", 0, 2, 2, 0, 0, 1, 1, 0, 0)),
    (b"fcTL", struct.pack(">IIIIIHHBB", 0, 1, 1, 9, 9, 1, 1, 2, 1)),
    (b"fcTL", b""),
    (b"fdAT", struct.pack(">I", 1) + zlib.compress(bytes(9))),
    (b"fdAT", b""),
    (b"\0\0\0\0", b""),
    (b"\xff\xfe\x1b[", b"escape"),
)


def _with_extra(draft: _Draft) -> bytes:
    chunks = list(draft.chunks)
    for extra in draft.draw(st.lists(st.sampled_from(_EXTRAS), min_size=1, max_size=3)):
        chunks.insert(draft.draw(st.integers(0, len(chunks))), extra)
    return png(chunks)


def _apart(draft: _Draft) -> bytes:
    """Put another chunk between the pixels."""
    chunks = [each for each in draft.chunks if each[0] != b"IDAT"]
    stream = zlib.compress(draft.rows)
    cut = draft.draw(st.integers(0, len(stream)))
    between = draft.draw(st.sampled_from(((b"abCd", b""), (b"tEXt", b"a\0b"), (b"PLTE", b"\1\2\3"))))
    return png([*chunks[:-1], (b"IDAT", stream[:cut]), between, (b"IDAT", stream[cut:]), chunks[-1]])


def _second_header(draft: _Draft) -> bytes:
    """Claim another size in a second header, as large as the first, so that the pixels fit both."""
    old = draft.chunks[0][1]
    turned = old[4:8] + old[:4] + old[8:]
    return png([draft.chunks[0], (b"IHDR", turned), *draft.chunks[1:]])


def _reordered(draft: _Draft) -> bytes:
    chunks = [each for each in draft.draw(st.permutations(draft.chunks)) if draft.draw(st.integers(0, 5))]
    return png(chunks)


def _with_length(draft: _Draft) -> bytes:
    """Let one chunk say another length, with a checksum over what it then holds, or a wrong one."""
    data = bytearray(png(draft.chunks))
    starts, at = [], len(SIGNATURE)
    for _, body in draft.chunks:
        starts.append(at)
        at += 12 + len(body)
    start = draft.draw(st.sampled_from(starts))
    length = draft.draw(st.sampled_from((0, 1, 14, 2**31 - 1, 2**31, 2**32 - 1)))
    data[start : start + 4] = struct.pack(">I", length)
    end = start + 8 + length
    if draft.draw(st.booleans()) and end + 4 <= len(data):
        data[end : end + 4] = struct.pack(">I", zlib.crc32(bytes(data[start + 4 : end])))
    return bytes(data)


def _colours(draft: _Draft) -> bytes:
    """Return a small file of colours or with alpha, which is right but for being no label map (grey-alpha is one)."""
    draw = draft.draw
    colour = draw(st.sampled_from((RGB, RGBA, GREY_ALPHA)))
    bits = draw(st.sampled_from(DEPTHS[colour]))
    stride = CHANNELS[colour] * bits // 8
    height, width = draft.labels.shape
    rows = b"".join(b"\0" + draw(st.binary(min_size=width * stride, max_size=width * stride)) for _ in range(height))
    body = header(width, height, bits=bits, colour=colour)
    return png([(b"IHDR", body), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")])


def _doubled(draft: _Draft) -> bytes:
    data = png(draft.chunks)
    return data + draft.draw(st.sampled_from((data, b"\0", b"trailing", data[:20])))


_WRONGS: dict[str, Callable[[_Draft], bytes]] = {
    each.__name__.strip("_"): each
    for each in (
        _truncated,
        _flipped,
        _with_header,
        _with_stream,
        _with_extra,
        _apart,
        _second_header,
        _reordered,
        _with_length,
        _colours,
        _doubled,
    )
}


@st.composite
def pngs(draw: Any) -> Png:
    """One file: right in one of ten cases, else wrong in one way."""
    draft = draw(drafts())
    wrong = draw(st.sampled_from(("nothing", *_WRONGS)))
    if wrong == "nothing":
        return Png(png(draft.chunks), draft.labels, wrong)
    return Png(_WRONGS[wrong](draft._replace(draw=draw)), None, wrong)
