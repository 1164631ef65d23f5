"""Signs of mistakes in label maps: smooth edges, a background that is not 0, 255 as an object."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Problem
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, WHITE_OF_16_BITS, NarrowLabels, object_ids
from vos_bench.names import counted

_MOST_HOLLOW = 8
"""So many ids may be nothing but rims."""

_THICK = 0.01
"""Half the width of undecided pixels, as a share of the diagonal, from which on they are no rim."""


def void_problem(path: Path, labels: NarrowLabels, highest: int) -> Problem | None:
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


def white_problem(path: Path, labels: NarrowLabels) -> Problem | None:
    """Return a problem where the only label is the white of 16 bits: that is a black and white picture, and no id."""
    if labels.max(initial=0) != WHITE_OF_16_BITS or object_ids(labels) != (WHITE_OF_16_BITS,):
        return None
    remedy = "save it with 8 bits, where 0 and 255 are a mask of one object, or with the object's id, such as 1"
    return Problem(path, f"{WHITE_OF_16_BITS} alone, which is white in 16 bits", "object ids", remedy)


def is_smoothed(labels: NarrowLabels) -> bool:
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


def require_as_meant(path: Path, labels: NarrowLabels) -> None:
    """Check a label map that a user gives, where no dataset does it.

    Raises:
        BadInputError: Its background is not 0, its edges were smoothed, it is white in 16 bits, or 255 looks like an
            object beside others.
    """
    ids = object_ids(labels)
    problem = background_problem(path, labels) or white_problem(path, labels)
    if problem is None and is_smoothed(labels):
        problem = smoothed_problem(path, len(ids))
    if problem is None and VOID in ids and len(ids) > 1:
        problem = void_problem(path, labels, max(k for k in ids if k != VOID))
    if problem is not None:
        raise BadInputError(problem.message)
