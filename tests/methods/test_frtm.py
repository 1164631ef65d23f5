"""FRTM: its samples, memory and updates."""

from unittest import mock

import cv2
import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.labelmaps import read_label_map
from vos_bench.methods.frtm import target_model
from vos_bench.methods.frtm.config import FrtmConfig, SolverConfig, SynthesisConfig
from vos_bench.methods.frtm.memory import SampleMemory
from vos_bench.methods.frtm.method import FrtmMethod, Target
from vos_bench.methods.frtm.synthesis import Moves, moved_objects
from vos_bench.methods.frtm.target_model import fit_both, random_model, score
from vos_bench.methods.frtm.targets import Enlargement, Targets
from vos_bench.parts.merging import merge
from vos_bench.parts.soft_masks import SoftMaskMethod
from vos_bench.training.augmentation import box_of


@pytest.fixture(autouse=True)
def seeded():
    torch.manual_seed(0)


def test_the_published_numbers_are_the_defaults():
    config = FrtmConfig()
    assert (config.solver.channels, config.solver.first_steps, config.solver.filter_steps) == (
        96,
        (5, 10, 10, 10, 10),
        10,
    )
    assert (config.solver.projection_regularisation, config.solver.filter_regularisation) == (1e-4, 1e-2)
    assert config.solver.foreground == 0.1
    assert (config.memory_size, config.learning_rate, config.update_interval, config.smallest_mask) == (80, 0.1, 8, 10)
    assert (config.synthesis.samples, config.merge) == (4, "odds-softmax")


def test_both_layers_start_as_pytorchs_convolutions_do():
    model = random_model(1024, SolverConfig(), torch.Generator().manual_seed(0))
    assert (model.projection.shape, model.filter.shape) == ((96, 1024), (1, 96, 3, 3))
    for parameter, like in zip(model, (nn.Conv2d(1024, 96, 1), nn.Conv2d(96, 1, 3)), strict=True):
        bound = like.weight.abs().max().item()
        assert parameter.abs().max().item() == pytest.approx(bound, rel=1e-2)
        assert parameter.std().item() == pytest.approx(bound / 3**0.5, rel=0.05)
    again = random_model(1024, SolverConfig(), torch.Generator().manual_seed(0))
    assert all(torch.equal(a, b) for a, b in zip(model, again, strict=True))


def test_the_first_frame_counts_twice_in_the_first_fit_and_in_the_memory(monkeypatch):
    seen = []

    def recorded(model, features, targets, weights, config):
        seen.append(weights)
        return fit_both(model, features, targets, weights, config)

    monkeypatch.setattr("vos_bench.methods.frtm.method.fit_both", recorded)
    config = FrtmConfig(solver=SolverConfig(channels=3, first_steps=(1,), filter_steps=1))
    targets = Targets(torch.rand(4, 1, 8, 8).round(), Enlargement((4, 4), (8, 8), torch.zeros(1)), foreground=0.1)
    target = Target(random_model(6, config.solver, torch.Generator()), torch.rand(4, 6, 4, 4), targets, config)
    assert seen[0].tolist() == target.memory.weights.tolist() == pytest.approx([0.4, 0.2, 0.2, 0.2])


def test_each_object_is_fitted_anew_on_every_eighth_frame_after_its_own_first(monkeypatch):
    fitted = []
    monkeypatch.setattr(Target, "update", lambda target: fitted.append((method._targets.index(target), number)))
    monkeypatch.setattr("vos_bench.methods.frtm.method.fit_both", lambda model, *_: model)
    method = FrtmMethod(FrtmConfig(backbone="resnet18", synthesis=SynthesisConfig(samples=0)), weights=UNTRAINED)
    monkeypatch.setattr(Target, "__init__", _without_a_fit)
    method.reset()
    frame, size = torch.zeros(1, 3, 32, 32), (32, 32)
    corners = torch.zeros(2, *size)
    corners[0, :9, :9], corners[1, 20:, 20:] = 1, 1
    for number in range(20):
        known = corners[: 1 + (number >= 3)]
        for target in method._targets:
            target.projected = torch.zeros(1, 2, 2, 2)
        method.remember(frame, torch.cat([1 - known.sum(0, keepdim=True), known]), int(number in (0, 3)))
    assert fitted == [(0, 8), (1, 11), (0, 16), (1, 19)]


