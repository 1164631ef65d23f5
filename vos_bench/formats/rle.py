"""Masks in COCO's annotations: run lengths and polygons."""

import warnings
from collections.abc import Sequence
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_masks

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.formats.tracks_json import decode_mask, encode_mask, fill_runs

MOST_OUTLINE = 1 << 22
"""The longest outline of a polygon that is filled, in pixels; pycocotools needs over a hundred bytes for each."""


class RunLengths(TypedDict):
    """Compressed run lengths: size is height and width."""

    size: list[int]
    counts: str


class CocoAnnotation(TypedDict):
    """One object on one image, as COCO has it; `attributes` is where CVAT and datumaro look for `track_id`."""

    id: int
    image_id: int
    category_id: int
    segmentation: RunLengths
    area: int
    bbox: list[float]
    iscrowd: int
    track_id: int
    attributes: dict[str, int]


def to_run_lengths(mask: Mask) -> RunLengths:
    """Return a mask, H x W, as compressed run lengths."""
    return {"size": [*mask.shape], "counts": encode_mask(mask)}


def mask_area(encoded: RunLengths) -> int:
    """Return how many pixels a mask has."""
    return int(coco_masks.area(cast("Any", encoded)))


def mask_box(encoded: RunLengths) -> list[float]:
    """Return x, y, width and height of the smallest box around a mask."""
    return [float(x) for x in coco_masks.toBbox(cast("Any", encoded))]


def coco_annotation(encoded: RunLengths, *, number: int, image: int, track: int) -> CocoAnnotation:
    """Return the annotation of one object on one image, both under their COCO numbers; there is one category."""
    return CocoAnnotation(
        id=number,
        image_id=image,
        category_id=1,
        segmentation=encoded,
        area=mask_area(encoded),
        bbox=mask_box(encoded),
        iscrowd=0,
        track_id=track,
        attributes={"track_id": track},
    )


def decode_segmentation(segmentation: Any, size: tuple[int, int]) -> Mask:
    """Return the mask of a COCO segmentation: polygons, run lengths, or compressed run lengths.

    Args:
        segmentation: As JSON has it.
        size: Height and width of the image.

    Raises:
        BadInputError: It is none of these, has another size, or its run lengths do not fill the image.
    """
    try:
        if isinstance(segmentation, list):
            return _fill_polygons(segmentation, size)
        height, width = segmentation["size"]
        if (height, width) != size:  # before anything is made of that size
            raise BadInputError(f"a segmentation is {width}x{height}, its image {size[1]}x{size[0]}")
        counts = segmentation["counts"]
        if not isinstance(counts, list):
            return decode_mask(counts, *size)
        if (runs := [int(count) for count in counts]) != counts:
            raise ValueError("a run length is no whole number")
        return fill_runs(runs, *size)
    except (TypeError, KeyError, ValueError, OverflowError, AttributeError, IndexError) as error:
        raise BadInputError(f"a segmentation is damaged: {error}; expected polygons or run lengths of COCO") from None


def _fill_polygons(polygons: list[Any], size: tuple[int, int]) -> Mask:
    for points in polygons:
        corners = np.array(points, np.float64).reshape(-1, 2)
        # pycocotools keeps every point of the outline; the sum is NaN where a number is none.
        length = np.abs(corners - np.roll(corners, 1, axis=0)).max(axis=1).sum()
        if not length <= MOST_OUTLINE:
            raise ValueError(f"an outline is {length:.0f} pixels long, expected at most {MOST_OUTLINE}")
    encoded = coco_masks.merge(coco_masks.frPyObjects(polygons, *size))
    with warnings.catch_warnings():  # pycocotools 2.0.11 makes its arrays in a way that NumPy 2 warns of
        warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
        mask: NDArray[np.uint8] = coco_masks.decode(encoded)
    return mask.astype(np.bool_)


def draw_polygon(points: Sequence[float], size: tuple[int, int]) -> Mask:
    """Return the mask of one polygon, x0, y0, x1, y1, ..., as COCO rasterises it."""
    return decode_segmentation([list(points)], size)
