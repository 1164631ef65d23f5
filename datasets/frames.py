"""The image files of a sequence: their names in order, their sizes, and reading them whole or not at all."""

import io
import os
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from vos_bench.api import Image, Problem
from vos_bench.files import read_bytes, read_ends, require_regular
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.names import frame_order, shorten

from .problems import BadDataError, folder_problem, require_file_names

FRAME_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".bmp"})
LABEL_SUFFIXES = frozenset({".png"})

MAX_BYTES = 1 << 29
"""The largest frame that is read, as many bytes as the most pixels need where nothing is compressed, and more."""

_FORMATS = ("JPEG", "PNG", "BMP")

_BMP_HEADER = 14
"""Bytes of a BMP before anything else."""

TAIL = 4096
"""Bytes at the end of a file in which its end marker is looked for."""

_ORIENTATION = 0x0112
"""The EXIF tag that says how a camera was held."""


TURNED_NOTE = "frames are turned as their EXIF data say, and label maps are taken as drawn on the turned frames"
FAINT_NOTE = (
    "frames have 16 bits, of which they use 12 or fewer, so that they are nearly black; multiply the values, by 16 "
    "where a camera gave 12 bits"
)


def list_images(folder: Path, suffixes: frozenset[str] = FRAME_SUFFIXES) -> dict[str, Path]:
    """Return the images of a folder by name (the file without its suffix), sorted as text, as the official scorer does.

    Files that start with a dot and files of other kinds are passed over.

    Raises:
        BadInputError: The folder cannot be listed, or two of its files have the same name.
    """
    remedy = "check the path and the rights, or unpack the data again"
    if problem := folder_problem(folder, expected="a folder of images", remedy=remedy):
        raise BadDataError(problem)
    images: dict[str, Path] = {}
    for path in image_files(folder, suffixes):
        if path.stem in images:
            found, expected = f"{images[path.stem].name} and {path.name}", "one image a frame"
            raise BadDataError(Problem(folder, found, expected, "remove one of the two"))
        images[path.stem] = path
    require_file_names(folder, images)
    return {name: images[name] for name in sorted(images, key=frame_order)}


def image_files(folder: Path, suffixes: frozenset[str] = FRAME_SUFFIXES) -> list[Path]:
    """Return the images of a folder, sorted; none where it cannot be listed."""
    try:
        images = [path for path in folder.iterdir() if _is_image(path.name, suffixes)]
        return sorted(images, key=lambda path: path.name)  # paths compare more slowly
    except OSError:
        return []


def _is_image(name: str, suffixes: frozenset[str]) -> bool:
    return not name.startswith(".") and os.path.splitext(name)[1].lower() in suffixes  # noqa: PTH122 (no Path a file)


def prefix_problem(folder: Path, names: Iterable[str]) -> Problem | None:
    """Return a problem when a name is the beginning of another, so that tools sort a-1 before a, or after it.

    `vos_bench.names.frame_order` says which way is taken here.
    """
    with_dot = sorted(names, key=frame_order)
    bare = sorted(with_dot)
    if with_dot == bare:
        return None
    start = max(0, next(k for k, (one, other) in enumerate(zip(with_dot, bare, strict=True)) if one != other) - 1)
    orders = f"as file names {shorten(with_dot[start:])}, without their suffix {shorten(bare[start:])}"
    found = f"frames that tools sort in two ways: {orders}"
    return Problem(folder, found, "no name that begins with another", "number all of them, padded with zeros")


def order_problem(folder: Path, names: Iterable[str]) -> Problem | None:
    """Return a problem when sorting names as text and as numbers gives two orders, as 1, 10, 2 and 1, 2, 10 do."""
    as_text = sorted(names)
    as_numbers = sorted(as_text, key=_numbers)
    if as_text == as_numbers:
        return None
    first = next(k for k, (one, other) in enumerate(zip(as_text, as_numbers, strict=True)) if one != other)
    start = max(0, first - 1)
    found = (
        f"frames whose order is unclear: as text {shorten(as_text[start:])}, as numbers {shorten(as_numbers[start:])}"
    )
    numbers = [digits[-1] for name in as_text if (digits := re.findall(r"\d+", name))]
    width = max(5 if all(map(str.isdecimal, as_text)) else 0, *map(len, numbers))
    padded = re.sub(r"\d+(?=\D*$)", lambda number: number[0].zfill(width), as_numbers[start])
    example = f"{as_numbers[start]} becomes {padded}"
    return Problem(folder, found, "names padded with zeros", f"rename frames and label maps alike: {example}")


def _numbers(name: str) -> list[tuple[int, int | str]]:
    parts = re.split(r"(\d+)", name)
    return [(0, int(part)) if part.isdecimal() else (1, part) for part in parts if part]


