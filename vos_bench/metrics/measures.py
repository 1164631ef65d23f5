"""J and F, the measures of the DAVIS benchmarks.

J, region similarity, is the intersection over union of two masks. F, contour accuracy, is the share of either boundary
that lies close to the other, as harmonic mean of precision and recall.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016,
section 5.1, with the edge cases of davis2017-evaluation. Scoring counts pixels (`vos_bench.metrics.counts`) and then
takes `region_similarity` and `contour_accuracy`; so do `J` and `F`, which take arrays.
"""

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids

TOLERANCE = 0.008
"""The distance at which two boundary pixels still match, as a share of the image's diagonal."""


@dataclass(frozen=True)
class Measure:
    """What a score measures.

    Attributes:
        name: As records and tables name it.
        text: What it is, in one line.
        higher_is_better: Whether a higher value is a better one.
        lowest: The lowest value it can have.
        highest: The highest value it can have.
    """

    name: str
    text: str = ""
    higher_is_better: bool = True
    lowest: float = 0.0
    highest: float = 1.0


def _of_statistic(letter: str, text: str) -> Iterable[Measure]:
    yield Measure(letter, f"{text}, mean over frames")
    yield Measure(f"{letter}_recall", f"share of frames whose {letter} exceeds one half")
    yield Measure(f"{letter}_decay", f"{letter} of the first quarter minus {letter} of the last", False, -1.0)
    yield from (Measure(f"{letter}_{group}", f"mean {letter} of {group} categories") for group in ("seen", "unseen"))


_ABSENCE = "mean over the times in which an object {}, of J and F_dot"
_TRACKS = {
    "HOTA": "higher order tracking accuracy, classes and thresholds weighed alike",
    "DetA": "detection accuracy of HOTA",
    "AssA": "association accuracy of HOTA",
    "OWTA": "open-world tracking accuracy: HOTA with recall in place of detection accuracy",
    "DetRe": "detection recall of HOTA",
    "AP": "average precision of whole tracks by their masks",
}


def _of_tracks() -> Iterable[Measure]:
    for name, text in _TRACKS.items():
        for prefix, by in (("", "" if name == "AP" else ", by boxes"), ("mask_", ", by masks")):
            if not (prefix and name == "AP"):
                yield from (
                    Measure(f"{prefix}{name}_{part}", f"{text}{by}; {part} classes")
                    for part in ("all", "common", "uncommon")
                )


MEASURES = {
    measure.name: measure
    for measure in (
        Measure("J&F", "mean of J and F"),
        *_of_statistic("J", "region similarity"),
        *_of_statistic("F", "contour accuracy"),
        Measure("G", "mean of J and F of seen and unseen categories"),
        Measure("J&F_dot", "mean of J and F_dot"),
        Measure("F_dot", "contour accuracy within a distance that shrinks with the object, mean over frames"),
        Measure("J&F_dot_disappear", _ABSENCE.format("is gone")),
        Measure("J&F_dot_reappear", _ABSENCE.format("is back")),
        Measure("V", "standard deviation of J&F over frames", higher_is_better=False),
        *(
            Measure(f"V_{group}", f"mean V of {group} categories", higher_is_better=False)
            for group in ("seen", "unseen")
        ),
        Measure("J_last", "region similarity, mean over the last quarter of the frames"),
        Measure("J_last_recall", "share of the frames of the last quarter whose J exceeds one half"),
        Measure("J_last_decay", "J of the first quarter minus J of the last, inside the last quarter", False, -1.0),
        *_of_tracks(),
    )
}
"""Every score that a run may have, by name."""


def measure(name: str) -> Measure:
    """Return the measure of a score; one that is not in `MEASURES` is from 0 to 1, and higher is better."""
    return MEASURES.get(name) or Measure(name)


