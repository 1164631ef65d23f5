"""SiamMask's variants, its boxes, and what becomes of objects that leave, are tiny or lie at the border."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch.nn import functional

import vos_bench
from vos_bench.api import UNTRAINED, Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.siammask.checkpoint import convert, load_network, load_variant
from vos_bench.methods.siammask.config import RULES, SiamMaskConfig, Variant
from vos_bench.methods.siammask.method import SiamMaskMethod
from vos_bench.methods.siammask.network import Cell, SiamMaskNetwork, depthwise_correlation, windows
from vos_bench.methods.siammask.tracking import ANCHORS, NOWHERE, WINDOW, Region, Target, choose
from vos_bench.parts.merging import highest_above


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Variant], Path]:
    """Files of both variants in the authors' form, written under DataParallel, with random parameters."""
    folder = tmp_path_factory.mktemp("siammask")

    def write(variant: Variant) -> Path:
        path = folder / f"{variant}.pth"
        if not path.exists():
            torch.manual_seed(0)
            tensors = SiamMaskNetwork(variant).state_dict()
            torch.save({"epoch": 1, "state_dict": {f"module.{name}": x for name, x in tensors.items()}}, path)
        return path

    return write


@pytest.fixture(scope="module")
def method() -> SiamMaskMethod:
    torch.manual_seed(0)
    return SiamMaskMethod(weights=UNTRAINED)