def read_image(path: Path) -> Image:
    """Decode an image file.

    Returns:
        H x W x 3, RGB, turned as its EXIF data says; grey becomes three equal channels, alpha is dropped.

    Raises:
        BadInputError: It cannot be read, is cut off or damaged, or claims more than `MAX_PIXELS`. Some versions of
            OpenCV fill what a cut-off file lacks with grey and say nothing, so its end is looked at first.
    """
    import cv2  # here because it takes 0.1 s, which listing the datasets should not

    try:
        data = read_bytes(path, most=MAX_BYTES)
    except OSError as error:
        found = f"a file that cannot be read ({error.strerror or error})"
        raise BadDataError(Problem(path, found, "an image", "run vos-bench check")) from None
    if damage := damage_of(data[:16], data[-TAIL:], len(data)):
        raise _damaged(path, damage)
    size = _size(path, io.BytesIO(data))
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error:
        image = None
    if image is None or image.shape[:2] != size:
        raise _damaged(path, "an image that cannot be decoded")
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_BGR2RGB), dtype=np.uint8)


def _damaged(path: Path, found: str) -> BadDataError:
    return BadDataError(Problem(path, found, "a whole JPEG, PNG or BMP image", "copy or unpack it again"))


def damage_of(head: bytes, tail: bytes, size: int) -> str | None:
    """Return what is wrong with an image file by its ends, or None; nothing is decoded.

    Args:
        head: Its first 16 bytes.
        tail: Its last 4096 bytes.
        size: Its length.
    """
    if not size:
        return "an empty file"
    if head.startswith(b"\xff\xd8"):
        return None if b"\xff\xd9" in tail else f"a JPEG that is cut off after {size} bytes"
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return None if b"IEND\xaeB`\x82" in tail else f"a PNG that is cut off after {size} bytes"
    if head.startswith(b"BM"):
        wanted = max(_BMP_HEADER, int.from_bytes(head[2:6], "little"))
        return None if size >= wanted else f"a BMP that is cut off after {size} of {wanted} bytes"
    return "neither a JPEG nor a PNG nor a BMP file"


def file_damage(path: Path) -> str | None:
    """Return what `damage_of` says of a file, or why it cannot be read."""
    try:
        size, head, tail = read_ends(path, most=MAX_BYTES, head=16, tail=TAIL)
        return damage_of(head, tail, size)
    except OSError as error:
        return f"a file that cannot be read ({error.strerror})"


def orientation(path: Path) -> int:
    """Return how a file's EXIF data say that a camera was held: 1 for upright, which a file without them is too."""
    from PIL import Image as PillowImage  # here and below, since a truth alone has no frames

    try:
        require_regular(path, most=MAX_BYTES)
        with PillowImage.open(path, formats=_FORMATS) as image:
            return int(image.getexif().get(_ORIENTATION, 1) if "exif" in image.info else 1)
    except Exception:  # as in `_size`, which says what is wrong
        return 1


def frame_notes(frames: Mapping[str, Path]) -> dict[str, str]:
    """Return what to know of a sequence's frames, by their first file: how it is turned, and how few bits it uses.

    Decodes that frame where it is a PNG of 16 bits.
    """
    path = next(iter(frames.values()))
    found = {}
    if (turned := orientation(path)) != 1:
        found[TURNED_NOTE] = f"orientation {turned}"
    if (highest := _highest_of_16_bits(path)) is not None and highest < 1 << 12:
        found[FAINT_NOTE] = f"up to {highest}"
    return found


def _highest_of_16_bits(path: Path) -> int | None:
    """Return the highest value of a PNG with 16 bits a channel; None for any other file."""
    import cv2

    try:
        if read_ends(path, most=MAX_BYTES, head=25, tail=0).head[24:] != b"\x10" or path.suffix.lower() != ".png":
            return None
        image = cv2.imdecode(np.frombuffer(read_bytes(path, most=MAX_BYTES), np.uint8), cv2.IMREAD_UNCHANGED)
    except (OSError, cv2.error):  # reading the frame says what is wrong
        return None
    return None if image is None else int(image.max())


def image_size(path: Path) -> tuple[int, int]:
    """Return the (height, width) that `read_image` gives, from the file's header. Raises BadInputError."""
    try:
        require_regular(path, most=MAX_BYTES)
    except OSError as error:
        raise _damaged(path, f"a file that cannot be read ({error.strerror})") from None
    return _size(path, path)


def _size(path: Path, source: Path | io.BytesIO) -> tuple[int, int]:
    from PIL import Image as PillowImage

    try:
        with PillowImage.open(source, formats=_FORMATS) as image:
            # Of a PNG without such data Pillow would decode all pixels to look behind them.
            exif = image.getexif() if "exif" in image.info else {}
            turned = exif.get(_ORIENTATION, 1) in (5, 6, 7, 8)
            height, width = (image.width, image.height) if turned else (image.height, image.width)
    except Exception as error:  # Pillow: a damaged header may raise anything, warnings among it
        raise _damaged(path, f"no image header ({error})") from None
    if not 0 < height * width <= MAX_PIXELS:
        raise _damaged(path, f"a header that claims {height} x {width} pixels, of which {MAX_PIXELS} are read at most")
    return height, width