@overload
def J(prediction: NDArray[Any], truth: NDArray[Any]) -> float | dict[int, float]: ...
@overload
def J(prediction: NDArray[Any], truth: NDArray[Any], *, objects: Iterable[int]) -> dict[int, float]: ...
def J(  # noqa: N802 - the field's name
    prediction: NDArray[Any], truth: NDArray[Any], *, objects: Iterable[int] | None = None
) -> float | dict[int, float]:
    """Return the region similarity of one frame: the intersection over union, 1 where both masks are empty.

    Two masks (boolean, 0/1 or 0/255) give one number. Label maps give a number for each object id, since a mean over
    objects is a matter of the protocol: of all ids in either map, 0 where just one of them has the object. Void (255)
    in the true label map is background, as for davis2017-evaluation.

    Args:
        prediction: H x W, the mask or label map to judge.
        truth: H x W, the true one.
        objects: The ids to score. Both arrays are label maps then, whatever they hold, and the answer is a dictionary.

    Raises:
        BadInputError: An array is no mask or label map, or the sizes differ.
    """
    return _each_object(_mask_similarity, prediction, truth, objects)


@overload
def F(prediction: NDArray[Any], truth: NDArray[Any]) -> float | dict[int, float]: ...
@overload
def F(prediction: NDArray[Any], truth: NDArray[Any], *, objects: Iterable[int]) -> dict[int, float]: ...
def F(  # noqa: N802
    prediction: NDArray[Any], truth: NDArray[Any], *, objects: Iterable[int] | None = None
) -> float | dict[int, float]:
    """Return the contour accuracy of one frame, 1 where neither mask has a boundary; see `J` for what it takes.

    A mask over the whole image has no boundary, so against an empty mask it scores F = 1 (and J = 0).
    """
    return _each_object(_mask_accuracy, prediction, truth, objects)


