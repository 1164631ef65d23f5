"""Label maps as the datasets store them: unions for single-object data, and label maps that resizing has spoiled."""

import math
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import LabelMap, Problem
from vos_bench.errors import BadInputError
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
)
from vos_bench.names import counted

from .frames import orientation
from .problems import BadDataError

LabelReader = Callable[[Path], LabelMap]

_HIGHEST_OBJECT = 64
"""More objects than any sequence of DAVIS has; a grey level between this and 255 comes from smoothing."""

_MOST_HOLLOW = 8

_THICK = 0.01
"""Half the width of undecided pixels, as a share of the diagonal, from which on they are no rim."""


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


def label_notes(ids: Mapping[str, tuple[int, ...]]) -> dict[str, str]:
    """Return what to know of the label maps of a sequence, from the ids of each: white objects and undecided pixels."""
    if not (where := [frame for frame, each in ids.items() if VOID in each]):
        return {}
    white = white_object(ids.values()) is not None
    return {WHITE_NOTE if white else VOID_NOTE: "" if white else f"{len(where)} of {counted(len(ids), 'label map')}"}


def void_problem(path: Path, labels: LabelMap, highest: int) -> Problem | None:
    """Return a question where 255 looks like an object and not like the undecided rim of one: what is meant?

    Args:
        path: The label map's file.
        labels: The label map.
        highest: The highest id that the sequence uses besides.
    """
    void = labels == VOID
    if not void.any() or not _is_region(void, (labels > 0) & ~void):
        return None
    remedy = (
        f"if it is an object, give it another id, such as {highest + 1 if highest < VOID - 1 else 1}; if these pixels "
        "are undecided, write 0 there, which scores the same"
    )
    found = f"label 255, which marks undecided pixels, as a region of its own of {counted(int(void.sum()), 'pixel')}"
    return Problem(path, found, "255 at the rims of objects alone", remedy)


def _is_region(void: NDArray[np.bool_], objects: NDArray[np.bool_]) -> bool:
    """Say whether undecided pixels are thick, or some of them touch no object."""
    import cv2

    pixels = void.astype(np.uint8)
    width = 2 * math.ceil(_THICK * math.hypot(*void.shape)) + 1
    if cv2.erode(pixels, np.ones((width, width), np.uint8), borderType=cv2.BORDER_CONSTANT, borderValue=0).any():
        return True
    count, parts = cv2.connectedComponents(pixels, connectivity=8)
    near = cv2.dilate(objects.astype(np.uint8), np.ones((3, 3), np.uint8)) > 0
    return bool(len(np.unique(parts[near & void])) < count - 1)


def background_problem(path: Path, labels: NarrowLabels) -> Problem | None:
    """Return a problem where the background seems to have another index than 0: such a label has the frame's edge."""
    k = int(labels[0, 0])
    if not k or int(labels.min()) == k == int(labels.max()):
        return None
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    if (edge != k).any() or np.count_nonzero(labels == k) * 2 <= labels.size:
        return None
    kind = "white (255)" if k == VOID else f"label {k}"
    remedy = (
        "turn the mask round: black is the background"
        if k == VOID
        else "save with one palette for all frames whose index 0 is the background, for tools that choose a palette "
        "themselves number the colours anew"
    )
    return Problem(path, f"{kind} all along the frame's edge and on most of its pixels", "0 as the background", remedy)


def is_smoothed(labels: LabelMap) -> bool:
    """Say whether a label map looks as if it was resized or drawn with smooth edges: many ids that are only rims."""
    if labels.max(initial=0) <= _MOST_HOLLOW:
        return False  # nearly every label map; counting its ids would take as long as reading it
    ids = object_ids(labels)
    if len(ids) <= _MOST_HOLLOW:
        return False
    same = (labels[1:-1, 1:-1] == labels[:-2, 1:-1]) & (labels[1:-1, 1:-1] == labels[2:, 1:-1])
    same &= (labels[1:-1, 1:-1] == labels[1:-1, :-2]) & (labels[1:-1, 1:-1] == labels[1:-1, 2:])
    solid = set(np.unique(labels[1:-1, 1:-1][same]).tolist())
    return len(set(ids) - solid) > _MOST_HOLLOW


def smoothed_problem(path: Path, ids: int) -> Problem:
    """Return what is wrong with a label map with smoothed edges."""
    remedy = "save label maps without anti-aliasing and resize them with nearest neighbour"
    return Problem(path, f"{ids + 1} grey levels: its edges are smoothed", "object ids", remedy)


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
