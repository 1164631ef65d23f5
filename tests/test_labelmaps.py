import io
import os
import struct
import tracemalloc
import zlib
from pathlib import Path
from typing import Literal

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray
from PIL import Image

from vos_bench import labelmaps
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import (
    check_ids,
    merge_objects,
    object_ids,
    read_label_map,
    read_narrow,
    read_size,
    write_label_map,
)

GREY, RGB, INDEXED, GREY_ALPHA = 0, 2, 3, 4
Filter = Literal[0, 1, 2]

LABELS = np.array([[0, 1, 1, 2, 0], [0, 1, 3, 2, 2], [0, 0, 3, 3, 1]], np.uint8)


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    rows: bytes, shape: tuple[int, ...], *, bits: int = 8, colour: int = INDEXED, interlace: int = 0, idats: int = 1,
    extra: bytes = b"",
) -> bytes:  # fmt: skip
    header = struct.pack(">IIBBBBB", shape[1], shape[0], bits, colour, 0, 0, interlace)
    palette = chunk(b"PLTE", bytes(range(256)) * 3) if colour == INDEXED else b""
    stream = zlib.compress(rows)
    step = -(-len(stream) // idats)
    data = b"".join(chunk(b"IDAT", stream[i : i + step]) for i in range(0, len(stream), step))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + palette + extra + data + chunk(b"IEND", b"")


def filtered(labels: NDArray[np.uint8], filter: Filter = 0) -> bytes:
    """PNG rows of 8 bits: unfiltered, as differences from the left (1) or from above (2)."""
    before = np.zeros_like(labels)
    if filter == 1:
        before[:, 1:] = labels[:, :-1]
    if filter == 2:
        before[1:] = labels[:-1]
    rows = (labels - before).astype(np.uint8)
    return b"".join(bytes([filter]) + row.tobytes() for row in rows)


def packed(labels: NDArray[np.uint8], bits: int) -> bytes:
    """PNG rows of 1, 2 or 4 bits a pixel."""
    rows = []
    for row in labels:
        binary = "".join(f"{label:0{bits}b}" for label in row)
        binary += "0" * (-len(binary) % 8)
        rows.append(b"\0" + bytes(int(binary[i : i + 8], 2) for i in range(0, len(binary), 8)))
    return b"".join(rows)


def interlaced(labels: NDArray[np.uint8]) -> bytes:
    passes = ((0, 0, 8, 8), (0, 4, 8, 8), (4, 0, 8, 4), (0, 2, 4, 4), (2, 0, 4, 2), (0, 1, 2, 2), (1, 0, 2, 1))
    parts = (labels[y::down, x::right] for y, x, down, right in passes)
    return b"".join(filtered(part) for part in parts if part.size)


def saved(image: Image.Image) -> bytes:
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


VARIANTS = {
    "indexed": png(filtered(LABELS), LABELS.shape),
    "grey": png(filtered(LABELS), LABELS.shape, colour=GREY),
    "filtered from the left": png(filtered(LABELS, 1), LABELS.shape),
    "filtered from above": png(filtered(LABELS, 2), LABELS.shape, colour=GREY),
    "several IDAT": png(filtered(LABELS), LABELS.shape, idats=4),
    "interlaced": png(interlaced(LABELS), LABELS.shape, interlace=1),
    "transparent": png(filtered(LABELS), LABELS.shape, extra=chunk(b"tRNS", b"\0\x80\xff")),
    "two bits": png(packed(LABELS, 2), LABELS.shape, bits=2),
    "four bits": png(packed(LABELS, 4), LABELS.shape, bits=4),
    "sixteen bits": saved(Image.fromarray(LABELS.astype(np.uint16))),
    "grey with alpha": saved(Image.merge("LA", (Image.fromarray(LABELS), Image.fromarray(LABELS * 60)))),
    "with text": png(filtered(LABELS), LABELS.shape, extra=chunk(b"tEXt", b"Comment\0hello")),
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "00000.png"


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_kind_of_png_gives_the_labels(path: Path, variant: str) -> None:
    path.write_bytes(VARIANTS[variant])
    labels = read_label_map(path)
    assert labels.dtype == np.uint16
    np.testing.assert_array_equal(labels, LABELS)
    np.testing.assert_array_equal(read_narrow(path), LABELS)
    assert read_size(path) == LABELS.shape


@pytest.mark.parametrize("colour", [GREY, INDEXED])
def test_one_bit_is_background_and_object_1(path: Path, colour: int) -> None:
    mask = (LABELS == 1).astype(np.uint8)
    path.write_bytes(png(packed(mask, 1), mask.shape, bits=1, colour=colour))
    np.testing.assert_array_equal(read_label_map(path), mask)


def test_a_0_255_mask_keeps_255(path: Path) -> None:
    Image.fromarray((LABELS > 0).astype(np.uint8) * 255).save(path)
    assert object_ids(read_label_map(path)) == (255,)
    np.testing.assert_array_equal(merge_objects(read_label_map(path)), LABELS > 0)


def test_original_davis_2016_masks_read_as_0_and_255(shared: Path) -> None:
    files = sorted((shared / "data" / "DAVIS2016-raw-masks").rglob("*.png"))
    assert files
    for file in files:
        assert set(object_ids(read_label_map(file))) <= {255}


shapes = st.tuples(st.integers(1, 20), st.integers(1, 20))


@settings(deadline=None)
@given(
    labels=hnp.arrays(np.uint8, shapes),
    filter=st.sampled_from([0, 1, 2]),
    colour=st.sampled_from([GREY, INDEXED]),
    idats=st.integers(1, 3),
)
def test_the_fast_path_and_pillow_agree(
    labels: NDArray[np.uint8], filter: Filter, colour: int, idats: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "random.png"
    path.write_bytes(png(filtered(labels, filter), labels.shape, colour=colour, idats=idats))
    with Image.open(path) as image:
        np.testing.assert_array_equal(np.asarray(image), labels)
    np.testing.assert_array_equal(read_label_map(path), labels)


@settings(deadline=None)
@given(labels=hnp.arrays(np.uint16, shapes, elements=st.one_of(st.integers(0, 5), st.integers(0, 65535))))
def test_what_is_written_is_read_again(labels: NDArray[np.uint16], tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "written.png"
    write_label_map(path, labels)
    np.testing.assert_array_equal(read_label_map(path), labels)


def test_files_are_indexed_with_the_256_colours_of_davis(path: Path) -> None:
    write_label_map(path, LABELS.astype(np.uint16))
    with Image.open(path) as image:
        assert image.mode == "P"
        palette = np.array(image.getpalette()).reshape(-1, 3)
    assert palette.shape == (256, 3)
    first = [[0, 0, 0], [128, 0, 0], [0, 128, 0], [128, 128, 0], [0, 0, 128], [128, 0, 128], [0, 128, 128]]
    assert palette[:7].tolist() == first
    assert palette[255].tolist() == [224, 224, 192]


def test_the_palette_is_that_of_the_dataset(shared: Path) -> None:
    with Image.open(next((shared / "data" / "DAVIS" / "Annotations").rglob("*.png"))) as image:
        palette = bytes(image.getpalette() or ())
    assert labelmaps.DAVIS_PALETTE[: len(palette)] == palette


def test_ids_above_255_are_written_with_16_bits(path: Path) -> None:
    labels = np.array([[0, 7, 301]], np.uint16)
    write_label_map(path, labels)
    with Image.open(path) as image:
        assert image.mode.startswith("I;16")
    assert object_ids(read_label_map(path)) == (7, 301)


def test_the_same_labels_give_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.png", "b.png"):
        write_label_map(tmp_path / "new" / name, LABELS.astype(np.uint16))
    assert (tmp_path / "new" / "a.png").read_bytes() == (tmp_path / "new" / "b.png").read_bytes()
    assert len(list((tmp_path / "new").iterdir())) == 2


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2, 3), np.uint16), np.zeros((2, 2)), np.full((2, 2), -1), np.zeros((0, 4), int)]
)
def test_only_label_maps_are_written(path: Path, array: NDArray[np.uint16]) -> None:
    with pytest.raises(BadInputError, match=r"00000\.png: cannot write .* expected an H x W map"):
        write_label_map(path, array)
    assert not path.exists()


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_colours_are_refused_with_their_number(path: Path, mode: str) -> None:
    image = Image.fromarray(np.stack([LABELS * 50] * 3, axis=-1)).convert(mode)
    image.save(path)
    with pytest.raises(BadInputError, match=rf"mode {mode} with 4 colours, expected indexed or grey"):
        read_label_map(path)


