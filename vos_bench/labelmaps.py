"""Label maps: reading and writing them as PNG files, and the object ids in them."""

from collections.abc import Collection, Iterable
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image, LabelMap
from vos_bench.errors import BadInputError
from vos_bench.files import AnyPath, read_bytes, replacing
from vos_bench.formats.png import MAX_PIXELS, NO_SMOOTHING, check_png, decode_png, png_header
from vos_bench.names import counted

VOID = 255
"""The label of pixels that a DAVIS-style truth leaves undecided; also the one object of a 0/255 mask."""

WHITE_OF_16_BITS = (1 << 16) - 1
"""The label that white is in a black and white picture of 16 bits."""

MAX_BYTES = 4 * MAX_PIXELS
"""The largest file that is read: what the largest label map takes if nothing of it is compressed, and as much again."""

NarrowLabels = NDArray[np.uint8] | NDArray[np.uint16]
"""H x W; a label map that is only as wide as its file: 8 bits nearly always."""

_FEW = 16
"""Up to this id a search for each finds the ids of a label map sooner than a table of all."""


def label_map_path(folder: Path, frame: str) -> str:
    """Return where the label map of a frame lies in the folder of its sequence."""
    return f"{folder}/{frame}.png"


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


def read_narrow(path: AnyPath) -> NarrowLabels:
    """Read as `read_label_map` does, but keep 8-bit labels in 8 bits (read-only), which the metrics take as well."""
    return decode_png(file_bytes(path), path)


def read_size(path: AnyPath) -> tuple[int, int]:
    """Return a PNG file's (height, width) from its header; nothing is decoded. Raises BadInputError."""
    header = png_header(file_bytes(path, 8 + 12 + 13), path)
    return header.height, header.width


def file_bytes(path: AnyPath, length: int | None = None) -> bytes:
    """Return what a label map's file holds, or its first bytes. Raises BadInputError where it cannot be read."""
    try:
        return read_bytes(path, most=MAX_BYTES, first=length)
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInputError(f"{path}: cannot be read: {reason}; expected a label map as PNG") from None


def require_whole(path: Path) -> None:
    """Check that a PNG file ends where its chunks say and that each of them is intact; no pixel is decoded.

    Raises:
        BadInputError: It is absent, empty, cut off or damaged.
    """
    check_png(file_bytes(path), path)


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
    if highest and np.count_nonzero(labels) == np.count_nonzero(labels == highest):  # as in white masks
        return (highest,)
    present = np.zeros(highest + 1, np.bool_)
    present[labels.ravel()] = True
    return tuple(int(k) for k in np.flatnonzero(present) if k)


def is_white(labels: NarrowLabels) -> bool:
    """Say whether a label map holds 0 and 255 alone, and 255 at least once: one object, as many tools write its mask.

    In a sequence with one object, white is this object; see `white_as`.
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
        return f"{path}: has {colours}: its edges are smoothed; {NO_SMOOTHING}"
    ids = "id" if len(unknown) == 1 else "ids"
    expected = f"only {_listed(sorted(allowed))} and 0" if allowed else "only 0"
    message = f"{path}: found {ids} {_listed(unknown)}, expected {expected}, because its sequence has {objects}"
    if white := {VOID, WHITE_OF_16_BITS}.intersection(unknown):
        return f"{message}; write object 1 as label 1, not as white ({min(white)})"
    return f"{message}; remove objects that were never given and keep the ids of those that were"


def _listed(ids: list[int], most: int = 8) -> str:
    shown = ", ".join(map(str, ids[:most]))
    return shown if len(ids) <= most else f"{shown}, … ({len(ids)} in all)"
