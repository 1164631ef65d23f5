from typing import get_args

import cv2
import numpy as np
import pytest

from vos_bench.parts.box_start import BoxFill, mask_of


def picture() -> np.ndarray:
    """A yellow disk of radius 14 round row 40, column 50, on blue grain."""
    image = np.random.default_rng(0).normal((30, 60, 150), 12, (80, 100, 3))
    image[disk()] += (180, 120, -100)
    return image.clip(0, 255).astype(np.uint8)


def disk() -> np.ndarray:
    rows, columns = np.mgrid[:80, :100]
    return (rows - 40) ** 2 + (columns - 50) ** 2 <= 14**2


BOX = (36.0, 26.0, 65.0, 55.0)


def test_a_mask_is_taken_as_it_is() -> None:
    assert mask_of(picture(), disk()).tolist() == disk().tolist()


def test_grabcut_finds_the_object_in_its_box() -> None:
    found = mask_of(picture(), BOX)
    assert (found & disk()).sum() / (found | disk()).sum() > 0.9


def test_a_rectangle_is_the_box_in_whole_pixels() -> None:
    mask = mask_of(picture(), (10.4, 20.6, 30.0, 40.0), fill="rectangle")
    assert mask[21:40, 10:30].all()
    assert mask.sum() == 19 * 20


def test_an_ellipse_covers_a_quarter_of_pi_of_the_box() -> None:
    mask = mask_of(picture(), (10, 20, 90, 60), fill="ellipse")
    assert mask.sum() == pytest.approx(np.pi / 4 * 80 * 40, rel=0.01)


@pytest.mark.parametrize("fill", get_args(BoxFill))
@pytest.mark.parametrize(
    "box", [(-30, -10, 8.0, 9.0), (95.0, 70.0, 400.0, 400.0), (50.0, 40.0, 50.2, 40.2), (-9.0, -9.0, 300.0, 300.0)]
)
def test_a_box_that_touches_the_image_never_gives_an_empty_mask(
    fill: BoxFill, box: tuple[float, float, float, float]
) -> None:
    mask = mask_of(picture(), box, fill=fill)
    assert mask.shape == (80, 100)
    assert mask.dtype == np.bool_
    assert mask.any()


@pytest.mark.parametrize("fill", get_args(BoxFill))
def test_nothing_is_set_outside_the_box(fill: BoxFill) -> None:
    mask = mask_of(picture(), BOX, fill=fill)
    mask[26:55, 36:65] = False
    assert not mask.any()


def test_where_grabcut_finds_almost_nothing_the_ellipse_stands_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cv2, "grabCut", lambda _, known, *__: known.fill(cv2.GC_BGD))
    np.testing.assert_array_equal(mask_of(picture(), BOX), mask_of(picture(), BOX, fill="ellipse"))


def test_the_same_seed_gives_the_same_mask() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (80, 100, 3), dtype=np.uint8)
    assert mask_of(noise, BOX, seed=4).tolist() == mask_of(noise, BOX, seed=4).tolist()
