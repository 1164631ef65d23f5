"""Prompts: what is given of the objects that start on a frame, and the checks of what people give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from vos_bench.errors import BadInputError

Mask = NDArray[np.bool_]
"""H x W; the region of one object."""

Box = tuple[float, float, float, float]
"""x0, y0, x1, y1 in pixels, half-open: a box of one pixel has x1 = x0 + 1."""

_MOST_CORNERS = 8
"""So many numbers are still a box that somebody gives corner by corner, which is refused as one."""

_VOID = 255
"""As `vos_bench.labelmaps.VOID`, which imports this module."""

LARGEST_ID = int(np.iinfo(np.uint16).max)
"""Of an object: label maps have 16 bits."""


@dataclass(frozen=True)
class Prompt:
    """What is given of the objects that start on one frame; each object has a mask or a box.

    Attributes:
        masks: Object id to its mask, H x W.
        boxes: Object id to its half-open box.
    """

    masks: Mapping[int, Mask] = field(default_factory=dict)
    boxes: Mapping[int, Box] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Take masks of 0 and 1 or of 0 and 255 as booleans. Raises BadInputError for other values, and no dicts."""
        for name, given in (("masks", self.masks), ("boxes", self.boxes)):
            if not isinstance(given, Mapping):
                raise BadInputError(f"Prompt({name}=…): found {described(given)}; expected a dict by object id")
        if any(_is_numbers(mask) for mask in self.masks.values()):
            masks = {k: _as_mask(k, mask) if _is_numbers(mask) else mask for k, mask in self.masks.items()}
            object.__setattr__(self, "masks", masks)  # the class is frozen for everybody else

    @classmethod
    def of(cls, given: object, shape: tuple[int, int]) -> "Prompt":
        """Return a prompt from what people have, checked against the frame it is for. An empty mask or box is kept.

        Args:
            given: A label map (H x W whole numbers), one mask (H x W, boolean, 0/1 or 0/255: object 1), a dict of
                object id to mask or to box, or a Prompt.
            shape: Height and width of the frame.

        Raises:
            BadInputError: It is something else, does not fit the frame, or holds an id, a mask or a box that cannot be.
        """
        if isinstance(given, Prompt):
            masks, boxes = given.masks, given.boxes
        elif isinstance(given, Mapping):
            boxes = {k: each for k, each in given.items() if _is_box(each)}
            masks = {k: each for k, each in given.items() if k not in boxes}
        elif isinstance(given, np.ndarray):
            return cls(masks=_masks_of(given, shape))
        else:
            raise BadInputError(
                f"prompt: found {described(given)}; expected a label map (H x W whole numbers), a dict of object id "
                "to mask or box, or a Prompt"
            )
        return cls(
            masks={_checked_id(k): _checked_mask(k, mask, shape) for k, mask in masks.items()},
            boxes={_checked_id(k): _checked_box(k, box, shape) for k, box in boxes.items()},
        )

    def require_ids(self) -> None:
        """Raise BadInputError where an id is none of an object: 0 is the background."""
        for object_id in (*self.masks, *self.boxes):
            _checked_id(object_id)

    @property
    def object_ids(self) -> tuple[int, ...]:
        """The ids of all objects given here, ascending."""
        return tuple(sorted({*self.masks, *self.boxes}))

    def as_boxes(self) -> "Prompt":
        """Replace every mask by the smallest box that holds it; an empty mask becomes the empty box (0, 0, 0, 0)."""
        return Prompt(boxes={**{k: _bounding_box(mask) for k, mask in self.masks.items()}, **self.boxes})

    def renamed(self, names: Mapping[int, int]) -> "Prompt":
        """Give every object a new id: `names` maps each present id to the one it gets."""
        return Prompt(
            masks={names[k]: mask for k, mask in self.masks.items()},
            boxes={names[k]: box for k, box in self.boxes.items()},
        )


def _bounding_box(mask: Mask) -> Box:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not rows.size:
        return (0.0, 0.0, 0.0, 0.0)
    return (float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1))


PromptLike = Prompt | NDArray[Any] | Mapping[int, Any]
"""What `Prompt.of` takes."""


_THRESHOLD = "of probabilities, give probabilities > 0.5"


def frame_size(image: object) -> tuple[int, int]:
    """Return height and width of an image. Raises BadInputError where it is no H x W x 3 of uint8."""
    expected = "expected H x W x 3 of uint8, RGB"
    if not isinstance(image, np.ndarray):
        raise BadInputError(f"image: found {described(image)}; {expected}")
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3 or not image.size:
        raise BadInputError(f"image: found {image.dtype} of shape {image.shape}; {expected}")
    return image.shape[0], image.shape[1]


