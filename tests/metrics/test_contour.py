import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.ndimage import gaussian_filter
from skimage.morphology import dilation, disk

from vos_bench.metrics.contours import boundary, dilate, disk_half_widths, tolerance_radius
from vos_bench.metrics.measures import F

Mask = NDArray[np.bool_]


def box(top: int, left: int, height: int = 10, width: int = 12, shape: tuple[int, int] = (40, 60)) -> Mask:
    mask = np.zeros(shape, np.bool_)
    mask[top : top + height, left : left + width] = True
    return mask


@pytest.mark.parametrize(
    ("height", "width", "radius"),
    [
        (480, 854, 8),
        (480, 910, 9),
        (480, 1152, 10),
        (720, 1280, 12),
        (1080, 1920, 18),
        (75, 100, 1),
        (75, 101, 2),
        (1, 1, 1),
    ],
)
def test_the_radius_is_rounded_up(height: int, width: int, radius: int) -> None:
    assert tolerance_radius(height, width) == radius


@pytest.mark.parametrize("radius", [1, 2, 7, 8, 18, 63])
def test_the_disk_is_that_of_scikit_image(radius: int) -> None:
    widths = disk_half_widths(radius)
    rows = [2 * widths[abs(dy)] + 1 for dy in range(-radius, radius + 1)]
    assert disk(radius).sum(axis=1).tolist() == rows


def test_a_boundary_pixel_differs_from_right_lower_or_lower_right() -> None:
    rows = np.argwhere(boundary(box(3, 5, 2, 3))).tolist()
    assert rows == [[2, 4], [2, 5], [2, 6], [2, 7], [3, 4], [3, 7], [4, 4], [4, 5], [4, 6], [4, 7]]


def test_the_image_border_is_no_boundary() -> None:
    assert not boundary(np.ones((5, 7), np.bool_)).any()
    corner = np.zeros((5, 7), np.bool_)
    corner[-1, -1] = True
    assert not boundary(corner)[-1, -1]
    assert boundary(corner)[-2, -2]


@pytest.mark.parametrize("radius", [1, 2, 3, 8, 50])
def test_dilation_is_that_of_scikit_image(radius: int) -> None:
    rng = np.random.default_rng(radius)
    for shape in ((30, 70), (1, 40), (40, 1), (2, 2)):
        mask = rng.random(shape) < 0.01
        np.testing.assert_array_equal(dilate(mask, radius), dilation(mask, disk(radius)))


def test_accuracy_is_that_of_scikit_image_on_smooth_shapes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(10):
        truth, mask = (gaussian_filter(rng.random((90, 160)), 6) > 0.5 for _ in range(2))
        mask = np.roll(truth, rng.integers(-3, 4, 2), (0, 1)) ^ (mask & (rng.random(mask.shape) < 0.01))
        edge, other = boundary(truth), boundary(mask)
        element = disk(tolerance_radius(*truth.shape))
        precision = (other & dilation(edge, element)).sum() / other.sum()
        recall = (edge & dilation(other, element)).sum() / edge.sum()
        assert F(mask, truth) == 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(
    ("truth", "mask", "accuracy"),
    [
        (box(5, 5), box(5, 5), 1),
        (box(5, 5), box(5, 6), 1),
        (box(5, 5), box(25, 40), 0),
        (box(0, 0, 0), box(0, 0, 0), 1),
        (box(5, 5), box(0, 0, 0), 0),
        (box(0, 0, 0), box(5, 5), 0),
        (box(0, 0, 40, 60), box(0, 0, 0), 1),
    ],
    ids=["same", "within the radius", "far", "both empty", "mask empty", "truth empty", "whole image against empty"],
)
def test_accuracy_looks_at_boundaries_alone(truth: Mask, mask: Mask, accuracy: float) -> None:
    assert F(mask, truth) == accuracy