def region_similarity(
    intersection: NDArray[np.int64], truth_area: NDArray[np.int64], mask_area: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return J, the intersection over union, from numbers of pixels, one value for each element."""
    union = truth_area + mask_area - intersection
    similarity: NDArray[np.float64] = np.divide(intersection, union, out=np.ones(union.shape), where=union > 0)
    return similarity


def smoothed_similarity(
    intersection: NDArray[np.int64], truth_area: NDArray[np.int64], mask_area: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return the J of MOSEv2: one pixel is added to intersection and union, so that it is never 0."""
    similarity: NDArray[np.float64] = (intersection + 1.0) / (truth_area + mask_area - intersection + 1.0)
    return similarity


def contour_accuracy(
    truth_boundary: NDArray[np.int64],
    mask_boundary: NDArray[np.int64],
    truth_matched: NDArray[np.int64],
    mask_matched: NDArray[np.int64],
) -> NDArray[np.float64]:
    """Return F from numbers of boundary pixels and of those that have a match, one value for each element.

    F = 2 P R / (P + R), evaluated in the order of davis2017-evaluation so that the last bit is the same.
    """
    precision = np.divide(mask_matched, mask_boundary, out=np.ones(mask_boundary.shape), where=mask_boundary > 0)
    recall = np.divide(truth_matched, truth_boundary, out=np.ones(truth_boundary.shape), where=truth_boundary > 0)
    total = precision + recall
    accuracy: NDArray[np.float64] = np.divide(2 * precision * recall, total, out=np.zeros(total.shape), where=total > 0)
    return accuracy


def tolerance(height: int, width: int) -> float:
    """Return the matching distance in pixels: 7.84 at 480 x 854."""
    return TOLERANCE * math.sqrt(height * height + width * width)


def tolerance_radius(height: int, width: int) -> int:
    """Return the matching distance in pixels, rounded up: 8 at 480 x 854."""
    return math.ceil(tolerance(height, width))


def disk_half_widths(radius: int) -> NDArray[np.int64]:
    """Return, for each row distance 0..radius from its centre, how far the disk reaches to either side."""
    return np.array([math.isqrt(radius * radius - dy * dy) for dy in range(radius + 1)], np.int64)


class DiskRow(NamedTuple):
    """One row of a disk.

    Attributes:
        row: Its distance from the disk's centre, downwards.
        left: How far it reaches to the left of the centre.
        right: How far it reaches to the right of it.
    """

    row: int
    left: int
    right: int


Disk = tuple[DiskRow, ...]
"""The rows of a disk, from near to far."""


def disk(radius: float) -> Disk:
    """Return a disk as morphology has it: for a whole radius the pixels at most that far from its centre.

    For a fractional radius r it is what MOSEv2's tool takes: ceil(2 r + 1) rows and columns, the k-th of them for the
    coordinate k - r, with the centre at the middle one. Such a disk is smaller than the next whole one, and lies off
    its centre by a fraction of a pixel. Below a radius of 0.59, in images of less than 74 pixels from corner to corner,
    it has no pixel; OpenCV, by which the tool dilates, then takes that of its upper left corner.
    """
    size = math.ceil(2 * radius + 1)
    centre, coordinates = size // 2, [k - radius for k in range(size)]
    rows = []
    for k, y in enumerate(coordinates):
        inside = [i - centre for i, x in enumerate(coordinates) if x * x + y * y <= radius * radius]
        if inside:
            rows.append(DiskRow(k - centre, -inside[0], inside[-1]))
    return tuple(sorted(rows, key=lambda each: (abs(each.row), each.row))) or (DiskRow(-1, 1, -1),)


class MatchingDisks(NamedTuple):
    """The disks by which boundary pixels match in images of one size.

    Attributes:
        disks: The first is for every object, unless `limits` has the object.
        limits: The largest areas of the objects that disk 1, 2, … is for, ascending; the last disk is then for the F
            of all of them, and disk 1, 2, … for their F_dot.
    """

    disks: tuple[Disk, ...]
    limits: tuple[int, ...] = ()

    def places(self, area: int) -> tuple[int, int]:
        """Return which disk is for F and which for F_dot, for an object of this area in the truth."""
        small = next((k for k, limit in enumerate(self.limits, 1) if 0 < area <= limit), 0)
        return (len(self.disks) - 1 if small else 0), small


def rounded_up_disks(height: int, width: int) -> MatchingDisks:
    """Return the disk of DAVIS: `tolerance_radius`, whatever the object."""
    return MatchingDisks((disk(tolerance_radius(height, width)),))


ADAPTIVE_SHARE = 0.1
"""Of the square root of an object's area: the distance at which its boundary still matches by F_dot, rounded up."""


def disks_by_area(height: int, width: int) -> MatchingDisks:
    """Return the disks of MOSEv2.

    With d the `tolerance` and a = min(d, ceil(0.1 sqrt(area))), area of the truth: where a < d, F_dot takes a and F
    takes ceil(d); otherwise, and where the truth is empty, both take d as it is, a fraction.
    """
    largest = tolerance(height, width)
    radii = range(1, math.ceil(largest))
    if not radii:
        return MatchingDisks((disk(largest),))
    small = tuple(disk(radius) for radius in radii)
    return MatchingDisks((disk(largest), *small, disk(math.ceil(largest))), tuple(map(_largest_area, radii)))


def _largest_area(radius: int) -> int:
    """Return the largest area whose adaptive radius is `radius`; not just 100 radius², for 0.1 is no binary number."""
    area = (radius * 10 + 1) ** 2
    while math.ceil(ADAPTIVE_SHARE * math.sqrt(area)) > radius:
        area -= 1
    return area


def boundary(mask: Mask) -> Mask:
    """Return the pixels that differ from their right, lower or lower right neighbour.

    Beyond the image the last row and column go on, so that a mask over the whole image has no boundary.
    """
    grown = np.pad(mask, ((0, 1), (0, 1)), mode="edge")
    here = grown[:-1, :-1]
    return (here ^ grown[:-1, 1:]) | (here ^ grown[1:, :-1]) | (here ^ grown[1:, 1:])


def compiled_op_boundary(mask: Mask) -> Mask:
    """Return the boundary of LVOS's optional compiled op, which lacks most right and lower edges.

    A pixel differs from all three neighbours, where `boundary` takes one that differs from any; a background pixel that
    has the object beside it counts as before. The last row and column are those of `boundary`.
    """
    found = boundary(mask)
    neighbours = mask[:-1, 1:] | mask[1:, :-1] | mask[1:, 1:]
    found[:-1, :-1] = mask[:-1, :-1] ^ neighbours
    return found


def dilate(mask: Mask, radius: int) -> Mask:
    """Return the pixels at most `radius` away from the mask; nothing comes in from outside the image."""
    height, width = mask.shape
    grown = np.zeros((height + 2 * radius, width), np.bool_)
    wide, reached = mask.copy(), 0
    # From the disk's tip to its middle the rows only get wider, so each widening goes on from the one before.
    for dy, half_width in reversed([*enumerate(disk_half_widths(radius).tolist())]):
        for shift in range(reached + 1, half_width + 1):
            wide[:, shift:] |= mask[:, :-shift]
            wide[:, :-shift] |= mask[:, shift:]
        reached = half_width
        grown[radius - dy : radius - dy + height] |= wide
        grown[radius + dy : radius + dy + height] |= wide
    return grown[radius : radius + height]


def dilate_by_disk(mask: Mask, rows: Disk) -> Mask:
    """Return the pixels from which a disk of any form reaches the mask; nothing comes in from outside the image."""
    height, width = mask.shape
    reach = max((max(abs(each.row), each.left, each.right) for each in rows), default=0)
    padded = np.pad(mask, reach)
    grown = np.zeros((height, width), np.bool_)
    for row, left, right in rows:
        for column in range(-left, right + 1):
            grown |= padded[reach + row : reach + row + height, reach + column : reach + column + width]
    return grown


@dataclass(frozen=True)
class ContourRule:
    """What F means.

    Attributes:
        text: In words, for a record.
        boundary: Which pixels of a mask are its boundary.
        disks: How far apart two boundary pixels may be and still match, by height and width of the image.
    """

    text: str
    boundary: Callable[[Mask], Mask]
    disks: Callable[[int, int], MatchingDisks]


CONTOUR = ContourRule(
    "harmonic mean of precision and recall of the boundary pixels that match within 0.8 % of the diagonal, rounded up; "
    "1 where neither has a boundary",
    boundary,
    rounded_up_disks,
)
CONTOUR_BY_AREA = ContourRule(
    "as of davis but within 0.8 % of the diagonal, not rounded, with a disk that is off its centre where this is a "
    "fraction; rounded up for small objects, whose F_dot takes a tenth of the square root of the true area, rounded up",
    boundary,
    disks_by_area,
)
CONTOUR_OF_COMPILED_OP = ContourRule(
    "as of davis, but the boundary is a pixel XOR (its right OR lower OR lower right neighbour)",
    compiled_op_boundary,
    rounded_up_disks,
)


def _mask_similarity(truth: Mask, mask: Mask) -> float:
    return _single(region_similarity, truth & mask, truth, mask)


def _mask_accuracy(truth: Mask, mask: Mask) -> float:
    radius = tolerance_radius(*truth.shape)
    truth_boundary, mask_boundary = boundary(truth), boundary(mask)
    truth_matched = truth_boundary & dilate(mask_boundary, radius)
    mask_matched = mask_boundary & dilate(truth_boundary, radius)
    return _single(contour_accuracy, truth_boundary, mask_boundary, truth_matched, mask_matched)


def _single(formula: Callable[..., NDArray[np.float64]], *regions: Mask) -> float:
    return float(formula(*(np.atleast_1d(np.count_nonzero(region)) for region in regions))[0])


def _each_object(
    score: Callable[[Mask, Mask], float],
    prediction: NDArray[Any],
    truth: NDArray[Any],
    objects: Iterable[int] | None,
) -> float | dict[int, float]:
    """Score two masks, or each object of two label maps."""
    true, found = _labels("the truth", truth), _labels("the prediction", prediction)
    if true.shape != found.shape:
        raise BadInputError(f"the prediction has the shape {found.shape}, expected {true.shape} as the truth has")
    if objects is None and _is_mask(true) and _is_mask(found):
        return score(true > 0, found > 0)
    without_void = np.where(true == VOID, 0, true)
    ids = objects if objects is not None else sorted({*object_ids(without_void), *object_ids(found)})
    return {k: score(without_void == k, found == k) for k in ids}


def _labels(what: str, array: NDArray[Any]) -> NarrowLabels:
    """Return an array as labels. Raises BadInputError where it is neither a mask nor a label map."""
    if not isinstance(array, np.ndarray):
        raise BadInputError(f"{what} is a {type(array).__name__}, expected a NumPy array, as of numpy.asarray")
    if array.ndim != 2 or array.dtype.kind not in "bui" or array.min(initial=0) < 0 or array.max(initial=0) > 65535:
        raise BadInputError(
            f"{what} holds {array.dtype} of the shape {array.shape}, expected H x W booleans or labels from 0 to 65535;"
            " make a mask of probabilities with a threshold, as in p > 0.5"
        )
    return array.astype(np.uint16)


def _is_mask(labels: NarrowLabels) -> bool:
    return object_ids(labels) in ((), (1,), (VOID,))