def image(height: int = 64, width: int = 80, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def test_both_variants_have_as_many_parameters_as_published() -> None:
    counts = [sum(p.numel() for p in SiamMaskNetwork(variant).parameters()) for variant in ("sharp", "base")]
    states = [len(SiamMaskNetwork(variant).state_dict()) for variant in ("sharp", "base")]
    assert states == [356, 324]
    assert counts[0] == 21_482_052


@pytest.mark.parametrize("variant", ["sharp", "base"])
def test_a_file_of_the_other_variant_is_refused_by_name(files: Callable[[Variant], Path], variant: Variant) -> None:
    other: Variant = "base" if variant == "sharp" else "sharp"
    assert load_variant(files(variant), variant).variant == variant
    with pytest.raises(BadInputError, match=rf"variant {other}, expected {variant}; .*--set variant={other}"):
        SiamMaskMethod(SiamMaskConfig(variant=variant), weights=files(other))


@pytest.mark.parametrize("variant", ["sharp", "base"])
def test_both_variants_are_converted(files: Callable[[Variant], Path], tmp_path: Path, variant: Variant) -> None:
    convert(files(variant), tmp_path / "out.safetensors")
    again = load_network(tmp_path / "out.safetensors").state_dict()
    for name, x in load_network(files(variant)).state_dict().items():
        assert torch.equal(again[name], x) or name.endswith("num_batches_tracked")


def test_each_variant_has_its_authors_rules_unless_they_are_set() -> None:
    assert SiamMaskConfig().rules == RULES["sharp"] == (0.04, 0.4, 1.0, 0.35)
    assert SiamMaskConfig(variant="base").rules == (0.09, 0.39, 0.38, 0.3)
    assert SiamMaskConfig(threshold=0.5, size_rate=0.25).rules == (0.04, 0.4, 0.25, 0.5)


def test_anchors_are_truncated_and_ordered_by_shape_then_row_then_column() -> None:
    shapes = [(104, 32), (88, 40), (64, 64), (40, 80), (32, 96)]
    assert [tuple(row[2:]) for row in ANCHORS[::625]] == shapes
    assert ANCHORS[625 + 25 * 3 + 7].tolist() == [-96 + 56, -96 + 24, 88, 40]
    assert WINDOW[12 * 25 + 12] == 1
    assert WINDOW[:25].max() == 0


def test_depthwise_correlation_compares_each_channel_with_its_own() -> None:
    x, kernels = torch.randn(2, 3, 7, 8), torch.randn(2, 3, 5, 5)
    found = depthwise_correlation(x, kernels)
    for b in range(2):
        for c in range(3):
            [[expected]] = functional.conv2d(x[b : b + 1, c : c + 1], kernels[b : b + 1, c : c + 1])
            torch.testing.assert_close(found[b, c], expected)


def test_windows_are_cut_around_the_cell_with_zeros_beyond_the_border() -> None:
    levels = [torch.rand(2, 1, side, side) + 1 for side in (125, 63, 31)]
    fine, middle, coarse = windows(levels, [Cell(0, 24), Cell(12, 12)])
    assert [x.shape[-1] for x in (fine, middle, coarse)] == [61, 31, 15]
    assert not fine[0, :, :16].any()
    assert torch.equal(fine[0, :, 16:, :45], levels[0][0, :, :45, 80:])
    assert torch.equal(middle[1], levels[1][1, :, 16:47, 16:47])
    assert torch.equal(coarse[1], levels[2][1, :, 8:23, 8:23])


@pytest.mark.parametrize(("x", "first"), [(30.0, 26), (31.0, 26), (32.0, 28), (30.6, 26), (31.1, 27)])
def test_the_corner_of_a_crop_goes_to_the_nearest_pixel_and_ties_to_the_even(x: float, first: int) -> None:
    frame = np.repeat(np.arange(80, dtype=np.uint8)[None, :, None], 64, axis=0).repeat(3, axis=2)
    crop = Region(np.array([x, 32.0]), 8).cut(frame, np.zeros(3, np.uint8), 8)
    assert crop[0, :, 0].tolist() == list(range(first, first + 8))


def test_a_crop_beyond_the_frame_has_the_mean_colour_cut_off() -> None:
    frame = image()
    frame[..., 0] = 7
    target = Target.started(frame, (0.0, 0.0, 10.0, 10.0))
    assert target.beyond[0] == 7
    assert target.beyond.tolist() == np.floor(frame.mean(axis=(0, 1))).tolist()
    crop = target.template().cut(frame, target.beyond, target.template().side)
    assert (crop[0] == target.beyond).all()
    outside = Region(np.array([500.0, -500.0]), 9).cut(frame, target.beyond, 9)
    assert (outside == target.beyond).all()


def test_the_pasted_mask_is_that_of_an_interpolation_in_float64() -> None:
    mask = np.random.default_rng(0).random((127, 127)).astype(np.float32)
    region, cell, size = Region(np.array([40.0, 30.5]), 57), Cell(10, 15), (64, 80)
    found = region.paste(mask, cell, size)
    scale = 57 / 255
    left, top = 40 - 28.5 + (15 - 4) * 8 * scale, 30.5 - 28.5 + (10 - 4) * 8 * scale
    zoom = 127 / (127 * scale)
    u = np.arange(80) * (80 * zoom) / 79 - left * zoom
    v = np.arange(64) * (64 * zoom) / 63 - top * zoom
    padded = np.pad(mask.astype(np.float64), 1, constant_values=NOWHERE)

    def blend(places: np.ndarray) -> np.ndarray:
        return (1 - np.abs(places[:, None] - np.arange(-1, 128))).clip(min=0)

    rows, columns = blend(v), blend(u)
    expected = rows @ padded @ columns.T + NOWHERE * (1 - rows.sum(1)[:, None] * columns.sum(1))
    tolerance = 1e-4 if int(cv2.__version__.split(".")[0]) >= 5 else 0.07
    np.testing.assert_allclose(found, expected, atol=tolerance)


def test_of_equal_boxes_the_first_is_chosen_and_without_the_window_the_score_decides() -> None:
    scores, deltas = np.full(3125, 0.5, np.float32), np.zeros((4, 3125), np.float32)
    rules = RULES["sharp"]._replace(window_influence=0.0, change_penalty=0.0)
    found = choose(scores, deltas, np.array([64.0, 64.0]), rules)
    assert found.cell == (0, 0)
    assert found.size.tolist() == [104, 32]
    scores[2 * 625 + 7 * 25 + 3] = 0.9
    found = choose(scores, deltas, np.array([64.0, 64.0]), rules)
    assert (found.cell, found.centre.tolist(), found.penalty) == ((7, 3), [-96 + 24, -96 + 56], 1)
    np.testing.assert_allclose(choose(scores, deltas, np.array([64.0, 64.0]), RULES["sharp"]).cell, (12, 12))


def test_boxes_without_end_lose_to_all_others_and_leave_the_size_as_it_is() -> None:
    scores, deltas = np.full(3125, np.nan, np.float32), np.full((4, 3125), 1e30, np.float32)
    target = Target(np.array([20.0, 20.0]), np.array([12.0, 14.0]), np.zeros(3, np.uint8))
    found = choose(scores, deltas, target.in_search(), RULES["sharp"])
    assert (found.cell, found.penalty) == ((12, 12), 0)
    target.move(found, RULES["sharp"], (64, 80))
    assert target.size.tolist() == [12, 14]
    assert np.isfinite(target.centre).all()


def test_a_pixel_goes_to_the_first_of_the_highest_above_the_threshold() -> None:
    one, two = np.array([[0.35, 0.36, 0.9, -1]], np.float32), np.array([[0.2, 0.36, 0.95, 0.351]], np.float32)
    assert highest_above({1: one, 2: two}, 0.35, (1, 4)).tolist() == [[0, 1, 2, 2]]


def test_a_box_starts_an_object_where_it_was_given_and_the_first_frame_has_a_mask(method: SiamMaskMethod) -> None:
    prediction = method.initialize(image(), Prompt(boxes={1: (10.0, 12.0, 31.0, 40.0)}))
    target = method.tracks[1].target
    assert (target.centre.tolist(), target.size.tolist()) == ([20.5, 26.0], [21, 28])
    assert prediction.labels.shape == (64, 80)
    mask = np.zeros((64, 80), bool)
    mask[12:40, 10:31] = True
    method.initialize(image(), Prompt(masks={1: mask}))
    assert method.tracks[1].target.size.tolist() == target.size.tolist()
    assert method.tracks[1].target.centre.tolist() == target.centre.tolist()


@pytest.mark.parametrize("box", [(-20.0, -20.0, 10.5, 10.5), (60.25, 50.0, 300.0, 300.0), (40.0, 40.0, 40.25, 40.5)])
def test_a_box_may_leave_the_frame_or_cover_less_than_a_pixel(
    method: SiamMaskMethod, box: tuple[float, float, float, float]
) -> None:
    method.initialize(image(), Prompt(boxes={1: box}))
    for seed in range(1, 3):
        labels = method.step(image(seed=seed)).labels
        assert set(np.unique(labels)) <= {0, 1}
    target = method.tracks[1].target
    assert (target.size >= 10).all()
    assert (target.centre >= 0).all()
    assert (target.centre <= (80, 64)).all()


def test_a_box_outside_the_frame_is_an_object_that_is_not_there(method: SiamMaskMethod) -> None:
    prediction = method.initialize(image(), Prompt(boxes={1: (90.0, 5.0, 120.0, 25.0), 2: (5.0, 5.0, 25.0, 25.0)}))
    assert set(method.tracks) == {2}
    assert prediction.probabilities is not None
    assert prediction.probabilities.shape == (3, 64, 80)
    assert not prediction.probabilities[1].any()


def test_frames_of_1080p_and_of_few_pixels(method: SiamMaskMethod) -> None:
    for height, width in ((1080, 1920), (7, 5), (1, 9)):
        mask = np.zeros((height, width), bool)
        mask[: height // 2 + 1, : width // 2 + 1] = True
        method.initialize(image(height, width), Prompt(masks={1: mask}))
        assert method.step(image(height, width, seed=1)).labels.shape == (height, width)


def test_boxes_run_on_the_demo_data_and_the_record_has_the_version_of_opencv(tmp_path: Path) -> None:
    run = vos_bench.run(
        "siammask", "demo", weights=UNTRAINED, init="box", sequences=["leaving"], device="cpu", out=tmp_path
    )
    assert run.record.protocol.init == "box"
    assert run.record.environment.packages["opencv-python-headless"]
