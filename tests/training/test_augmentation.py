import json

import numpy as np
import pytest
import torch

from vos_bench.errors import BadInputError
from vos_bench.training.augmentation import (
    Size,
    box_of,
    crop,
    crop_window,
    jitter_box,
    rotation_and_scale,
    warp,
)


@pytest.fixture(scope="module")
def units(shared):
    folder = shared / "golden" / "lwl"
    return json.loads((folder / "units.json").read_text()), torch.load(folder / "units.pt", weights_only=True)


@pytest.mark.parametrize("case", range(5))
def test_training_crops_have_the_recorded_boxes_and_pixels(units, case):
    recorded, pixels = units
    wanted = recorded["train_crop"][case]
    output = Size(wanted["out_wh"][1], wanted["out_wh"][0])
    image, mask = pixels["tc_im"].numpy(), pixels["tc_mask"].numpy().astype(bool)
    window = crop_window(tuple(wanted["jittered"]), Size(*mask.shape), output, search_area=wanted["area"])
    assert list(window) == wanted["crop_box"]
    cut, cut_mask = crop(image, mask, window, output)
    np.testing.assert_array_equal(cut, pixels[f"tc_out_{case}"].numpy())
    np.testing.assert_array_equal(cut_mask, pixels[f"tc_mask_{case}"].numpy().astype(bool))
    np.testing.assert_allclose(window.carry(tuple(wanted["gt"]), output), wanted["gt_in_crop"], rtol=1e-6)


def test_rotation_and_scale_have_the_recorded_matrix_and_pixels(units):
    recorded, pixels = units
    wanted = recorded["affine"]
    matrix = rotation_and_scale(Size(*wanted["im_hw"]), degrees=wanted["theta"], scale=wanted["scale"])
    np.testing.assert_allclose(matrix, wanted["matrix"], rtol=1e-12)
    moved, _ = warp(pixels["aff_in"].numpy(), np.zeros(wanted["im_hw"], bool), matrix)
    np.testing.assert_array_equal(moved, pixels["aff_out"].numpy())


def test_a_box_counts_its_last_pixel():
    mask = np.zeros((10, 12), bool)
    mask[2:5, 3:9] = True
    assert box_of(mask) == (3.0, 2.0, 6.0, 3.0)
    assert box_of(np.zeros((4, 4), bool)) == (0.0, 0.0, 0.0, 0.0)


def test_without_jitter_a_box_stays():
    box = (10.0, 20.0, 30.0, 40.0)
    jittered = jitter_box(box, scale=0.0, centre=(0.0, 0.0), rng=np.random.default_rng(0))
    np.testing.assert_allclose(jittered, box)


def test_jitter_has_the_asked_spread():
    rng = np.random.default_rng(0)
    boxes = np.array([jitter_box((0, 0, 10, 10), scale=0.5, centre=(5.5, 4.5), rng=rng) for _ in range(4000)])
    assert np.log(boxes[:, 2] / 10).std() == pytest.approx(0.5, rel=0.05)
    sizes = np.sqrt(boxes[:, 2] * boxes[:, 3])
    shift = (boxes[:, 0] + boxes[:, 2] / 2 - 5) / sizes
    assert np.abs(shift).max() == pytest.approx(5.5 / 2, rel=0.01)


def test_a_box_of_nothing_cannot_be_cropped():
    with pytest.raises(BadInputError, match="too small to crop around"):
        crop_window((5.0, 5.0, 0.0, 0.0), Size(60, 80), Size(48, 80), search_area=5.0)