def _without_a_fit(target, model, _features, targets, config):
    target.model, target._config, target._solver, target._age = model, config, config.solver, 0
    target.memory = SampleMemory(torch.zeros(1, 2, 2, 2), targets, size=80, learning_rate=0.1)


def test_all_objects_of_a_sequence_start_from_the_same_random_numbers():
    solver = SolverConfig(first_steps=(), filter_steps=0)
    method = FrtmMethod(FrtmConfig(backbone="resnet18", solver=solver), weights=UNTRAINED)
    (image, mask), (_, other) = disc(), disc(90)
    filters = []
    for seed in (1, 2):
        torch.manual_seed(seed)
        method.initialize(image, Prompt(masks={1: mask & ~other, 2: other}))
        first, second = method._targets
        assert torch.equal(first.model.filter, second.model.filter)
        filters.append(first.model.filter)
    assert not torch.equal(*filters)


@pytest.mark.parametrize(("sure", "unsure", "learned"), [(10, 0, True), (9, 90, False)])
def test_a_mask_is_learned_from_where_ten_pixels_are_above_one_half(sure, unsure, learned):
    method = FrtmMethod(FrtmConfig(backbone="resnet18", synthesis=SynthesisConfig(samples=0)), weights=UNTRAINED)
    image, mask = disc()
    method.initialize(image, Prompt(masks={1: mask}))
    method.step(image)
    [target] = method._targets
    before, plane = len(target.memory.weights), torch.zeros(96, 128)
    plane[0, :sure], plane[1, :unsure] = 0.6, 0.5
    method.remember(torch.zeros(1, 3, 96, 128), torch.stack([0.45 * torch.ones(96, 128), plane]), 0)
    assert len(target.memory.weights) == before + learned


def test_newer_samples_weigh_more_and_the_least_important_goes():
    def sample(value):
        return torch.full((1, 2, 3, 3), float(value)), Targets(torch.full((1, 1, 6, 6), 1.0), enlargement, foreground=0)

    enlargement = Enlargement((3, 3), (6, 6), torch.zeros(1))
    first = torch.cat([sample(k)[0] for k in (0, 1)])
    memory = SampleMemory(first, Targets(torch.ones(2, 1, 6, 6), enlargement, foreground=0), size=4, learning_rate=0.1)
    assert memory.weights.tolist() == pytest.approx([2 / 3, 1 / 3])
    memory.add(*sample(2))
    expected = np.array([2 / 3 / 0.9, 1 / 3 / 0.9, 0.1])
    assert memory.weights.tolist() == pytest.approx(list(expected / expected.sum()))
    memory.add(*sample(3))
    assert (memory.weights[3] / memory.weights[2]).item() == pytest.approx(1 / 0.9)
    memory.add(*sample(4))
    assert memory.weights.sum().item() == pytest.approx(1)
    assert memory.projected[:, 0, 0, 0].tolist() == [0, 1, 4, 3]
    assert (memory.weights[2] / memory.weights[3]).item() == pytest.approx(1 / 0.9)
    assert len(memory.targets.inside) == len(memory.targets.wanted) == 4


def disc(x=40, size=(96, 128)):
    image = np.full((*size, 3), (40, 130, 60), np.uint8)
    cv2.circle(image, (x, 48), 20, (200, 40, 30), -1)
    mask = np.zeros(size, np.uint8)
    cv2.circle(mask, (x, 48), 20, 1, -1)
    return image, mask.astype(bool)


def test_samples_of_the_first_frame_move_the_object_over_its_background():
    image, mask = disc()
    samples = moved_objects(image, mask, SynthesisConfig(), np.random.default_rng(0))
    assert len(samples) == 4
    for sample in samples:
        inside = sample.image[sample.mask].mean(0)
        assert inside[0] > 170
        assert sample.image[~sample.mask].mean(0) == pytest.approx((40, 130, 60), abs=6)
    assert len({sample.mask.sum() for sample in samples}) > 1


