"""A sequence whose objects have a folder of masks each: SA-V."""

from collections.abc import Mapping
from pathlib import Path

from vos_bench.api import Mask, Problem
from vos_bench.formats.mask_folders import FIRST_ID, read_object_mask
from vos_bench.labelmaps import NarrowLabels, read_narrow
from vos_bench.names import is_leftover
from vos_bench.prompts import LARGEST_ID

from .frames import LABEL_SUFFIXES, list_images
from .mask_sequence import MaskSequence
from .problems import BadDataError
from .split_tree import AGAIN

_MOST_OBJECTS = LARGEST_ID - FIRST_ID
"""Larger ids do not fit into a label map."""


class ObjectFolderSequence(MaskSequence):
    """Masks in `SEQUENCE/OBJECT/FRAME.png`; object 000 has the id 1."""

    def __init__(self, name: str, *, frames: Mapping[str, Path], masks: Mapping[str, Mapping[str, Path]]) -> None:
        """Keep paths; no mask is read before it is asked for.

        Args:
            name: The sequence's name.
            frames: Frame name to image, in order; empty for a truth without frames.
            masks: Name of an object's folder to its masks by frame name, in order; at least one.
        """
        self._masks = {int(folder) + FIRST_ID: files for folder, files in masks.items()}
        self.object_names = {int(folder) + FIRST_ID: folder for folder in masks}
        super().__init__(
            name,
            frames=frames,
            annotated=tuple(sorted({frame for files in masks.values() for frame in files})),
            object_frames={k: tuple(files) for k, files in self._masks.items()},
            source=next(iter(next(iter(masks.values())).values())).parent.parent,
        )

    def _place(self, frame_name: str, object_id: int) -> Path:
        return self._masks[object_id][frame_name]

    def _read_mask(self, frame_name: str, object_id: int) -> Mask:
        return read_object_mask(self._masks[object_id][frame_name])

    def _read_labels(self, frame_name: str, object_id: int) -> NarrowLabels:
        return read_narrow(self._masks[object_id][frame_name])


def list_object_folders(folder: Path) -> dict[str, dict[str, Path]]:
    """Return the masks of each object of a sequence: folder name to frame name to file, all sorted as text.

    Raises:
        BadInputError: An object's folder is empty, or its name is no number.
    """
    objects: dict[str, dict[str, Path]] = {}
    for path in sorted(path for path in folder.iterdir() if path.is_dir() and not is_leftover(path.name)):
        if not path.name.isdecimal() or int(path.name) >= _MOST_OBJECTS:
            found = "a folder that is no object's"
            raise BadDataError(Problem(path, found, "folders 000, 001, … of masks", "move it elsewhere"))
        files = list_images(path, LABEL_SUFFIXES)
        if not files:
            raise BadDataError(Problem(path, "an object's folder without a mask", "masks FRAME.png", AGAIN))
        objects[path.name] = files
    return objects
