"""Geometry, target state and memory weights give what the authors' implementation was recorded to give."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from vos_bench.methods.lwl.crops import (
    Border,
    Corners,
    Crop,
    cut_frame,
    cut_image,
    cut_mask,
    pair,
    paste_scores,
    plan_crop,
    plan_first_crop,
)
from vos_bench.methods.lwl.memory import SampleWeights
from vos_bench.methods.lwl.parameters import BOX, YTVOS
from vos_bench.methods.lwl.target_state import TargetState, moments


@pytest.fixture(scope="module")
def units(golden_folder):
    return json.loads((golden_folder / "units.json").read_text())


@pytest.mark.parametrize("rule", ["release", "head"])
@pytest.mark.parametrize("mode", ["inside_major", "replicate"])
def test_crops_have_the_recorded_boxes_and_pixels(units, golden, rule, mode):
    tensors, compared = golden("units"), 0
    for index, case in enumerate(units["sample_patch"]):
        image_size = tuple(map(int, case["im"].split("x")))
        crop = plan_crop(
            pair(*case["pos"]),
            pair(*case["sample_sz"]),
            image_size=image_size,
            output_size=(48, 80),
            rule=rule,
            border=Border(mode),
        )
        assert crop.box == pytest.approx(case[f"coord_{rule}_{mode}"], abs=1e-4), index
        name = f"{index:02d}_{rule}_{mode}"
        if f"sp_out_{name}" in tensors:
            compared += 1
            image, mask = tensors[f"sp_im_{case['im']}"][0], tensors[f"sp_mask_{case['im']}"][0, 0]
            torch.testing.assert_close(cut_image(image, crop), tensors[f"sp_out_{name}"], rtol=1e-5, atol=1e-5)
            torch.testing.assert_close(cut_mask(mask, crop), tensors[f"sp_outmask_{name}"], rtol=0, atol=0)
    assert compared >= 9


@pytest.mark.parametrize("mode", ["inside_major", "inside", "replicate"])
@pytest.mark.parametrize("scale", [0.2, 1.0, 2.6, 6.0])
def test_opencv_cuts_the_same_crops_to_rounding(mode, scale):
    rng = np.random.default_rng(0)
    frame = torch.from_numpy(rng.integers(0, 256, (120, 200, 3), dtype=np.uint8)).permute(2, 0, 1)
    for centre in ((60, 100), (3, 4), (118, 199)):
        crop = plan_crop(
            pair(*centre),
            pair(48, 80) * np.float32(scale),
            image_size=(120, 200),
            output_size=(48, 80),
            rule="release",
            border=Border(mode),
        )
        found = cut_frame(frame, crop)
        assert found.is_contiguous(memory_format=torch.channels_last)
        torch.testing.assert_close(found, cut_image(frame, crop), rtol=0, atol=0.02)  # of 0..255, in pure noise


def test_scores_come_back_to_the_recorded_pixels(units, golden):
    logits = golden("units")["c2i_scores"][0, 0]
    for index, (scale, centre) in enumerate(units["c2i"]):
        crop = ScaledCrop(float(np.float32(scale)), centre)
        recorded = golden("units")[f"c2i_out_{index}"]
        # float32 interpolation rounds otherwise on other processors: the bound of all modules, on the scores' own scale
        torch.testing.assert_close(
            paste_scores(logits, crop, (70, 90)), recorded, rtol=0, atol=1e-4 * float(logits.abs().max())
        )


class ScaledCrop(Crop):
    """A crop of which only the scale and the centre are known."""

    def __init__(self, scale, centre):
        self.__dict__.update(given=(scale, pair(*centre)))

    scale = property(lambda self: self.given[0])
    centre = property(lambda self: self.given[1])


def test_target_state_has_the_recorded_moments(units, golden):
    seen = moments(golden("units")["state_prob"][None])[0]
    np.testing.assert_allclose(seen.centre, units["state"]["pos"], rtol=1e-7)
    np.testing.assert_allclose(seen.deviation * 4, units["state"]["sz"], rtol=1e-7)


def test_moments_of_several_masks_have_the_bits_of_each_alone():
    masks = torch.softmax(5 * torch.randn((4, 243, 431), generator=torch.Generator().manual_seed(0)), dim=0)[1:]
    for together, mask in zip(moments(masks), masks, strict=True):
        [alone] = moments(mask[None])
        assert together.mass == alone.mass
        assert together.centre.tolist() == alone.centre.tolist()
        assert together.deviation.tolist() == alone.deviation.tolist()


def test_the_first_scale_has_every_bit_that_torch_gives_it():
    crop_size, area_scale = (480, 832), 5.0
    rng, compared = np.random.default_rng(0), 0
    for x, y, width, height in rng.integers(1, 480, (2000, 4)).tolist():
        state = TargetState.from_box((x, y, width, height), crop_size=crop_size, search_area_scale=area_scale)
        size = torch.tensor([float(height), float(width)])
        scale = math.sqrt((size * area_scale).prod().item()) / torch.tensor([480.0, 832.0]).prod().sqrt()
        assert state.scale == scale.item()
        assert state.base_size.tolist() == (size / scale).tolist()
        compared += np.float32(math.sqrt((size * area_scale).prod().item())) / np.sqrt(np.float32(480 * 832)) != scale
    assert compared > 200  # a plain float32 division has another last bit for about one box in five


def corners(mode, size, image_size, most_shrink=None):
    border = Border(mode, most_shrink)
    centre = pair(image_size[0] / 2, image_size[1] / 2)
    crop = plan_crop(centre, pair(*size), image_size=image_size, output_size=size, rule="release", border=border)
    return tuple(crop.window)


def test_the_border_mode_says_how_far_a_crop_is_shrunk():
    assert corners("inside_major", (100, 300), (100, 100)) == (0, -100, 100, 200)
    assert corners("inside", (100, 300), (100, 100)) == (34, 0, 67, 100)
    assert corners("replicate", (100, 300), (100, 100)) == (1, -99, 101, 201)


def test_the_shrinking_of_a_crop_may_be_bounded():
    assert corners("inside_major", (400, 400), (100, 100)) == (0, 0, 100, 100)
    assert corners("inside_major", (400, 400), (100, 100), most_shrink=2) == (-50, -50, 150, 150)


def first_window(mode, most_shrink=None):
    return plan_first_crop(
        pair(10, 50),
        pair(200, 200),
        image_size=(100, 100),
        output_size=(64, 64),
        rule="release",
        border=Border(mode, most_shrink),
    )


def test_a_first_crop_that_may_leave_the_image_stays_around_its_target():
    assert first_window("replicate").shift == (0, 0)
    assert first_window("replicate").region.scale == pytest.approx(200 / 64, rel=0.01)
    assert first_window("inside_major").region.scale == pytest.approx(100 / 64, rel=0.01)
    assert first_window("inside_major").shift == (-25, 0)
    assert first_window("inside_major", 1.25).region.scale == pytest.approx(160 / 64, rel=0.01)


def test_scores_come_back_by_the_whole_size_as_published_or_by_the_exact_scale():
    logits = torch.arange(16 * 24, dtype=torch.float32).reshape(16, 24)
    crop = ScaledCrop(1.97, (20, 20))  # comes back to 31 x 47 pixels: scales of 1.9375 and 1.9583
    for resize, scales in (("exact", (1.97, 1.97)), ("as-published", (31 / 16, 47 / 24))):
        wanted = resized_by_hand(logits.numpy(), (31, 47), scales)
        found = paste_scores(logits, crop, (40, 50), resize)[4:35, :44]
        np.testing.assert_allclose(found, wanted[:, 3:], atol=1e-3)


def resized_by_hand(values, size, scales):
    """Sample where each pixel of the result lies, pixel centres at half."""
    for axis, (extent, scale) in enumerate(zip(size, scales, strict=True)):
        where = np.clip((np.arange(extent) + 0.5) / scale - 0.5, 0, values.shape[axis] - 1)
        values = np.apply_along_axis(
            lambda line, where=where: np.interp(where, np.arange(len(line)), line), axis, values
        )
    return values


def test_a_target_that_is_hardly_seen_stays(units):
    small = units["state_small"]
    start = replace(
        TargetState.from_box((0, 0, 6, 5), crop_size=(480, 832), search_area_scale=5), position=pair(*small["pos"])
    )
    seen = moments(torch.full((1, 10, 10), small["sum"] / 100))[0]
    state = start.follow(seen, smallest_mass=100, size_factor=4, scale_change=(0.95, 1.1))
    assert state.position.tolist() == small["pos"]
    np.testing.assert_allclose(state.size, small["sz"], rtol=1e-6)


@pytest.mark.parametrize(("name", "rule"), [("ytvos", YTVOS), ("boxinit", BOX)])
@pytest.mark.parametrize("size", [32, 6])
def test_memory_weights_follow_the_recorded_trace(units, name, rule, size):
    weights = SampleWeights(size, rule)
    for step in units[f"weights_{name}_mem{size}"]:
        assert weights.add() == step["replace"]
        assert weights.filled == step["n"]
        np.testing.assert_allclose(weights.values, step["w"], atol=1e-6)


def test_a_memory_of_one_keeps_the_first_frame_when_it_has_a_floor():
    weights = SampleWeights(1, YTVOS)
    assert weights.add() is None
    assert weights.values.tolist() == [1]


def test_a_memory_of_one_takes_the_newest_frame_when_the_first_has_no_floor():
    weights = SampleWeights(1, BOX)
    assert weights.add() == 0
    assert weights.values.tolist() == [1]


def test_equal_windows_are_equal_crops():
    assert Crop(Corners(0, 0, 5, 9), 1, (0, 0), (48, 80)) == Crop(Corners(0, 0, 5, 9), 1, (0, 0), (48, 80))