def placements(image, mask, config, seed=0):
    """Return the samples of a frame, and the 2 x 3 matrices by which the object was moved for all that were tried."""
    seen, warp = [], cv2.warpAffine

    def warped(plane, matrix, size, **options):
        if options["flags"] == cv2.INTER_NEAREST:
            seen.append(np.array(matrix))
        return warp(plane, matrix, size, **options)

    with mock.patch.object(cv2, "warpAffine", warped):
        samples = moved_objects(image, mask, config, np.random.default_rng(seed))
    return samples, np.array(seen)


def test_samples_are_spread_over_the_frame_and_turned_and_scaled_as_published():
    config, (image, mask) = SynthesisConfig(samples=60, skew=0.0), disc(64)
    image, mask = (np.pad(x, [(200, 200), (200, 200)] + [(0, 0)] * (x.ndim - 2)) for x in (image, mask))
    _, matrices = placements(image, mask, config)
    x, y, width, height = box_of(mask)
    middles = matrices @ (x + width / 2, y + height / 2, 1)
    cells = {tuple((middle / mask.shape[::-1] * 8).astype(int)) for middle in middles[:60]}
    assert len(cells) == 60
    linear = matrices[:, :, :2]
    mirrored = np.linalg.det(linear) < 0
    assert mirrored[:60].sum() == 12
    scales = np.hypot(*linear[:, :, 0].T).round(6)[:60].tolist()
    assert {scale: scales.count(scale) for scale in set(scales)} == dict.fromkeys((0.5, 0.7, 1, 1.5, 2, 2.5), 10)
    degrees = np.degrees(np.arctan2(-linear[:, 1, 0], linear[:, 0, 0])) + 180 * mirrored
    turned = ((degrees + 90) % 360 - 90).round(6)[:60].tolist()
    assert {d: turned.count(d) for d in set(turned)} == {s * d: 6 for d in (5, 10, 20, 30, 45) for s in (-1, 1)}


def test_an_object_is_slanted_along_both_axes_after_it_was_turned():
    image, mask = disc(64)
    still = SynthesisConfig(samples=6, degrees=(30.0,), scales=(1.0,), mirrored=0, skew=0.1, skewed=1 / 3)
    _, matrices = placements(image, mask, still)
    turns = [matrix[:, :2] for matrix in matrices[:6]]
    slants = [turn @ np.linalg.inv(closest_turn(turn, 30)) for turn in turns]
    slanted = [np.array([[1, 0.1], [0.1, 1]])] * 2 + [np.eye(2)] * 4
    np.testing.assert_allclose(sorted(slants, key=lambda m: -m[0, 1]), slanted, atol=1e-6)


def closest_turn(matrix, degrees):
    """Return the turn by so many degrees, to the side to which a matrix turns."""
    angle = np.radians(degrees) * np.sign(matrix[0, 1] - matrix[1, 0])
    return np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])


def test_a_moved_objects_box_fits_the_frame_and_keeps_ten_pixels():
    image = np.zeros((96, 128, 3), np.uint8)
    large, small = np.zeros((2, 96, 128), bool)
    large[10:90, 20:70], small[40:45, 60:63] = True, True
    plain = {"degrees": (0.0,), "mirrored": 0, "skewed": 0}
    _, matrices = placements(image, large, SynthesisConfig(samples=12, **plain))
    scales = matrices[:12, 0, 0].round(6).tolist()
    assert {scale: scales.count(scale) for scale in set(scales)} == {0.5: 2, 0.7: 2, 1.0: 2, 1.2: 6}
    _, matrices = placements(image, small, SynthesisConfig(samples=4, scales=(0.5,), **plain))
    assert matrices[:, 0, 0] == pytest.approx((10 / 15) ** 0.5)


def test_a_quarter_of_all_scales_is_bounded_on_davis_2016(shared):
    """The authors' rule bounds 26 % of their choices on the first frames of DAVIS 2016."""
    folder, bounded = shared / "data" / "DAVIS" / "Annotations" / "480p", []
    lists = (shared / "data" / "DAVIS" / "ImageSets" / "2016").glob("*.txt")
    for name in sorted({line.strip() for path in lists for line in path.read_text().splitlines()}):
        mask = read_label_map(folder / name / "00000.png") > 0
        moves = Moves(mask, SynthesisConfig(), np.random.default_rng(0))
        box, scales = box_of(mask), SynthesisConfig().scales
        bounded += [moves._scale(*box[2:]) not in scales for _ in scales]
    assert len(bounded) == 50 * 6
    assert np.mean(bounded) == pytest.approx(0.26, abs=0.005)


