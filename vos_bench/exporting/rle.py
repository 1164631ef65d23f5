"""Masks as COCO's run lengths, by COCO's own code."""

import warnings
from collections.abc import Sequence
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_masks

from vos_bench.api import Mask
from vos_bench.errors import BadInputError


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
    found = coco_masks.encode(np.asfortranarray(mask, np.uint8))
    return {"size": [int(side) for side in found["size"]], "counts": found["counts"].decode("ascii")}


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
        BadInputError: It is none of these, or has another size.
    """
    try:
        if isinstance(segmentation, list):
            encoded = coco_masks.merge(coco_masks.frPyObjects(segmentation, *size))
        elif isinstance(segmentation["counts"], list):
            encoded = coco_masks.frPyObjects(segmentation, *segmentation["size"])
        else:
            encoded = {"size": segmentation["size"], "counts": segmentation["counts"].encode("ascii")}
        with warnings.catch_warnings():  # pycocotools 2.0.11 makes its arrays in a way that NumPy 2 warns of
            warnings.filterwarnings("ignore", "__array__ implementation", DeprecationWarning)
            mask: NDArray[np.uint8] = coco_masks.decode(encoded)
    except (TypeError, KeyError, ValueError, AttributeError, IndexError) as error:
        raise BadInputError(f"a segmentation is damaged: {error}; expected polygons or run lengths of COCO") from None
    if mask.shape != size:
        raise BadInputError(f"a segmentation is {mask.shape[1]}x{mask.shape[0]}, its image {size[1]}x{size[0]}")
    return mask.astype(np.bool_)


def draw_polygon(points: Sequence[float], size: tuple[int, int]) -> Mask:
    """Return the mask of one polygon, x0, y0, x1, y1, ..., as COCO rasterises it."""
    return decode_segmentation([list(points)], size)