@settings(deadline=None)
@given(data=st.data())
def test_no_changed_byte_goes_unnoticed(data: st.DataObject, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.getbasetemp() / "changed.png"
    content = bytearray(VARIANTS[data.draw(st.sampled_from(sorted(VARIANTS)))])
    place = data.draw(st.integers(0, len(content) - 1))
    content[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=r"changed\.png"):
        read_label_map(path)


@pytest.mark.parametrize("variant", ["indexed", "interlaced", "sixteen bits"])
def test_a_file_cut_off_anywhere_is_an_error(path: Path, variant: str) -> None:
    content = VARIANTS[variant]
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(BadInputError, match=r"00000\.png"):
            read_label_map(path)


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"", "empty file"), (b"\xff\xd8\xff\xe0", "JPEG"), (b"GIF89a", "GIF"), (b"text", "something else")],
)
def test_other_files_are_named(path: Path, content: bytes, kind: str) -> None:
    path.write_bytes(content)
    with pytest.raises(BadInputError, match=rf"00000\.png: found .*{kind}.*expected a PNG file"):
        read_label_map(path)


def test_missing_files_and_folders_are_named(tmp_path: Path) -> None:
    for path, reason in ((tmp_path / "none.png", "No such file"), (tmp_path, "Is a directory")):
        for read in (read_label_map, read_size):
            with pytest.raises(BadInputError, match=rf"{path}: cannot be read: {reason}"):
                read(path)


