"""COCO and YouTube-VIS: JSON with polygons or run lengths."""

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Any

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes
from vos_bench.files.listing import only_file
from vos_bench.importing.regions import Annotations, Region
from vos_bench.names import counted

MOST_BYTES = 1 << 31
"""The largest file of annotations that is read."""

TRACKS = ("track_id", "instance_id", "object_id")
"""What annotations call the number that stays with an object; in themselves or in their `attributes`."""

_ONE = "one: name the file of the export"


def read_coco(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read a COCO file of instances, or the one in a folder. Frames are named and grouped by `file_name`.

    Raises:
        BadInputError: It is damaged, or has boxes alone.
    """
    del size
    file = only_file(path, ".json", expected=_ONE)
    data = _read(file, ("images", "annotations", "categories"))
    found, places = Annotations(), dict[Any, tuple[str, str]]()
    images = sorted(data["images"], key=lambda image: str(image.get("file_name")))
    for image in images:
        sequence, frame = _place(image["file_name"], file.stem)
        places[image["id"]] = (sequence, frame)
        _add_frame(found, sequence, frame, _size(image), file)
    labels = {each["id"]: str(each["name"]) for each in data["categories"]}
    boxes = 0
    for each in data["annotations"]:
        if each["image_id"] not in places:
            raise BadInputError(f"{file}: annotation {each.get('id')} is of the unknown image {each['image_id']}")
        sequence, frame = places[each["image_id"]]
        if not each.get("segmentation"):
            boxes += 1
            continue
        label = labels.get(each["category_id"], str(each["category_id"]))
        mask = _drawer(each["segmentation"], found.sizes[sequence])
        found.regions.append(Region(sequence, frame, _track(each), label, mask))
    if boxes and not found.regions:
        raise BadInputError(
            f"{file}: {counted(boxes, 'annotation is a box', 'annotations are boxes')} and none has a mask, and label "
            "maps cannot show boxes; export masks or polygons"
        )
    if boxes:
        found.notes.append(
            f"{counted(boxes, 'annotation is a box', 'annotations are boxes')} without a mask, which label "
            "maps cannot show: left out"
        )
    return found


def read_youtube_vis(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read a YouTube-VIS file, or the one in a folder. Raises BadInputError where it is damaged."""
    del size
    file = only_file(path, ".json", expected=_ONE)
    data = _read(file, ("videos", "annotations", "categories"))
    found, frames = Annotations(), dict[Any, tuple[str, list[str]]]()
    for video in data["videos"]:
        places = [_place(name, f"video-{video['id']}") for name in video["file_names"]]
        sequence = places[0][0] if places else f"video-{video['id']}"
        frames[video["id"]] = (sequence, [frame for _, frame in places])
        for _, frame in places:
            _add_frame(found, sequence, frame, _size(video), file)
    labels = {each["id"]: str(each["name"]) for each in data["categories"]}
    numbers: dict[str, int] = {}
    if len({_track(each) is None for each in data["annotations"]}) > 1:
        raise BadInputError(f"{file}: some annotations have a track and others none; expected all or none")
    for each in sorted(data["annotations"], key=lambda each: each["id"]):
        sequence, names = frames[each["video_id"]]
        numbers[sequence] = numbers.get(sequence, 0) + 1
        track = _track(each)  # where there is none, each annotation is one object of its video
        label = labels.get(each["category_id"], str(each["category_id"]))
        if len(each["segmentations"]) != len(names):
            raise BadInputError(
                f"{file}: annotation {each['id']} has {counted(len(each['segmentations']), 'mask')} for "
                f"{counted(len(names), 'frame')}"
            )
        for frame, segmentation in zip(names, each["segmentations"], strict=True):
            if segmentation:
                mask = _drawer(segmentation, found.sizes[sequence])
                number = numbers[sequence] if track is None else track
                found.regions.append(Region(sequence, frame, number, label, mask))
    return found


def _drawer(segmentation: Any, size: tuple[int, int]) -> Callable[[], Mask]:
    from vos_bench.formats.rle import decode_segmentation  # here: it loads pycocotools

    return partial(decode_segmentation, segmentation, size)


def _add_frame(found: Annotations, sequence: str, frame: str, size: tuple[int, int], file: Path) -> None:
    if found.sizes.setdefault(sequence, size) != size:
        raise BadInputError(f"{file}: the images of {sequence} have several sizes; expected one")
    found.frames.setdefault(sequence, []).append(frame)


def _size(entry: dict[str, Any]) -> tuple[int, int]:
    """Return height and width of an image or video; tools that compute with them write `8.0`."""
    height, width = float(entry["height"]), float(entry["width"])
    if not (height.is_integer() and width.is_integer()):
        raise ValueError(f"a size of {entry['width']}x{entry['height']}, expected whole numbers")
    return int(height), int(width)


def _place(file_name: str, otherwise: str) -> tuple[str, str]:
    """Return sequence and frame of an image: its folder's name and its own."""
    path = PurePosixPath(file_name.replace("\\", "/"))
    return path.parent.name or otherwise, path.stem


def _track(annotation: dict[str, Any]) -> int | None:
    for holder in (annotation, annotation.get("attributes") or {}):
        for name in TRACKS:
            value = holder.get(name)
            if value is None:
                continue
            try:
                number = int(value) if isinstance(value, str) else value
                if isinstance(number, bool) or number != int(number):
                    raise ValueError
            except (TypeError, ValueError, OverflowError):
                raise BadInputError(
                    f"annotation {annotation.get('id')}: found the {name} {value!r:.100}; expected a whole number, the "
                    "same on all frames of an object"
                ) from None
            return int(number) if number >= 0 else None  # some tools write -1 where there is no track
    return None


def _read(file: Path, keys: tuple[str, ...]) -> dict[str, list[dict[str, Any]]]:
    try:
        data = json.loads(read_bytes(file, most=MOST_BYTES))
    except (OSError, ValueError, RecursionError) as error:
        raise BadInputError(f"{file}: cannot be read as JSON: {error}") from None
    if not isinstance(data, dict) or any(not isinstance(data.get(key), list) for key in keys):
        there = ", ".join(data) if isinstance(data, dict) else type(data).__name__
        raise BadInputError(f"{file}: found {there or 'nothing'}; expected {', '.join(keys)}")
    return data
