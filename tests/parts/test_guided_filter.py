import numpy as np
import pytest

from vos_bench.parts.guided_filter import guided_filter


def test_a_plane_that_is_linear_in_the_colours_passes_unchanged() -> None:
    image = np.random.default_rng(0).integers(0, 256, (20, 30, 3), dtype=np.uint8)
    plane = (image / 255 @ np.array([0.2, 0.5, -0.3]) + 0.1).astype(np.float32)
    np.testing.assert_allclose(guided_filter(image, plane, radius=4, regularisation=1e-7), plane, atol=1e-3)


def test_a_flat_image_blurs_twice_by_the_mean() -> None:
    plane = np.random.default_rng(0).random((20, 30)).astype(np.float32)
    image = np.full((20, 30, 3), 77, np.uint8)
    once = np.array([[plane[y - 2 : y + 3, x - 2 : x + 3].mean() for x in range(13, 18)] for y in range(8, 13)])
    smooth = guided_filter(image, plane, radius=2, regularisation=1e-2)
    assert smooth[10, 15] == pytest.approx(once.mean(), abs=1e-3)


def test_an_outline_that_misses_an_edge_is_drawn_to_it() -> None:
    image = np.zeros((40, 40, 3), np.uint8)
    image[:, 20:] = 200
    plane = np.zeros((40, 40), np.float32)
    plane[:, 23:] = 1
    smooth = guided_filter(image, plane, radius=8, regularisation=1e-4)
    assert (smooth[:, 20:] > 0.5).all()
    assert (smooth[:, :20] < 0.5).all()


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 2)])
def test_windows_may_be_larger_than_the_image(size: tuple[int, int]) -> None:
    plane = np.random.default_rng(0).random(size).astype(np.float32)
    smooth = guided_filter(np.full((*size, 3), 9, np.uint8), plane, radius=8, regularisation=1e-3)
    assert smooth.shape == size
    assert np.isfinite(smooth).all()