def test_a_header_that_claims_too_much_is_refused(path: Path) -> None:
    path.write_bytes(png(b"", (100_000, 100_000)))
    with pytest.raises(BadInputError, match="100000 x 100000 pixels"):
        read_label_map(path)


def test_a_stream_that_swells_is_not_inflated(path: Path) -> None:
    path.write_bytes(png(filtered(LABELS) + bytes(200_000_000), LABELS.shape))
    tracemalloc.start()
    labels = read_label_map(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000
    np.testing.assert_array_equal(labels, LABELS)


def test_a_damaged_stream_is_an_error(path: Path) -> None:
    whole = png(filtered(LABELS), LABELS.shape)
    path.write_bytes(whole[: whole.index(b"IDAT") - 4] + chunk(b"IDAT", b"no stream") + chunk(b"IEND", b""))
    with pytest.raises(BadInputError, match=r"damaged: .* decompressing"):
        read_label_map(path)


def with_pixels(data: bytes, share: float) -> bytes:
    """The same file with the beginning of its pixels alone, in a stream that is whole."""
    at, before, stream = 8, data[:8], b""
    while at < len(data):
        kind, end = data[at + 4 : at + 8], at + 12 + int.from_bytes(data[at : at + 4], "big")
        if kind in {b"IHDR", b"PLTE"}:
            before += data[at:end]
        if kind == b"IDAT":
            stream += data[at + 8 : end - 4]
        at = end
    pixels = zlib.decompress(stream)
    return before + chunk(b"IDAT", zlib.compress(pixels[: round(share * len(pixels))])) + chunk(b"IEND", b"")


@pytest.mark.parametrize("variant", VARIANTS)
def test_files_of_every_kind_need_all_their_pixels(path: Path, variant: str) -> None:
    path.write_bytes(with_pixels(VARIANTS[variant], 1))
    np.testing.assert_array_equal(read_label_map(path), LABELS)
    path.write_bytes(with_pixels(VARIANTS[variant], 0.9))
    with pytest.raises(BadInputError, match=r"damaged: its pixels end after \d+ of \d+ bytes"):
        read_label_map(path)


@pytest.mark.parametrize("in_one_go", [0, 1 << 16])
def test_small_files_and_large_ones_are_inflated_alike(
    path: Path, in_one_go: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("vos_bench.formats.png._ONE_GO", in_one_go)
    rows = filtered(LABELS)
    path.write_bytes(png(rows, LABELS.shape))
    np.testing.assert_array_equal(read_label_map(path), LABELS)
    path.write_bytes(png(rows + b"\0", LABELS.shape))
    np.testing.assert_array_equal(read_label_map(path), LABELS)
    path.write_bytes(png(rows[:-1], LABELS.shape))
    with pytest.raises(BadInputError, match="its pixels end after 17 of 18 bytes"):
        read_label_map(path)


def test_ids_are_listed_without_the_background() -> None:
    assert object_ids(LABELS) == (1, 2, 3)
    assert object_ids(np.zeros((2, 2), np.uint16)) == ()
    assert object_ids(np.array([[0, 301], [255, 7]], np.uint16)) == (7, 255, 301)


def test_allowed_ids_pass_whether_or_not_they_are_there() -> None:
    check_ids(LABELS, {1, 2, 3, 4}, Path("bear/00003.png"))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ([[0, 1, 7]], r"bear/00003\.png: found id 7, expected only 1 and 0, because its sequence has 1 object;"),
        ([[0, 255]], r"found id 255, .*write object 1 as label 1, not as white \(255\)"),
        ([range(41)], r"bear/00003\.png: has 41 colours but its sequence has 1 object: its edges are smoothed"),
    ],
)
def test_unknown_ids_come_with_advice(labels: list[list[int]], message: str) -> None:
    with pytest.raises(BadInputError, match=message):
        check_ids(np.array([list(row) for row in labels], np.uint8), {1}, Path("bear/00003.png"))


