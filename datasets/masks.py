"""Label maps as the datasets store them: unions for single-object data, and label maps that resizing has spoiled."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from vos_bench.api import LabelMap, Problem
from vos_bench.labelmaps import VOID, NarrowLabels, merge_objects, object_ids, read_label_map

from .problems import BadDataError

LabelReader = Callable[[Path], LabelMap]

_HIGHEST_OBJECT = 64
"""More objects than any sequence of DAVIS has; a grey level between this and 255 comes from smoothing."""

_MOST_HOLLOW = 8


def read_union(path: Path) -> LabelMap:
    """Read a label map as one object: 0/255 grey (with or without alpha), 0/1 and several ids all give 0 and 1.

    Raises:
        BadInputError: As `read_label_map`, or its grey levels show that its edges were smoothed.
    """
    labels = read_label_map(path)
    ids = object_ids(labels)
    if len(ids) > 1 and any(_HIGHEST_OBJECT < k < VOID for k in ids):
        raise BadDataError(smoothed_problem(path, len(ids)))
    return merge_objects(labels)


def read_white(path: Path) -> LabelMap:
    """Read a 0/255 mask as labels 0 and 1. Raises BadInputError as `read_label_map`."""
    return merge_objects(read_label_map(path))


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


def size_problem(path: Path, found: tuple[int, ...], expected: tuple[int, ...]) -> Problem:
    """Return what is wrong with a label map of another size than its frame."""
    wanted = f"{expected[0]} x {expected[1]} as its frame has (height x width)"
    remedy = "use label maps of the frames' resolution, or resize them with nearest neighbour"
    return Problem(path, f"{found[0]} x {found[1]} pixels", wanted, remedy)


def empty_problem(path: Path, labels: LabelMap) -> Problem:
    """Return what is wrong with a label map that should show objects and shows none."""
    if VOID in object_ids(labels):
        found, remedy = "only label 255, which marks undecided pixels", "for 0/255 masks use davis16 or folder"
    else:
        found, remedy = "an empty label map", "draw the objects, or leave out the frames before they appear"
    return Problem(path, found, "the objects that start on this frame", remedy)


def objects_in(labels: NarrowLabels) -> tuple[int, ...]:
    """Return the ids of the objects in a label map; 255 marks undecided pixels and is none."""
    return tuple(k for k in object_ids(labels) if k != VOID)