def described(given: object) -> str:
    """Return what somebody gave in place of an array, and how an array is made of it."""
    if type(given).__module__.partition(".")[0] == "PIL":
        return "a PIL image (np.asarray makes an array of it)"
    if isinstance(given, list | tuple):
        return f"a {type(given).__name__} (np.asarray makes an array of it)"
    if isinstance(given, str | Path):
        return f"a {type(given).__name__} (PIL.Image.open reads a file, and np.asarray makes an array of it)"
    if type(given).__module__.partition(".")[0] == "torch":
        return "a torch tensor (tensor.cpu().numpy() makes an array of it)"
    name = type(given).__name__
    return f"{'an' if name[0] in 'aeiou' else 'a'} {name}"


def _is_box(given: object) -> bool:
    if isinstance(given, tuple | list):
        return sum(len(row) for row in given if isinstance(row, tuple | list)) <= _MOST_CORNERS  # else rows of a mask
    return isinstance(given, np.ndarray) and given.ndim == 1


def _checked_id(given: object) -> int:
    found = int(given) if isinstance(given, int | np.integer) and not isinstance(given, bool) else given
    if isinstance(found, bool) or not isinstance(found, int) or not 0 < found <= LARGEST_ID:
        raise BadInputError(f"object id {found!r:.100}: expected a whole number from 1 to {LARGEST_ID}")
    return found


def _require_size(what: str, given: NDArray[Any], shape: tuple[int, int]) -> None:
    if given.ndim != 2:
        raise BadInputError(f"{what} has the shape {given.shape}; expected H x W = {shape[0]} x {shape[1]}")
    if given.shape != shape:
        found, frame = (f"{width}x{height}" for height, width in (given.shape, shape))
        raise BadInputError(f"{what} is {found} and the frame {frame}; expected one size")


def _masks_of(labels: NDArray[Any], shape: tuple[int, int]) -> dict[int, Mask]:
    """Return the mask of each object of a label map, or of the one object where it is a mask."""
    _require_size("the label map", labels, shape)
    if _binary(labels):
        return {1: labels > 0} if labels.any() else {}
    if labels.dtype.kind not in "iu":
        raise BadInputError(
            f"prompt: found {_range(labels)}; expected whole numbers, the ids of the objects ({_THRESHOLD})"
        )
    ids = [_checked_id(k) for k in np.unique(labels) if k]
    if _VOID in ids:
        raise BadInputError(
            "prompt: found label 255 beside others, which marks undecided pixels\n"
            "  write 0 where they are undecided, or give a dict of object id to mask where 255 is an object"
        )
    return {k: labels == k for k in ids}


def _checked_mask(object_id: int, given: object, shape: tuple[int, int]) -> Mask:
    what = f"the mask of object {object_id}"
    if not isinstance(given, np.ndarray):
        raise BadInputError(f"{what}: found {described(given)}; expected an H x W array of booleans")
    _require_size(what, given, shape)
    if given.dtype == np.bool_:
        return np.require(given, requirements=("C", "W"))  # torch takes no flipped and no read-only array
    return _as_mask(object_id, given)


def _is_numbers(mask: object) -> bool:
    return isinstance(mask, np.ndarray) and mask.dtype != np.bool_


def _as_mask(object_id: int, given: NDArray[Any]) -> Mask:
    if not _binary(given):
        raise BadInputError(
            f"the mask of object {object_id}: found {_range(given)}; expected booleans, 0 and 1, or 0 and 255 "
            f"({_THRESHOLD})"
        )
    return given > 0


def _binary(values: NDArray[Any]) -> bool:
    """Return whether an array is a mask: boolean, 0 and 1, or 0 and 255."""
    if values.dtype.kind == "b":
        return True
    if values.dtype.kind not in "iuf":
        return False
    highest = values.max(initial=0)
    return highest in (0, 1, 255) and bool(((values == 0) | (values == highest)).all())


def _range(values: NDArray[Any]) -> str:
    if values.dtype.kind not in "iuf" or not values.size:
        return f"values of type {values.dtype}"
    return f"values from {values.min():g} to {values.max():g} of type {values.dtype}"


def _checked_box(object_id: int, given: object, shape: tuple[int, int]) -> Box:
    """Return a box as floats after checking that it lies in the frame; that it is empty is no fault here."""
    height, width = shape
    found = np.asarray(given, dtype=object).tolist()
    numbers = [each for each in found if isinstance(each, int | float | np.number) and not isinstance(each, bool)]
    if len(numbers) == len(found) == 4:
        x0, y0, x1, y1 = map(float, numbers)
        if 0 <= x0 <= x1 <= width and 0 <= y0 <= y1 <= height:  # false for NaN
            return x0, y0, x1, y1
    raise BadInputError(
        f"the box of object {object_id}: found {given!r:.100}\n"
        f"  expected x0, y0, x1, y1 in pixels, with 0 <= x0 < x1 <= {width} and 0 <= y0 < y1 <= {height}, half-open"
    )