def test_a_file_that_readers_would_understand_differently_is_refused(path: Path) -> None:
    rows, (height, width) = filtered(LABELS), LABELS.shape
    stream, turned = zlib.compress(rows), struct.pack(">IIBBBBB", height, width, 8, GREY, 0, 0, 0)
    right = png(rows, LABELS.shape, colour=GREY)
    apart = right[:33] + chunk(b"IDAT", stream[:9]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", stream[9:])
    for data, message in (
        (apart + right[-12:], "other chunks lie between its pixels"),
        (png(rows, LABELS.shape, colour=GREY, extra=chunk(b"IHDR", turned)), "'IHDR' chunk is unknown, or not where"),
        (png(rows, LABELS.shape, colour=GREY, extra=chunk(b"ABCD", b"")), "'ABCD' chunk is unknown"),
        (
            png(rows, LABELS.shape, extra=chunk(b"fcTL", struct.pack(">IIIIIHHBB", 0, 2, 2, 0, 0, 1, 1, 0, 0))),
            "animation",
        ),
    ):
        path.write_bytes(data)
        for read in (read_label_map, read_narrow):
            with pytest.raises(BadInputError, match=message):
                read(path)


def test_what_does_not_decide_the_pixels_is_not_looked_at(path: Path) -> None:
    bomb = chunk(b"zTXt", b"a\0\0" + zlib.compress(bytes(1 << 24))) + chunk(b"eXIf", b"MM\0*\xff\xff\xff\xff")
    path.write_bytes(png(packed(LABELS, 4), LABELS.shape, bits=4, extra=bomb))
    assert np.array_equal(read_label_map(path), LABELS)


def test_a_pipe_a_device_and_a_huge_file_are_refused_unread(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    (tmp_path / "device.png").symlink_to("/dev/zero")
    with (tmp_path / "huge.png").open("wb") as file:
        file.truncate(1 << 36)
    for name, message in (
        ("pipe", "a device or a pipe"),
        ("device", "a device or a pipe"),
        ("huge", "68719476736 bytes"),
    ):
        for read in (read_label_map, read_size):
            with pytest.raises(BadInputError, match=message):
                read(tmp_path / f"{name}.png")
