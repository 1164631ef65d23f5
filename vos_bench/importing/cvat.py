"""CVAT's XML: `CVAT for video 1.1` with tracks, and `CVAT for images 1.1` with an attribute `track_id`."""

from functools import partial
from pathlib import Path, PurePosixPath
from xml.etree import ElementTree

import numpy as np

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.files import require_regular
from vos_bench.files.listing import only_file
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.importing.regions import Annotations, Region
from vos_bench.names import counted

MOST_BYTES = 1 << 30
"""The largest file of annotations that is read."""

MOST_FRAMES = 5_000_000
"""Two days of video; an export that says more is damaged, and the names of its frames would fill the memory."""

_SHAPES = frozenset({"polygon", "mask"})
_OTHERS = frozenset({"box", "polyline", "points", "cuboid", "ellipse", "skeleton"})


def read_cvat(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read CVAT's XML, or the one file of it in a folder. Raises BadInputError where it is another or damaged."""
    file = only_file(path, ".xml", expected="the one of `CVAT for video 1.1` or `CVAT for images 1.1`")
    try:
        require_regular(file, most=MOST_BYTES)
        root = ElementTree.parse(file).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise BadInputError(f"{file}: cannot be read as XML: {error}; expected an export of CVAT") from None
    if root.tag != "annotations":
        raise BadInputError(f"{file}: begins with <{root.tag}>; expected <annotations>, an export of CVAT")
    found = Annotations()
    try:
        if root.find("track") is not None:
            _read_tracks(root, file, found, size)
        else:
            _read_images(root, file, found)
    except (KeyError, ValueError) as error:
        raise BadInputError(f"{file}: is damaged: {error}; export it again") from None
    others = sum(1 for each in root.iter() if each.tag in _OTHERS)
    if others:
        found.notes.append(
            f"{counted(others, 'shape has', 'shapes have')} no area that label maps could show (boxes, lines, "
            "points): left out"
        )
    return found


def _read_tracks(root: ElementTree.Element, file: Path, found: Annotations, size: tuple[int, int] | None) -> None:
    """Read `CVAT for video`: each track has its shape on every frame, drawn or interpolated."""
    meta = root.find("meta")
    sequence, said = _title(meta, file), _size(meta)
    size, found.size_given = said or size, said is None
    shapes = [(track, shape) for track in root.iter("track") for shape in track if shape.tag in _SHAPES]
    if size is None:
        raise BadInputError(f"{file}: does not say how large the frames are; add --size WIDTHxHEIGHT")
    found.sizes[sequence] = size
    length = max(_length(meta), *(_frame_number(shape) + 1 for _, shape in shapes), 0)
    if length > MOST_FRAMES:
        raise ValueError(f"it has {counted(length, 'frame')}, expected at most {MOST_FRAMES}")
    found.frames[sequence] = [f"{number:05d}" for number in range(length)]
    single, numbers = 0, set[int]()
    for track in root.iter("track"):
        if (number := int(track.attrib["id"])) in numbers:
            raise BadInputError(
                f"{file}: two tracks have the id {number}, as where two exports were put into one file; expected each "
                "once: import them one by one"
            )
        numbers.add(number)
        seen = [shape for shape in track if shape.tag in _SHAPES and shape.get("outside", "0") != "1"]
        single += len(seen) == 1
        for shape in seen:
            frame, label = f"{_frame_number(shape):05d}", track.get("label", "")
            mask, height = partial(_drawn, file, shape, size), int(shape.get("z_order", "0"))
            found.regions.append(Region(sequence, frame, number, label, mask, height))
    if single:
        found.notes.append(
            f"{counted(single, 'track is', 'tracks are')} on one frame alone: CVAT makes one of each shape that was "
            "not drawn as a track, and which of them are one object is lost"
        )


def _read_images(root: ElementTree.Element, file: Path, found: Annotations) -> None:
    """Read `CVAT for images`: identities are an attribute `track_id`, or the labels where each is there once."""
    title = _title(root.find("meta"), file)
    for image in root.iter("image"):
        name = PurePosixPath(image.attrib["name"].replace("\\", "/"))
        sequence, frame = name.parent.name or title, name.stem
        size = (int(image.attrib["height"]), int(image.attrib["width"]))
        if found.sizes.setdefault(sequence, size) != size:
            raise BadInputError(f"{file}: the images of {sequence} have several sizes; expected one")
        found.frames.setdefault(sequence, []).append(frame)
        for shape in image:
            if shape.tag in _SHAPES:
                mask = partial(_drawn, file, shape, size)
                height, label = int(shape.get("z_order", "0")), shape.get("label", "")
                found.regions.append(Region(sequence, frame, _track(shape), label, mask, height))


def _track(shape: ElementTree.Element) -> int | None:
    for attribute in shape.iter("attribute"):
        text = (attribute.text or "").strip()
        if attribute.get("name") == "track_id" and text.isdecimal():
            return int(text)
    return None


def _title(meta: ElementTree.Element | None, file: Path) -> str:
    """Return what the sequence is called: the video's name, the task's, or the file's."""
    for place in (".//source", "task/name", "job/name"):
        if meta is not None and (text := meta.findtext(place)):
            return PurePosixPath(text.replace("\\", "/")).stem
    return file.stem


def _size(meta: ElementTree.Element | None) -> tuple[int, int] | None:
    found = None if meta is None else meta.find(".//original_size")
    if found is None:
        return None
    return int(found.findtext("height", "")), int(found.findtext("width", ""))


def _frame_number(shape: ElementTree.Element) -> int:
    number = int(shape.attrib["frame"])
    if number < 0:
        raise ValueError(f"the frame {number}, expected 0 or more")
    return number


def _length(meta: ElementTree.Element | None) -> int:
    text = "" if meta is None else meta.findtext("task/size") or meta.findtext("job/size") or ""
    return int(text) if text.isdecimal() else 0


def _drawn(file: Path, shape: ElementTree.Element, size: tuple[int, int]) -> Mask:
    try:
        return _unpacked(shape, size) if shape.tag == "mask" else _filled(shape, size)
    except (KeyError, ValueError) as error:
        raise BadInputError(f"{file}: is damaged: {error}; export it again") from None


def _filled(shape: ElementTree.Element, size: tuple[int, int]) -> Mask:
    from vos_bench.formats.rle import draw_polygon  # here: it loads pycocotools

    points = [float(number) for pair in shape.attrib["points"].split(";") for number in pair.split(",")]
    return draw_polygon(points, size)


def _unpacked(shape: ElementTree.Element, size: tuple[int, int]) -> Mask:
    """Return a mask from CVAT's run lengths: row by row inside a box, beginning with background."""
    left, top, width, height = (int(float(shape.attrib[name])) for name in ("left", "top", "width", "height"))
    counts = np.array([int(count) for count in shape.attrib["rle"].split(",")], np.int64)
    if (counts < 0).any() or counts.sum() != width * height or width * height > MAX_PIXELS:
        raise ValueError(f"run lengths of {counts.sum()} pixels for a mask of {width}x{height}")
    if not (0 <= left <= size[1] - width and 0 <= top <= size[0] - height):
        raise ValueError(f"a mask of {width}x{height} at {left},{top} in a frame of {size[1]}x{size[0]}")
    mask = np.zeros(size, np.bool_)
    inside = np.repeat(np.arange(len(counts)) % 2 == 1, counts).reshape(height, width)
    mask[top : top + height, left : left + width] = inside
    return mask
