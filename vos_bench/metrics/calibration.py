"""Calibration: whether pixels that a method calls an object with probability p are that object in p of all cases.

Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017, section 2: 15 bins of equal width, and the
expected calibration error, the mean over all pixels of |share that is the object - mean probability| of their bin.
Here the probability is that of one object, and pixels far from it are left out (`surroundings`): nearly all of a frame
is background that nobody doubts.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask
from vos_bench.errors import BadInputError

BINS = 15
MARGIN = 0.25
"""By how much of its longer side the box around an object is widened on each side."""

_CODES = int(np.float16(1).view(np.uint16)) + 1
"""The float16 from 0 to 1 are so many, and their bits count them up."""

_VALUES = np.arange(_CODES, dtype=np.uint16).view(np.float16).astype(np.float64)
_BINS = np.minimum((_VALUES * BINS).astype(np.intp), BINS - 1)

_PIECE = 1 << 15
"""So many pixels are counted at once: what is made of them stays in the processor's cache."""


class Reliability(NamedTuple):
    """How often pixels of each bin of probability are the object.

    Attributes:
        pixels: How many there are in each bin.
        probability: Their mean probability; NaN for a bin without pixels.
        share: The share of them that the truth gives to the object, likewise.
    """

    pixels: NDArray[np.int64]
    probability: NDArray[np.float64]
    share: NDArray[np.float64]

    @property
    def expected_error(self) -> float:
        """The expected calibration error, 0 to 1; lower is better. NaN without pixels."""
        return self._mean(np.abs(self.share - self.probability))

    @property
    def overconfidence(self) -> float:
        """Mean probability minus the share that is the object, -1 to 1: above 0, the method claims too much of it."""
        return self._mean(self.probability - self.share)

    def _mean(self, values: NDArray[np.float64]) -> float:
        total = int(self.pixels.sum())
        return float(np.nansum(values * self.pixels) / total) if total else float("nan")


class ProbabilityCounts:
    """Counts pixels by their probability, all float16 apart, and those of them that are the object."""

    def __init__(self) -> None:
        """Begin with none."""
        self._all, self._true = np.zeros(_CODES, np.int64), np.zeros(_CODES, np.int64)

    def add(self, probability: NDArray[np.float16], truth: Mask, known: Mask | None = None) -> None:
        """Count the pixels of one frame, or of a part of it.

        Args:
            probability: Of the object.
            truth: Which pixels are the object, of the same shape.
            known: Which pixels count; None for all.

        Raises:
            BadInputError: A value is no probability.
        """
        codes = _codes(probability)
        if not codes.size:
            return
        rows = max(1, _PIECE // codes.shape[1])
        found: list[NDArray[np.uint16]] = []
        true: list[NDArray[np.uint16]] = []
        for top in range(0, len(codes), rows):
            piece, own = codes[top : top + rows].ravel(), truth[top : top + rows].ravel()
            if known is not None:
                counted = known[top : top + rows].ravel()
                piece, own = piece[counted], own[counted]
            between = self._add_extremes(piece, own)
            found.append(piece[between])
            true.append(found[-1][own[between]])
        for counts, each in ((self._all, found), (self._true, true)):
            counts += np.bincount(np.concatenate(each), minlength=_CODES)

    def _add_extremes(self, codes: NDArray[np.uint16], truth: Mask) -> Mask:
        """Count the pixels of probability 0 and 1, and return which are left.

        Most pixels are of these, and `bincount` is slow where one place is counted up again and again.
        """
        zero, one = codes == 0, codes == _CODES - 1
        for place, extreme in ((0, zero), (_CODES - 1, one)):
            self._all[place] += np.count_nonzero(extreme)
            self._true[place] += np.count_nonzero(extreme & truth)
        left: Mask = ~(zero | one)
        return left

    def merge(self, other: "ProbabilityCounts") -> None:
        """Add what another one counted."""
        self._all += other._all
        self._true += other._true

    def reliability(self) -> Reliability:
        """Return the bins."""
        pixels, true = (np.bincount(_BINS, weights=each, minlength=BINS) for each in (self._all, self._true))
        sums = np.bincount(_BINS, weights=self._all * _VALUES, minlength=BINS)
        with np.errstate(invalid="ignore"):
            return Reliability(pixels.astype(np.int64), sums / pixels, true / pixels)


def _codes(probability: NDArray[np.float16]) -> NDArray[np.uint16]:
    """Return the bits of each value; what is a last bit above 1, as sums of rounded numbers may be, becomes 1."""
    codes: NDArray[np.uint16] = probability.view(np.uint16)
    if codes.size and (highest := int(codes.max())) >= _CODES:
        codes = np.where(codes == 0x8000, 0, codes).astype(np.uint16)  # the 0 with a sign
        highest = int(codes.max())
        if highest > _CODES:
            raise BadInputError(
                f"found the probability {np.uint16(highest).view(np.float16)}, expected 0 to 1: a method gives "
                "probabilities after the sigmoid or softmax, not before"
            )
        codes = np.minimum(codes, _CODES - 1).astype(np.uint16)
    return codes


def surroundings(mask: Mask) -> tuple[slice, slice] | None:
    """Return the rows and columns of the widened box around a mask, H x W; None where it is empty."""
    rows = np.flatnonzero(mask.any(axis=1))
    if not rows.size:
        return None
    columns = np.flatnonzero(mask[rows[0] : rows[-1] + 1].any(axis=0))
    margin = round(MARGIN * (max(np.ptp(rows), np.ptp(columns)) + 1))
    bounds = ((each[0] - margin, each[-1] + 1 + margin) for each in (rows, columns))
    down, across = (slice(max(0, int(low)), int(high)) for low, high in bounds)
    return down, across
