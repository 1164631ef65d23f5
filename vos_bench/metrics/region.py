"""Region similarity J: intersection over union.

Source: Perazzi et al., "A Benchmark Dataset and Evaluation Methodology for Video Object Segmentation", CVPR 2016,
section 5.1, with the edge cases of davis2017-evaluation.
"""

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Mask


def region_similarity(truth: Mask, mask: Mask) -> float:
    """Return J of two masks of one size: 1 when both are empty, 0 when just one is."""
    areas = [np.atleast_1d(np.count_nonzero(region)) for region in (truth & mask, truth, mask)]
    return float(similarity_from_areas(*areas)[0])


def similarity_from_areas(
    intersection: NDArray[np.int64], truth_area: NDArray[np.int64], mask_area: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return J from numbers of pixels, one value for each element."""
    union = truth_area + mask_area - intersection
    similarity: NDArray[np.float64] = np.divide(intersection, union, out=np.ones(union.shape), where=union > 0)
    return similarity
