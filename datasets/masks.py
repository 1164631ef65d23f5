"""Label maps as the datasets store them: unions for single-object data, and label maps that resizing has spoiled."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np

from vos_bench.api import LabelMap, Problem, Prompt
from vos_bench.errors import BadInputError
from vos_bench.formats.mask_mistakes import is_smoothed, smoothed_problem
from vos_bench.labelmaps import (
    VOID,
    VOID_NOTE,
    WHITE_NOTE,
    NarrowLabels,
    is_white,
    merge_objects,
    object_ids,
    read_label_map,
    read_narrow,
    white_as,
    white_object,
)
from vos_bench.names import counted

from .frames import orientation
from .problems import BadDataError

LabelReader = Callable[[Path], LabelMap]

_HIGHEST_OBJECT = 64
"""More objects than any sequence of DAVIS has; a grey level between this and 255 comes from smoothing."""

VOID_DOUBT = (
    "label 255 counts as undecided and not as an object, but is a region of its own: is it an object? Then give it "
    "another id (vos-bench check says more)"
)


def read_union(path: Path) -> LabelMap:
    """Read a label map as one object: 0/255 grey (with or without alpha), 0/1 and several ids all give 0 and 1.

    Beside other ids 255 marks undecided pixels and becomes 0.

    Raises:
        BadInputError: As `read_label_map`, or its grey levels show that its edges were smoothed.
    """
    labels = read_label_map(path)
    ids = object_ids(labels)
    if len(ids) > 1 and any(_HIGHEST_OBJECT < k < VOID for k in ids):
        raise BadDataError(smoothed_problem(path, len(ids)))
    return merge_objects(labels if len(ids) < 2 else np.where(labels == VOID, 0, labels))


def require_sharp(path: Path, labels: NarrowLabels) -> None:
    """Check that the edges of a label map were not smoothed. Raises BadInputError."""
    if is_smoothed(labels):
        raise BadDataError(smoothed_problem(path, len(objects_in(labels))))


def given_masks(path: Path, labels: NarrowLabels, objects: Iterable[int]) -> Prompt:
    """Return the masks of objects that start on a label map. Raises BadInputError: its edges were smoothed."""
    require_sharp(path, labels)
    return Prompt(masks={k: labels == k for k in objects})


def shows_white(paths: Iterable[Path]) -> bool:
    """Say whether white is the one object of a sequence, by its label maps; reads the first, and all if that is white.

    A damaged one says nothing: whoever reads it names it.
    """
    several = list(paths)
    try:
        first = is_white(read_narrow(several[0])) if several else False
        return first and white_object(object_ids(read_narrow(path)) for path in several) == 1
    except BadInputError:
        return False


def read_white(path: Path, object_id: int = 1) -> LabelMap:
    """Read a label map whose white (255) is an object where it is a 0/255 mask. Raises BadInputError."""
    return white_as(read_label_map(path), object_id).astype(np.uint16, copy=False)


def label_notes(ids: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Return what to know of the label maps of a sequence, from the ids of each: white objects and undecided pixels."""
    if not (where := [frame for frame, each in ids.items() if VOID in each]):
        return {}
    white = white_object(ids.values()) is not None
    return {WHITE_NOTE if white else VOID_NOTE: "" if white else f"{len(where)} of {counted(len(ids), 'label map')}"}


def size_problem(path: Path, found: tuple[int, ...], expected: tuple[int, ...], frame: Path | None = None) -> Problem:
    """Return what is wrong with a label map of another size than its frame, whose file may say that it is turned."""
    wanted = f"{expected[0]} x {expected[1]} as its frame has (height x width)"
    remedy = "use label maps of the frames' resolution, or resize them with nearest neighbour"
    if found == expected[::-1]:
        remedy = "height and width are swapped: turn the label maps as the frames are turned; do not resize them"
        if frame is not None and (turned := orientation(frame)) != 1:
            wanted += f", turned as its EXIF data say (orientation {turned})"
            remedy = (
                "the mask was drawn on the frame before it was turned: turn the label maps alike, or write the frames "
                "without EXIF data; do not resize them"
            )
    return Problem(path, f"{found[0]} x {found[1]} pixels", wanted, remedy)


def empty_problem(path: Path, labels: LabelMap) -> Problem:
    """Return what is wrong with a label map that should show objects and shows none."""
    if VOID in object_ids(labels):
        found = "only label 255, which marks undecided pixels where a sequence has several objects"
        remedy = "give each object its own id from 1 on"
    else:
        found, remedy = "an empty label map", "draw the objects, or leave out the frames before they appear"
    return Problem(path, found, "the objects that start on this frame", remedy)


def objects_in(labels: NarrowLabels) -> tuple[int, ...]:
    """Return the ids of the objects in a label map; 255 marks undecided pixels and is none."""
    return tuple(k for k in object_ids(labels) if k != VOID)
