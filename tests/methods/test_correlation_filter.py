import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.api import Image, Mask, Prompt
from vos_bench.methods.correlation_filter.features import describe
from vos_bench.methods.correlation_filter.filters import Filter, gaussian, peak
from vos_bench.methods.correlation_filter.method import CorrelationFilter, CorrelationFilterConfig
from vos_bench.methods.correlation_filter.pyramid import Pose, Pyramid

SIZE = (160, 200)


def texture(seed: int) -> NDArray[np.float32]:
    grain = np.random.default_rng(seed).normal(0, 1, (*SIZE, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(grain, (0, 0), 3)
    return 128 + 45 * smooth / smooth.std()


def placed(row: float, column: float, scale: float = 1.0) -> tuple[Image, Mask]:
    """A textured ellipse of 48 x 36 pixels at scale one, on another texture."""
    matrix = np.array([[scale, 0, column - scale * 99.5], [0, scale, row - scale * 79.5]])
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    shape = (((rows - 79.5) / 18) ** 2 + ((columns - 99.5) / 24) ** 2 <= 1).astype(np.float32)
    mask = cv2.warpAffine(shape, matrix, SIZE[::-1]) > 0.5
    image = texture(0)
    image[mask] = cv2.warpAffine(texture(1), matrix, SIZE[::-1])[mask]
    return image.clip(0, 255).astype(np.uint8), mask


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_the_mask_moves_with_its_object() -> None:
    method = CorrelationFilter()
    image, mask = placed(70, 80)
    method.initialize(image, Prompt(masks={1: mask}))
    for t in range(1, 9):
        image, mask = placed(70 + 2 * t, 80 + 5 * t)
        labels = method.step(image).labels
    assert overlap(labels == 1, mask) > 0.9


@pytest.mark.parametrize("ratio", [1.03, 0.97])
def test_the_mask_grows_and_shrinks_with_its_object(ratio: float) -> None:
    scores = []
    for scales in (1, CorrelationFilterConfig().scales):
        method = CorrelationFilter(CorrelationFilterConfig(scales=scales))
        image, mask = placed(80, 100)
        method.initialize(image, Prompt(masks={1: mask}))
        for t in range(1, 16):
            image, mask = placed(80, 100, ratio**t)
            labels = method.step(image).labels
        scores.append(overlap(labels == 1, mask))
    assert scores[1] > 0.85
    assert scores[1] > scores[0] + 0.1


def test_a_box_is_followed_too() -> None:
    method = CorrelationFilter()
    image, mask = placed(70, 80)
    method.initialize(image, Prompt(masks={1: mask}).as_boxes())
    image, mask = placed(73, 88)
    assert overlap(method.step(image).labels == 1, mask) > 0.6


def test_an_object_that_is_not_sure_to_be_seen_stands_still_and_nothing_is_learned() -> None:
    method = CorrelationFilter(CorrelationFilterConfig(sure_from=1e6))
    image, mask = placed(70, 80)
    method.initialize(image, Prompt(masks={1: mask}))
    assert overlap(method.step(placed(70, 100)[0]).labels == 1, mask) == 1


def test_an_object_below_the_other_threshold_is_out_of_sight() -> None:
    method = CorrelationFilter(CorrelationFilterConfig(lost_below=1e6))
    image, mask = placed(70, 80)
    method.initialize(image, Prompt(masks={1: mask}))
    assert not method.step(image).labels.any()


@pytest.mark.parametrize("shift", [(0, 0), (3, -4), (-7, 6)])
def test_a_filter_finds_the_shift_of_its_features(shift: tuple[int, int]) -> None:
    features = np.random.default_rng(0).normal(0, 1, (5, 24, 32)).astype(np.float32)
    filter_ = Filter(gaussian((24, 32), (1.5, 1.5)), regularisation=0.01, rate=0.1)
    filter_.learn(features)
    found, sureness = peak(filter_.respond(np.roll(features, shift, axis=(1, 2))))
    np.testing.assert_allclose(found, shift, atol=0.5)
    assert sureness > 5


def test_a_filter_over_one_axis_finds_a_step_of_size() -> None:
    features = np.random.default_rng(0).normal(0, 1, (40, 17)).astype(np.float32)
    filter_ = Filter(gaussian((17,), (1.4,)), regularisation=0.01, rate=0.1)
    filter_.learn(features)
    found, _ = peak(filter_.respond(np.roll(features, 2, axis=1)))
    assert found[0] == pytest.approx(2, abs=0.5)


def test_a_filter_answers_what_it_was_asked_to_on_what_it_learned() -> None:
    wanted = gaussian((24, 32), (2.0, 2.0))
    features = np.random.default_rng(0).normal(0, 1, (5, 24, 32)).astype(np.float32)
    filter_ = Filter(wanted, regularisation=1e-6, rate=0.1)
    filter_.learn(features)
    np.testing.assert_allclose(filter_.respond(features), wanted, atol=0.01)


def test_a_peak_is_found_between_cells() -> None:
    rows, columns = (np.fft.fftfreq(n, 1 / n) for n in (24, 32))
    response = np.exp(-0.5 * ((rows[:, None] + 3.3) ** 2 + (columns - 2.4) ** 2) / 4)
    shift, _ = peak(response)
    np.testing.assert_allclose(shift, (-3.3, 2.4), atol=0.05)


def test_a_flat_response_is_not_sure() -> None:
    assert peak(np.zeros((24, 32)))[1] == 0


def test_gradients_do_not_see_brightness_and_colours_do() -> None:
    image = texture(0).clip(60, 180).astype(np.uint8)[:64, :64]
    settings = {"cell": 4, "orientations": 9, "colour_weight": 1.0}
    dark, bright = describe(image, **settings), describe(image + 30, **settings)
    assert dark.shape == (12, 16, 16)
    assert np.abs(dark[:9] - bright[:9]).mean() < 0.02
    assert (bright[9] > dark[9]).all()


def test_an_edge_votes_for_its_direction() -> None:
    image = np.zeros((32, 32, 3), np.uint8)
    image[:, 16:] = 255
    upright = describe(image, cell=4, orientations=8, colour_weight=0.0)
    lying = describe(image.transpose(1, 0, 2).copy(), cell=4, orientations=8, colour_weight=0.0)
    assert upright[:8].sum(axis=(1, 2)).argmax() == 0
    assert lying[:8].sum(axis=(1, 2)).argmax() == 4


def test_a_patch_at_scale_one_and_its_own_size_is_a_copy() -> None:
    image, pyramid = texture(0).clip(0, 255).astype(np.uint8), Pyramid()
    pyramid.see_frame(image)
    np.testing.assert_array_equal(pyramid.patch(Pose(60, 50, 1.0), (40, 60), (40, 60)), image[30:70, 30:90])


def test_a_shrunk_patch_keeps_its_place_and_does_not_alias() -> None:
    pyramid = Pyramid()
    stripes = np.zeros((160, 200, 3), np.uint8)
    stripes[:, ::2] = 200
    stripes[80:] //= 2
    pyramid.see_frame(stripes)
    patch = pyramid.patch(Pose(100, 80, 1.0), (128, 128), (32, 32))
    assert np.abs(patch[4:12].astype(int) - 100).max() < 8
    assert np.abs(patch[20:28].astype(int) - 50).max() < 8


def test_a_patch_beyond_the_frame_goes_on_with_its_border() -> None:
    pyramid = Pyramid()
    pyramid.see_frame(np.full((30, 40, 3), 77, np.uint8))
    assert (pyramid.patch(Pose(0, 0, 3.0), (60, 60), (16, 16)) == 77).all()
