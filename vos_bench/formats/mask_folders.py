"""How the masks of a sequence lie on disk: one label map a frame, or one folder of masks an object.

A run writes `masks/SEQUENCE/FRAME.png`. For a dataset whose objects have folders of their own (SA-V) it writes
`masks/SEQUENCE/OBJECT/FRAME.png` with 0 and 1 in place of that, which is what the official tool reads.
"""

import shlex
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np

from vos_bench.api import LabelMap, Mask, Sequence
from vos_bench.errors import BadInputError
from vos_bench.files import AnyPath
from vos_bench.files.listing import files_in
from vos_bench.labelmaps import NarrowLabels, read_label_map, read_narrow, write_label_map
from vos_bench.names import frame_order

FIRST_ID = 1
"""The id of the object whose folder is 000."""

MOTS_PER_CLASS = 1000
"""A pixel of a MOTS PNG is so many times its class plus its object."""


def mask_files(sequence: Sequence) -> Iterator[str]:
    """Yield the path of every file that a run writes for a sequence, relative to the sequence's folder of masks."""
    for frame in sequence.output_names:
        if not sequence.object_names:
            yield f"{frame}.png"
        for name in sequence.object_names.values():
            yield f"{name}/{frame}.png"


def write_masks(folder: Path, frame: str, labels: LabelMap, object_names: Mapping[int, str]) -> None:
    """Write the masks of one frame: a label map, or for each named object a file of 0 and 1.

    They are not synced one by one: who writes the sequence's record syncs all of them before it.

    An object that the label map does not show gets an empty mask: the official tool of SA-V stops where one is missing.

    Args:
        folder: The sequence's folder of masks.
        frame: The frame's name.
        labels: H x W, under the dataset's ids.
        object_names: `Sequence.object_names`.

    Raises:
        BadInputError: A file cannot be written.
    """
    if not object_names:
        write_label_map(folder / f"{frame}.png", labels, durable=False)
    for object_id, name in object_names.items():
        write_label_map(folder / name / f"{frame}.png", (labels == object_id).astype(np.uint16), durable=False)


def written_frames(folder: Path) -> tuple[str, ...]:
    """Return the names of the frames that have masks in a sequence's folder, sorted; none where it is gone."""
    folders = object_folders(folder).values()
    found = (path for place in ([folder / name for name in folders] or [folder]) for path in files_in(place, ".png"))
    return tuple(sorted({path.stem for path in found}, key=frame_order))


def object_folders(folder: Path) -> Mapping[int, str]:
    """Return object id to folder, for a sequence's folder of masks; empty where it holds label maps.

    Folders count from 000 and ids from 1, since 0 is the background of a label map.
    """
    if not folder.is_dir():
        return {}
    names = sorted(path.name for path in folder.iterdir() if path.name.isdecimal() and path.is_dir())
    return {int(name) + FIRST_ID: name for name in names}


def merging_advice(folder: Path, names: Iterable[str]) -> str:
    """Return how label maps are made of `folder`/SEQUENCE/OBJECT/FRAME.png, the objects being called `names`."""
    if all(name.isdecimal() for name in names):
        return f"make label maps of them: vos-bench import-masks {shlex.quote(str(folder))} --from sav --out FOLDER"
    return "merge the masks of each frame into one label map, with the id of each object as its label"


def read_masks(folder: Path, frame: str, object_names: Mapping[int, str] | None = None) -> LabelMap:
    """Read the masks of one frame as a label map, for pictures; where masks overlap the lowest id is on top.

    Args:
        folder: The sequence's folder of masks.
        frame: The frame's name.
        object_names: `Sequence.object_names`; without it, the folders that are there.

    Raises:
        BadInputError: A file is missing or damaged, or the masks of the objects have different sizes.
    """
    object_names = object_folders(folder) if object_names is None else object_names
    if not object_names:
        return read_label_map(folder / f"{frame}.png")
    paths = {object_id: folder / name / f"{frame}.png" for object_id, name in object_names.items()}
    return merge_masks({object_id: (path, read_object_mask(path)) for object_id, path in paths.items()})


def read_object_mask(path: Path) -> Mask:
    """Read the mask of one object: everything but 0 is the object, in 1-bit, grey and indexed files alike.

    Raises:
        BadInputError: As `vos_bench.labelmaps.read_label_map`, or the file holds more than two values, so that it is a
            label map of several objects or was smoothed.
    """
    return object_mask(read_narrow(path), path)


def object_mask(labels: NarrowLabels, path: AnyPath) -> Mask:
    """Return the mask of one object from the labels of its file, `path`. Raises BadInputError as `read_object_mask`."""
    high = int(labels.max())
    if high <= 1 and labels.dtype == np.uint8:
        ready: Mask = labels.view(np.bool_)  # 0 and 1, as nearly everywhere: nothing to look for, nothing to copy
        return ready
    low = int(labels.min())
    if low != high and np.count_nonzero(labels == low) + np.count_nonzero(labels == high) < labels.size:
        raise BadInputError(
            f"{path}: found more than two values, expected the mask of one object: 0 and one other value; write one "
            "folder an object, without anti-aliasing"
        )
    return labels > 0


def merge_masks(masks: Mapping[int, tuple[Path, Mask]]) -> LabelMap:
    """Return the masks of several objects as a label map; where they overlap the lowest id is on top.

    Args:
        masks: Object id to its mask and the file that it came from; at least one.

    Raises:
        BadInputError: The masks have different sizes.
    """
    first_path, first = next(iter(masks.values()))
    labels = np.zeros(first.shape, np.uint16)
    for object_id in sorted(masks, reverse=True):
        path, mask = masks[object_id]
        if mask.shape != first.shape:
            sizes = " x ".join(map(str, mask.shape)), " x ".join(map(str, first.shape))
            raise BadInputError(
                f"{path}: found {sizes[0]} pixels (height x width), expected {sizes[1]} as {first_path} has"
            )
        labels[mask] = object_id
    return labels
