"""OSVOS's network and loss, and the fine-tuning on an object's first frame."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.methods.osvos.config import Descent, OsvosConfig
from vos_bench.methods.osvos.learning import Augmentation, Sample, augmented, balanced_cross_entropy
from vos_bench.methods.osvos.method import OsvosMethod, parameter_groups
from vos_bench.methods.osvos.network import OsvosNetwork, centre_crop, preprocess
from vos_bench.methods.osvos.recipes import PARENT
from vos_bench.parts.fine_tuning import TuningBudget, tune

STILL = Augmentation(flip=0, degrees=0, scale=(1, 1))


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    return OsvosNetwork().eval()


def test_it_has_as_many_parameters_as_published_and_the_published_settings(network):
    assert sum(parameter.numel() for parameter in network.parameters()) == pytest.approx(15.27e6, rel=1e-3)
    config = OsvosConfig()
    assert (config.budget.steps, config.budget.passes, config.merge) == (2000, 5, "argmax")
    assert config.descent == Descent(learning_rate=1e-8, momentum=0.9, weight_decay=2e-4)
    assert config.augmentation == Augmentation(flip=0.5, degrees=30, scale=(0.75, 1.25))


@torch.no_grad()
def test_sides_are_enlarged_bilinearly_and_cut_from_the_middle(network):
    x = torch.randn(1, 16, 5, 6)
    for number, factor in enumerate((2, 4, 8, 16)):
        enlarged = network.upscale[number](x)[..., factor:-factor, factor:-factor]
        expected = functional.interpolate(x, scale_factor=factor, mode="bilinear", align_corners=False)
        half = factor // 2
        torch.testing.assert_close(enlarged, expected[..., half:-half, half:-half], rtol=1e-4, atol=1e-5)
    assert centre_crop(torch.arange(7).view(1, 7), (1, 4)).tolist() == [[1, 2, 3, 4]]


@torch.no_grad()
def test_the_answer_fuses_four_sides_each_of_which_also_answers_alone(network):
    frames = torch.randn(2, 3, 37, 50)
    fused, sides = network(frames)
    assert fused.shape == (2, 1, 37, 50)
    assert [side.shape for side in sides] == [(2, 1, 37, 50)] * 4
    x, maps = frames, []
    for stage in network.stages:
        x = stage(x)
        maps.append(x)
    wide = [
        centre_crop(up(prep(features)), (37, 50))
        for up, prep, features in zip(network.upscale, network.side_prep, maps[1:], strict=True)
    ]
    torch.testing.assert_close(fused, network.fuse(torch.cat(wide, 1)))


def test_frames_are_blue_green_red_less_caffes_mean():
    image = torch.tensor([122.67892, 116.66877, 204.00699]).view(1, 3, 1, 1)
    torch.testing.assert_close(preprocess(image).flatten(), torch.tensor([100.0, 0.0, 0.0]), rtol=0, atol=1e-4)


def test_the_loss_weighs_each_class_by_the_others_share():
    logits, target = torch.randn(2, 1, 4, 5), torch.zeros(2, 1, 4, 5)
    target[0, 0, :2, :2], target[1, 0, :, 0] = 1, 1
    p = logits.sigmoid()
    expected = 0
    for k, share in enumerate((4 / 20, 4 / 20)):
        inside = target[k] > 0
        expected -= (1 - share) * p[k][inside].log().sum() + share * (1 - p[k][~inside]).log().sum()
    torch.testing.assert_close(balanced_cross_entropy(logits, target), expected / 2)


def test_biases_learn_twice_as_fast_and_the_last_layer_a_hundredth(network):
    groups = {group["name"]: group for group in parameter_groups(network, Descent(learning_rate=1.0))}
    rates = {name: groups[name]["lr"] for name in ("stages.0.0.weight", "stages.0.0.bias", "fuse.weight", "fuse.bias")}
    assert list(rates.values()) == pytest.approx([1, 2, 0.01, 0.02])
    assert groups["stages.0.0.bias"]["weight_decay"] == 0
    assert not any(name.startswith("upscale") for name in groups)
    assert len(groups) == 52 - 8
    parent = {group["name"]: group["lr"] for group in parameter_groups(network, Descent(learning_rate=1.0), sides=0.1)}
    changed = {name: rate for name, rate in parent.items() if rate != groups[name]["lr"]}
    assert changed == {f"score_dsn.{k}.{kind}": r for k in range(4) for kind, r in (("weight", 0.1), ("bias", 0.2))}


def test_the_parents_new_layers_start_small_and_its_sides_learn_at_a_tenth():
    torch.manual_seed(0)
    network = PARENT.build_network()
    for layer in (*network.side_prep, network.fuse):
        assert layer.weight.std().item() == pytest.approx(0.001, rel=0.3)
        assert layer.weight.mean().abs().item() < 5e-4
    assert torch.stack([layer.weight for layer in network.score_dsn]).std().item() == pytest.approx(0.001, rel=0.3)
    assert not any(layer.bias.any() for layer in (*network.side_prep, *network.score_dsn, network.fuse))
    assert network.upscale[0].weight.max() == 0.75**2
    rates = {group.name: group.learning_rate for group in PARENT.parameter_groups(network)}
    assert (rates["score_dsn.0.weight"], rates["score_dsn.3.bias"]) == pytest.approx((1e-9, 2e-9))
    assert (rates["stages.0.0.weight"], rates["fuse.weight"]) == pytest.approx((1e-8, 1e-10))


def _keys(t):
    """Return the bicubic kernel of a = -0.75 at distances t."""
    t = t.abs()
    near, far = 1.25 * t**3 - 2.25 * t**2 + 1, -0.75 * (t**3 - 5 * t**2 + 8 * t - 4)
    return torch.where(t <= 1, near, torch.where(t < 2, far, 0))


def test_frames_are_scaled_by_bicubic_samples_and_are_zero_beyond_their_border():
    frame, factor = torch.randn(1, 3, 20, 30), 0.8
    settings = Augmentation(flip=0, degrees=0, scale=(factor, factor))
    changed = augmented(Sample(frame, frame), settings, torch.Generator())
    rows, columns = (
        _keys((torch.arange(n) - (n - 1) / 2)[:, None] / factor + (n - 1) / 2 - torch.arange(n)) for n in (20, 30)
    )
    torch.testing.assert_close(changed.frames, rows @ frame @ columns.T, rtol=1e-3, atol=1e-4)
    assert not changed.frames[..., 0].any()


def test_frame_and_mask_move_together():
    mask = torch.zeros(1, 1, 60, 80)
    mask[..., 20:40, 10:30] = 1
    generator = torch.Generator().manual_seed(0)
    same = augmented(Sample(mask, mask), STILL, generator)
    torch.testing.assert_close(same.frames, mask, rtol=0, atol=1e-4)
    flipped = augmented(Sample(mask, mask), Augmentation(flip=1, degrees=0, scale=(1, 1)), generator)
    assert torch.equal(flipped.masks, mask.flip(3))
    for _ in range(5):
        moved = augmented(Sample(mask, mask), Augmentation(), generator)
        assert (moved.frames.round() - moved.masks).abs().mean() < 0.01
        assert 0.75**2 * 0.9 < moved.masks.sum() / mask.sum() < 1.25**2 * 1.1


def disc():
    image = np.full((40, 56, 3), (40, 130, 60), np.uint8)
    rows, columns = np.mgrid[:40, :56]
    mask = (rows - 20) ** 2 + (columns - 20) ** 2 < 100
    image[mask] = (200, 40, 30)
    return image, mask


def test_an_object_is_learned_within_the_budget_and_the_parent_stays_as_it_is():
    torch.manual_seed(0)
    budget = TuningBudget(steps=60, passes=1)
    method = OsvosMethod(
        OsvosConfig(budget=budget, descent=Descent(learning_rate=3e-6), augmentation=STILL), weights=UNTRAINED
    )
    before = {name: x.clone() for name, x in method.parent.state_dict().items()}
    image, mask = disc()
    method.initialize(image, Prompt(masks={1: mask}))
    found = method.step(image).labels == 1
    assert (found & mask).sum() / (found | mask).sum() > 0.7
    assert all(torch.equal(x, before[name]) for name, x in method.parent.state_dict().items())
    assert method.finish().startswith("fine-tuning, object 1: 60 steps in ")


def fused_by_tensors(tensors, frame):
    """The fused logits by functions over the tensors of a file."""
    size, x, wide = frame.shape[2:], frame, []
    for number in range(5):
        layers = sorted({int(name.split(".")[2]) for name in tensors if name.startswith(f"stages.{number}.")})
        x = functional.max_pool2d(x, 2, 2, ceil_mode=True) if number else x
        for layer in layers:
            name = f"stages.{number}.{layer}"
            x = functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1).relu()
        if number:
            name = f"side_prep.{number - 1}"
            side = functional.conv2d(x, tensors[f"{name}.weight"], tensors[f"{name}.bias"], padding=1)
            large = functional.conv_transpose2d(side, tensors[f"upscale.{number - 1}.weight"], stride=2**number)
            top, left = ((a - b) // 2 for a, b in zip(large.shape[2:], size, strict=True))
            wide.append(large[:, :, top : top + size[0], left : left + size[1]])
    return functional.conv2d(torch.cat(wide, 1), tensors["fuse.weight"], tensors["fuse.bias"])


def test_an_object_is_learned_and_found_as_by_the_port():
    """Two steps of two passes and the frame after them, by a reference of its own: forward, loss, descent, labels."""
    torch.manual_seed(0)
    descent = Descent(learning_rate=1e-6)
    config = OsvosConfig(budget=TuningBudget(steps=2, passes=2), descent=descent, augmentation=STILL)
    method = OsvosMethod(config, weights=UNTRAINED)
    image, mask = disc()
    start = {name: x.clone() for name, x in method.parent.state_dict().items()}
    method.initialize(image, Prompt(masks={1: mask}))
    answer = method.step(image)
    mean = torch.tensor([104.00699, 116.66877, 122.67892]).view(1, 3, 1, 1)
    frame = torch.from_numpy(image[..., ::-1].copy()).permute(2, 0, 1)[None].float() - mean
    target = torch.from_numpy(mask)[None, None].float()
    share = target.mean()
    tensors = {name: x.clone().requires_grad_(not name.startswith("upscale")) for name, x in start.items()}
    learned = {name: x for name, x in tensors.items() if x.requires_grad and not name.startswith("score_dsn")}
    speeds = dict.fromkeys(learned, 0.0)
    for _ in range(2):
        p = fused_by_tensors(tensors, frame).sigmoid()
        loss = -((1 - share) * p[target == 1].log().sum() + share * (1 - p[target == 0]).log().sum())
        slopes = torch.autograd.grad(loss, list(learned.values()))
        for (name, x), slope in zip(learned.items(), slopes, strict=True):
            bias = name.endswith("bias")
            speeds[name] = 0.9 * speeds[name] + slope + (0 if bias else 2e-4) * x.detach()
            rate = 1e-6 * (2 if bias else 1) * (0.01 if name.startswith("fuse") else 1)
            x.data -= rate * speeds[name]
    tuned = method._copies[0].state_dict()
    for name, x in learned.items():
        change = x.detach() - start[name]
        assert (tuned[name] - x).norm() < 1e-2 * change.norm()
    found = fused_by_tensors(tensors, frame).sigmoid()[0, 0].detach().numpy()
    np.testing.assert_allclose(answer.probabilities[1].astype(np.float32), found, rtol=2e-3, atol=1e-4)
    assert (answer.labels == (found > 0.5)).mean() > 0.99


def test_the_budget_counts_steps_passes_and_seconds():
    weight = torch.zeros((), requires_grad=True)
    calls = []

    def loss():
        calls.append(1)
        return (weight - 1).square()

    optimizer = torch.optim.SGD([weight], lr=0.1)
    device = torch.device("cpu")
    assert tune(loss, optimizer, TuningBudget(steps=0), device=device).steps == 0
    assert tune(loss, optimizer, TuningBudget(steps=3, passes=4), device=device).steps == 3
    assert len(calls) == 12
    assert weight.item() == pytest.approx(1 - 0.8**3)
    hurried = tune(loss, optimizer, TuningBudget(steps=10**6, seconds=0.05), device=device)
    assert hurried.steps < 10**6
    assert hurried.seconds >= 0.05
