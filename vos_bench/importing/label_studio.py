"""Label Studio's brush exports: one PNG or NPY file for each region and task."""

import json
import re
from functools import partial
from pathlib import Path, PurePosixPath
from typing import NamedTuple

import numpy as np

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.files import read_bytes, require_regular
from vos_bench.files.listing import files_in
from vos_bench.formats.png import MAX_PIXELS
from vos_bench.importing.regions import Annotations, Region
from vos_bench.labelmaps import read_narrow, read_size
from vos_bench.names import counted

_NAME = re.compile(r"task-(\d+)-annotation-(\d+)-by-([^-]*)-([^-]*)-(.+)-(\d+)\.(png|npy)")
_MOST_BYTES = 1 << 29
_MOST_ARRAY_BYTES = 8 * MAX_PIXELS + 1024


class _File(NamedTuple):
    path: Path
    task: int
    annotation: int
    label: str


def read_label_studio(path: Path, size: tuple[int, int] | None) -> Annotations:
    """Read a folder of `Brush labels to PNG` or `to NumPy`.

    A task is a frame. Its file name stands in the JSON export alone: where that lies in the same folder, frames get
    the names of their images, else the numbers of their tasks. Label Studio has no tracks: each label is one object.
    """
    del size
    files = [parsed for file in sorted(path.glob("*")) if (parsed := _parsed(file))] if path.is_dir() else []
    if not files:
        raise BadInputError(
            f"{path}: holds no file like task-1-annotation-2-by-1-tag-Cat-0.png\n"
            "  expected a folder of Label Studio's export `Brush labels to PNG` or `Brush labels to NumPy`"
        )
    _require_one_annotation(files)
    found, sequence = Annotations(one_object_a_label=True), path.absolute().name
    names = _image_names(path)
    frames = {task: names.get(task, f"{task:05d}") for task in sorted({*names, *(file.task for file in files)})}
    if names:
        found.notes.append(
            f"{counted(len(frames) - len({file.task for file in files}), 'task has', 'tasks have')} no region: "
            "written as empty"
        )
    else:
        found.notes.append(
            "frames are named by their tasks, and tasks without a region are not known: put the JSON export into the "
            "same folder for the names of their images"
        )
    found.frames[sequence] = sorted(frames.values())
    found.sizes[sequence] = _size(files[0].path)
    for file in files:
        found.regions.append(Region(sequence, frames[file.task], None, file.label, partial(_mask, file.path)))
    return found


def _parsed(path: Path) -> _File | None:
    match = _NAME.fullmatch(path.name)
    return _File(path, int(match[1]), int(match[2]), match[5]) if match else None


def _require_one_annotation(files: list[_File]) -> None:
    annotations: dict[int, int] = {}
    for file in files:
        if annotations.setdefault(file.task, file.annotation) != file.annotation:
            raise BadInputError(
                f"{file.path.parent}: task {file.task} has annotations {annotations[file.task]} and {file.annotation}; "
                "expected one: remove the files of the others"
            )


def _image_names(folder: Path) -> dict[int, str]:
    """Return task to the name of its image, from the JSON export beside the masks."""
    names: dict[int, str] = {}
    for path in files_in(folder, ".json"):
        try:
            tasks = json.loads(read_bytes(path, most=_MOST_BYTES))
        except (OSError, ValueError, RecursionError) as error:
            raise BadInputError(f"{path}: cannot be read as JSON: {error}") from None
        for task in tasks if isinstance(tasks, list) else ():
            image = next((text for text in task.get("data", {}).values() if isinstance(text, str)), None)
            if image is not None:
                stem = PurePosixPath(image.partition("?")[0]).stem
                # Label Studio puts eight hexadecimal digits before the name of what was uploaded.
                names[int(task["id"])] = re.sub(r"^[0-9a-f]{8}-", "", stem)
    return names


def _size(path: Path) -> tuple[int, int]:
    if path.suffix == ".png":
        return read_size(path)
    shape = _array(path).shape
    return shape[0], shape[1]


def _mask(path: Path) -> Mask:
    mask: Mask = (read_narrow(path) if path.suffix == ".png" else _array(path)) > 0
    return mask


def _array(path: Path) -> Mask:
    try:
        require_regular(path, most=_MOST_ARRAY_BYTES)
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise BadInputError(f"{path}: cannot be read: {error}; export it again") from None
    if array.ndim != 2 or array.size > MAX_PIXELS:
        raise BadInputError(f"{path}: has the shape {array.shape}; expected H x W")
    found: Mask = np.asarray(array)
    return found
