"""J and F, the measures of the DAVIS benchmarks.

J, region similarity, is the intersection over union of two masks. F, contour accuracy, is the share of either boundary
that lies close to the other, as harmonic mean of precision and recall.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016,
section 5.1, with the edge cases of davis2017-evaluation. Scoring counts pixels (`vos_bench.metrics.counts`) and then
takes `region_similarity` and `contour_accuracy`; so do `J` and `F`, which take arrays.
"""

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.errors import BadInputError
from vos_bench.labelmaps import VOID, NarrowLabels, object_ids
from vos_bench.metrics.contours import boundary, dilate, tolerance_radius


class Measure(NamedTuple):
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
            f"{what} holds {array.dtype} of the shape {array.shape}, expected H x W booleans or labels from 0 to "
            "65535\n  make a mask of probabilities with a threshold, as in p > 0.5"
        )
    return array.astype(np.uint16)


def _is_mask(labels: NarrowLabels) -> bool:
    return object_ids(labels) in ((), (1,), (VOID,))