def test_samples_that_keep_too_little_of_the_object_are_drawn_again_until_there_are_enough():
    image, mask = disc(64)
    config = SynthesisConfig(smallest=700, scales=(1.0,))
    for seed in range(10):
        samples, tried = placements(image, mask, config, seed)
        assert [sample.mask.sum() >= 700 for sample in samples] == [True] * 4
        assert len(tried) >= 4
    assert len(tried) > 4
    lost = SynthesisConfig(smallest=10**6)
    assert moved_objects(image, mask, lost, np.random.default_rng(0)) == []


def test_the_script_for_youtube_vos_differs_in_directions_enlargement_and_labels():
    evaluate, ytvos = (
        FrtmMethod(FrtmConfig(backbone="resnet18", script=script), weights=UNTRAINED)
        for script in ("evaluate", "ytvos")
    )
    assert evaluate.config.resolved_solver().directions == "polak-ribiere"
    assert ytvos.config.resolved_solver().directions == "fletcher-reeves"
    own = FrtmConfig(script="ytvos", solver=SolverConfig(directions="polak-ribiere"))
    assert own.resolved_solver().directions == "polak-ribiere"
    merged = torch.tensor([0.3, 0.4, 0.3])[:, None, None].expand(3, 2, 2)
    assert evaluate.winners(merged).eq(0).all()
    assert ytvos.winners(merged).eq(1).all()
    project = ytvos.network.refiner.project
    x = torch.rand(1, 64, 5, 7)
    narrow = functional.relu(project.conv1(functional.interpolate(x, scale_factor=2, mode="bicubic")))
    expected = project.conv2(functional.interpolate(narrow, size=(19, 27), mode="bicubic"))
    torch.testing.assert_close(project(x, (19, 27)), expected)
    assert not evaluate.network.refiner.project.bicubic


def test_the_target_models_are_fitted_with_the_directions_of_the_script(monkeypatch):
    seen = []
    solve = target_model.conjugate_gradients
    monkeypatch.setattr(
        target_model,
        "conjugate_gradients",
        lambda *given, directions, **more: seen.append(directions) or solve(*given, directions=directions, **more),
    )
    solver = SolverConfig(first_steps=(1,), filter_steps=1)
    config = FrtmConfig(backbone="resnet18", script="ytvos", solver=solver, synthesis=SynthesisConfig(samples=0))
    image, mask = disc()
    FrtmMethod(config, weights=UNTRAINED).initialize(image, Prompt(masks={1: mask}))
    assert seen == ["fletcher-reeves"] * 2


def test_the_target_model_alone_finds_the_object_with_random_features():
    method = FrtmMethod(FrtmConfig(backbone="resnet18"), weights=UNTRAINED)
    image, mask = disc()
    method.initialize(image, Prompt(masks={1: mask}))
    image, mask = disc(52)
    method.step(image)
    [target] = method._targets
    coarse = score(target.projected, target.model.filter)
    found = functional.interpolate(coarse, size=mask.shape, mode="bilinear", align_corners=False)[0, 0].numpy() > 0.5
    assert (found & mask).sum() / (found | mask).sum() > 0.5


def test_a_winner_is_an_object_where_it_wins_again_alone():
    """The authors' evaluation: losers at zero, the softmax of the odds once more, and the highest plane."""
    method = FrtmMethod(FrtmConfig(backbone="resnet18"), weights=UNTRAINED)
    merged = merge(torch.rand(3, 40, 50), rule="odds-softmax")
    won = torch.where(merged == merged.amax(0), merged, 0)[1:].clamp(1e-7, 1 - 1e-7)
    planes = torch.cat([(1 - won).amin(0, keepdim=True), won])
    expected = (planes / (1 - planes)).softmax(0).argmax(0)
    found = method.winners(merged)
    assert torch.equal(found, expected)
    assert ((found == 0) & (merged.argmax(0) > 0)).any()
    assert torch.equal(SoftMaskMethod.winners(method, merged), merged.argmax(0))
