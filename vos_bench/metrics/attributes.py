"""Attributes of objects, computed from their truth alone; docs/failures.md defines each one."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Image, Mask
from vos_bench.metrics.failures import ObjectFrames

TOUCHED = 0.05
"""Another object touches one where it lies along at least this share of the outline."""


@dataclass(frozen=True)
class Attribute:
    """One attribute, and the groups into which its values divide objects.

    Attributes:
        name: As tables call it.
        text: What it is, in one line.
        limits: From which values on an object belongs to the second, the third group, and so on.
        groups: What the groups are called.
        digits: Decimals to print.
        percent: Whether it is a share, printed in percent.
    """

    name: str
    text: str
    limits: tuple[float, ...]
    groups: tuple[str, ...]
    digits: int = 0
    percent: bool = False

    def group(self, value: float) -> str:
        """Return the group of a value."""
        return self.groups[sum(value >= limit for limit in self.limits)]


_NEVER = np.nextafter(0, 1).item()
"""The smallest share that is not 0."""
_OFTEN = ("never", "at times", "mostly")

ATTRIBUTES = (
    Attribute(
        "size",
        "share of the frame that it covers, mean over the frames that show it",
        (0.01, 0.1),
        ("small (below 1 %)", "medium (1 to 10 %)", "large (10 % and more)"),
        1,
        percent=True,
    ),
    Attribute(
        "absence",
        "share of the frames after its first without it",
        (_NEVER, 0.2),
        ("always there", "gone at times (below 20 %)", "gone often (20 % and more)"),
        1,
        percent=True,
    ),
    Attribute("returns", "how often it comes back after it was gone", (1, 2), ("none", "one", "several")),
    Attribute("late start", "frames of the video before its first", (1,), ("from the first frame on", "starts later")),
    Attribute("distractors", "other objects of the truth", (1, 3), ("none", "one or two", "three and more")),
    Attribute(
        "likeness",
        "overlap of its colours with those of the most similar other object",
        (0.5,),
        ("unlike the others (below 0.5)", "like another (0.5 and more)"),
        2,
    ),
    Attribute(
        "length",
        "frames of the video",
        (100, 500),
        ("short (below 100 frames)", "medium (100 to 499)", "long (500 and more)"),
    ),
    Attribute(
        "motion",
        "shift of its box from frame to frame in sizes of the box, median",
        (0.02, 0.1),
        ("slow (below 2 % of its size a frame)", "medium (2 to 10 %)", "fast (10 % and more)"),
        1,
        percent=True,
    ),
    Attribute(
        "shape change",
        "how many times as elongated its box gets, from the 5th to the 95th percentile",
        (1.5, 2.5),
        ("steady (below 1.5 times)", "medium (1.5 to 2.5)", "changing (2.5 and more)"),
        1,
    ),
    Attribute(
        "occlusion",
        f"share of its frames on which another object lies along {100 * TOUCHED:.0f} % of its outline",
        (_NEVER, 0.5),
        _OFTEN,
        1,
        percent=True,
    ),
    Attribute(
        "border",
        "share of its frames on which it touches the border of the image",
        (_NEVER, 0.5),
        _OFTEN,
        1,
        percent=True,
    ),
)


@dataclass(frozen=True)
class ObjectAttributes:
    """The attributes of one object.

    Attributes:
        object_id: The dataset's id.
        values: Attribute to value, for those that there are.
        missing: Attribute to the reason why it has none.
        name: What the dataset calls the object where that is not its id.
    """

    object_id: int
    values: Mapping[str, float]
    missing: Mapping[str, str]
    name: str = ""


def attributes(
    frames: ObjectFrames, *, size: tuple[int, int], length: int, others: int, likeness: float | str
) -> ObjectAttributes:
    """Return the attributes of one object.

    Args:
        frames: The object on its frames.
        size: Height and width of the label maps.
        length: How many frames the video has.
        others: How many other objects the truth has.
        likeness: See `colour_likeness`; in its place, the reason why there is none.
    """
    shown = np.flatnonzero(frames.present)
    later = frames.present[shown[0] + 1 :]
    boxes = np.stack([frames.column(side)[shown] for side in ("left", "top", "right", "bottom")])
    outline, contact = frames.column("outline")[shown], frames.column("contact")[shown]
    height, width = size
    at_border = (boxes[0] == 0) | (boxes[1] == 0) | (boxes[2] == width - 1) | (boxes[3] == height - 1)
    found: dict[str, float | str] = {
        "size": float(np.mean(frames.column("truth_area")[shown])) / (height * width),
        "absence": float(np.mean(~later)) if later.size else "one frame",
        "returns": float(np.count_nonzero(later[1:] & ~later[:-1])),
        "late start": float(frames.places[shown[0]]),
        "distractors": float(others),
        "likeness": likeness,
        "length": float(length),
        "motion": _motion(boxes, frames.places[shown]),
        "shape change": _shape_change(boxes),
        "occlusion": float(np.mean(contact >= TOUCHED * outline)) if others else "one object",
        "border": float(np.mean(at_border)),
    }
    return ObjectAttributes(
        frames.object_id,
        {name: value for name, value in found.items() if not isinstance(value, str)},
        {name: value for name, value in found.items() if isinstance(value, str)},
        frames.name,
    )


def _motion(boxes: NDArray[np.int64], places: NDArray[np.int64]) -> float | str:
    """Return the median shift of the box's centre by frame of the video, in square roots of the box's area."""
    if len(places) < 2:
        return "one frame"
    x, y = (boxes[0] + boxes[2]) / 2, (boxes[1] + boxes[3]) / 2
    side = np.sqrt((boxes[2] - boxes[0] + 1) * (boxes[3] - boxes[1] + 1))
    shifts = np.hypot(np.diff(x), np.diff(y)) / np.diff(places) / side[:-1]
    return float(np.median(shifts))


def _shape_change(boxes: NDArray[np.int64]) -> float:
    ratios = (boxes[2] - boxes[0] + 1) / (boxes[3] - boxes[1] + 1)
    low, high = np.quantile(ratios, (0.05, 0.95), method="linear")
    return float(high / low)


_BINS = 8
"""Of each colour channel in a histogram."""


def colours(image: Image, mask: Mask) -> NDArray[np.float64]:
    """Return the share of each of 8 x 8 x 8 colours in a region that is not empty."""
    pixels = image[mask].astype(np.intp) * _BINS // 256
    codes = (pixels[:, 0] * _BINS + pixels[:, 1]) * _BINS + pixels[:, 2]
    shares: NDArray[np.float64] = np.bincount(codes, minlength=_BINS**3) / len(codes)
    return shares


def colour_likeness(histograms: Mapping[int, NDArray[np.float64]]) -> dict[int, float]:
    """Return for each object how much its colours overlap those of the most similar other one, from 0 to 1.

    It is the intersection of histograms (Swain and Ballard, "Color Indexing", IJCV 1991).
    """
    return {
        one: max(float(np.minimum(own, other).sum()) for k, other in histograms.items() if k != one)
        for one, own in histograms.items()
        if len(histograms) > 1
    }
