"""RANet gives what its authors' code was recorded to give, with the same made-up weights; its rules one by one.

The recording says where it is from in its README. The order of its ranking hangs on last bits: what is ranked is
compared, and then the recorded order fed to what follows.
"""

from collections import defaultdict
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np
import PIL.Image
import pytest
import torch
from torchvision.models.resnet import Bottleneck, ResNet

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.ranet.checkpoint import convert, load_network
from vos_bench.methods.ranet.frame_size import Box, Fit
from vos_bench.methods.ranet.method import RanetConfig, RanetMethod
from vos_bench.methods.ranet.network import (
    KEPT,
    RanetNetwork,
    cell_shares,
    correlate,
    kept_maps,
    rank_maps,
)
from vos_bench.parts.resnet import imagenet_scaled

VALUES, FLOAT16, MOST_PIXELS = 1e-4, 2e-3, 1e-3


@pytest.fixture(scope="module")
def recording(rest_recording):
    return rest_recording("ranet", "RANet")


def doubled(x: Any) -> Any:
    """The recording keeps frames at half their size."""
    return x.repeat(2, axis=1).repeat(2, axis=2)


def prompt(labels: Any, *, joined: bool) -> Prompt:
    return Prompt(masks={1: labels > 0} if joined else {int(k): labels == k for k in np.unique(labels) if k})


@contextmanager
def watched(network: RanetNetwork, *names: str):
    """Keep what modules give, by name."""
    seen: dict[str, list[Any]] = defaultdict(list)
    hooks = [
        network.get_submodule(name).register_forward_hook(
            lambda _module, _given, found, name=name: seen[name].append(found)
        )
        for name in names
    ]
    yield seen
    for hook in hooks:
        hook.remove()


def assert_close(found: Any, wanted: Any, tolerance: float = VALUES, name: str = "") -> None:
    wanted = wanted.astype(np.float32)
    scale = max(1.0, float(np.abs(wanted).max()))
    found = np.asarray(found).reshape(wanted.shape)
    np.testing.assert_allclose(found, wanted, rtol=0, atol=tolerance * scale, err_msg=name)


RUNS = (("single", "a-dogs", 0), ("single", "b-bmx", 1), ("multi", "a-dogs", 0))


@pytest.mark.parametrize(("mode", "sequence", "place"), RUNS)
def test_it_follows_its_authors_runs(recording, mode, sequence, place):
    data, name = recording.data, f"{mode}_{sequence}"
    frames, labels = doubled(data[f"{sequence}_rgb"]), doubled(data[f"{sequence}_labels_gt"])
    boxes = data[f"{mode}_boxes_in_call_order"].tolist()[place::4]
    method = RanetMethod(RanetConfig(mode=mode), weights=recording.weights)
    first = method.initialize(frames[0], prompt(labels[0], joined=mode == "single"))
    np.testing.assert_array_equal(first.labels, data[f"{name}_labels"][0])
    [group] = method._groups
    assert [*group.box] == boxes[0]
    assert_close(group.template[::16], data[f"{name}_key"])
    for t in range(1, len(frames)):
        with watched(method.network, "R3") as seen:
            found = method.step(frames[t]).labels
        different = np.count_nonzero(found != data[f"{name}_labels"][t])
        assert different <= (MOST_PIXELS * found.size if mode == "multi" else 0), t
        if different == 0 and t < len(boxes):
            assert [*group.box] == boxes[t], t
        step = 6 if t == 1 else 8
        if mode == "single":
            tolerance = VALUES if t == 1 else FLOAT16
            assert_close(seen["R3"][0].sigmoid()[:, 0, ::step, ::step], data[f"{name}_prob_crop_t{t}"], tolerance)


@torch.no_grad()
def test_each_module_gives_what_was_recorded(recording):
    data, network = recording.data, load_network(recording.weights)
    fit = Fit(480, 854)
    images = [fit.frame(image) for image in doubled(data["b-bmx_rgb"])[:2]]
    frames = imagenet_scaled(torch.from_numpy(np.stack(images)).permute(0, 3, 1, 2) / 255)
    mask = torch.from_numpy(fit.mask(doubled(data["b-bmx_labels_gt"])[0] > 0)).float()[None]
    features = network.base_model(frames[1:])
    steps = ((16, 12), (32, 8), (64, 4), (128, 2), (128, 1))
    for number, (x, (channels, pixels)) in enumerate(zip(features, steps, strict=True)):
        assert_close(x[0, ::channels, ::pixels, ::pixels], data[f"mod_b{number}"], name=f"b{number}")
    template = network.template(network.base_model(frames[:1]))[0]
    assert_close(template[::16], data["mod_key"])
    with watched(network, "L_g", "Ranking") as seen:
        correlations = correlate(network.embed(features)[0], template)
        target = cell_shares(mask)
        shares = torch.cat([(1 - target >= 0.9).float(), target])
        values = network.values_apart(correlations, shares)
    assert_close(seen["L_g"][0][0, ::32, ::2, ::2], data["mod_L_g"])
    sides = ("bg", "fg")
    for row, side in enumerate(sides):
        assert_close(seen["Ranking"][row], data[f"mod_learned_raw_{side}"])
        assert_close(values[row], data[f"mod_rank_value_{side}"])
    recorded = [torch.from_numpy(data[f"mod_rank_order_{side}"].astype(np.int64)) for side in sides]
    for row, (order, found) in enumerate(zip(recorded, rank_maps(values).flip(0)[:, 0] % 405, strict=True)):
        torch.testing.assert_close(values[row][order], values[row][found], rtol=0, atol=VALUES)
    order = torch.stack([405 + recorded[1], recorded[0]])[:, None]
    names = ("p_2", "ls15", "R1", "R2", "R3")
    with watched(network, *names) as seen:
        skips = network.skips(features)
        network.decode(kept_maps(correlations, shares, order), mask[None], skips)
    assert_close(seen["p_2"][0][0, ::16, ::4, ::4], data["mod_merge_fg"])
    assert_close(seen["p_2"][1][0, ::16, ::4, ::4], data["mod_merge_bg"])
    assert_close(seen["ls15"][0][0, ::4, ::4, ::4], data["mod_ls15"])
    assert_close(seen["R1"][0][0, ::16, ::8, ::8], data["mod_R1"])
    assert_close(seen["R2"][0][0, ::8, ::16, ::16], data["mod_R2"])
    assert_close(seen["R3"][0][0, 0, ::6, ::6], data["mod_R3_logit"])


def test_the_kept_maps_are_the_best_of_an_object_and_of_all_else():
    torch.manual_seed(0)
    correlations, shares = torch.rand(405, 30, 54), torch.rand(3, 405)
    values = torch.rand(3, 405)
    order = rank_maps(values)
    assert order.shape == (2, 2, KEPT)
    own = values[2].argsort(descending=True)[:KEPT]
    assert torch.equal(order[0, 1], own + 2 * 405)
    others = values[:2].flatten().argsort(descending=True)[:KEPT]
    assert torch.equal(order[1, 1], others)
    best = int(others[0])
    weighted = (correlations * shares[best // 405][:, None, None])[best % 405]
    assert torch.equal(kept_maps(correlations, shares, order)[1, 1, 0], weighted)


@pytest.mark.usefixtures("shallow")
@torch.no_grad()
def test_each_side_has_a_learned_score_of_its_own_or_all_share_one():
    torch.manual_seed(0)
    network = RanetNetwork()
    correlations, shares = torch.rand(405, 30, 54), torch.rand(2, 405)
    shares[0, :9] = 0

    def learned(maps):
        cells = torch.nn.functional.max_pool2d(maps[None], 2)[0].reshape(405, 405)
        return 0.2 * network.Ranking(cells.T.reshape(1, 405, 15, 27)).relu().flatten()

    for row, share in enumerate(shares):
        weighted = correlations * share[:, None, None]
        apart = weighted.flatten(1).amax(1) + learned(weighted) * (share > 0)
        torch.testing.assert_close(network.values_apart(correlations, shares)[row], apart)
        together = weighted.flatten(1).amax(1) + learned(correlations) * share
        torch.testing.assert_close(network.values_together(correlations, shares)[row], together)


@pytest.mark.parametrize(
    ("size", "inner", "corner"),
    [
        ((480, 854), (480, 854), (0, 5)),
        ((480, 864), (480, 864), (0, 0)),
        ((1080, 1920), (480, 854), (0, 5)),
        ((240, 427), (480, 854), (0, 5)),
        ((854, 480), (480, 270), (0, 297)),
        ((33, 47), (480, 684), (0, 90)),
    ],
)
def test_a_frame_of_any_size_lies_in_the_middle_and_comes_back(size, inner, corner):
    fit = Fit(*size)
    seen = fit.there >= 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    assert (rows.size, columns.size) == inner
    assert (rows[0], columns[0]) == corner
    assert fit.frame(np.full((*size, 3), 200, np.uint8))[seen].min() == 200
    assert not fit.frame(np.full((*size, 3), 200, np.uint8))[~seen].any()
    assert (fit.back.shape, fit.back.min() >= 0) == (size, True)
    upper = np.zeros(size, bool)
    upper[: size[0] // 2, size[1] // 3 :] = True
    assert (fit.mask(upper).ravel()[fit.back] == upper).mean() > 0.97


def test_a_large_frame_is_cut_from_the_enlarged_answer_as_in_the_authors_script():
    answer = np.random.default_rng(0).integers(0, 4, (480, 864)).astype(np.uint8)
    enlarged = PIL.Image.fromarray(answer).resize((1944, 1080), PIL.Image.Resampling.NEAREST)
    expected = np.asarray(enlarged.crop((12, 0, 1932, 1080)))
    np.testing.assert_array_equal(answer.ravel()[Fit(1080, 1920).back], expected)


def test_an_object_that_nearest_pixels_miss_keeps_one():
    fit, mask = Fit(1080, 1920), np.zeros((1080, 1920), bool)
    missing = np.setdiff1d(np.arange(mask.size), fit.there)
    for position in missing[:: missing.size // 50]:
        mask[:] = False
        mask.ravel()[position] = True
        found = fit.mask(mask)
        assert found.sum() == 1
        row, column = np.argwhere(found)[0]
        assert abs(row / 480 * 1080 - position // 1920) < 3
        assert abs((column - 5) / 854 * 1920 - position % 1920) < 3


def box_of(top, left, bottom, right):
    mask = np.zeros((1, 480, 864), bool)
    mask[:, top : bottom + 1, left : right + 1] = True
    return Box.around(mask)


def test_a_box_is_one_and_a_half_times_the_object_in_the_frames_shape():
    assert box_of(200, 300, 300, 320) == (175, 175, 325, 445)
    assert box_of(200, 300, 210, 480) == (130, 255, 280, 525)
    assert box_of(0, 0, 479, 863) == Box.whole()
    assert box_of(240, 400, 250, 405) == Box.whole()
    assert Box.around(np.zeros((2, 480, 864), bool)) == Box.whole()


@pytest.mark.usefixtures("shallow")
def test_modes_go_by_the_authors_names_of_files(tmp_path):
    path = tmp_path / "RANet_video_single.pth"
    torch.save(RanetNetwork().state_dict(), path)
    assert RanetMethod(weights=path)._mode == "single"
    out = tmp_path / "mine.safetensors"
    convert(path, out)
    assert RanetMethod(weights=out)._mode == "single"
    with pytest.raises(BadInputError, match=r"mine\.safetensors: found RANet's weights for the mode single"):
        RanetMethod(RanetConfig(mode="multi"), weights=out)
    assert RanetMethod(weights=UNTRAINED)._mode == "multi"


@pytest.fixture
def shallow(monkeypatch):
    """A trunk of few blocks, for what does not hang on its answers."""
    monkeypatch.setattr("vos_bench.methods.ranet.network.resnet101", partial(ResNet, Bottleneck, [1, 1, 1, 1]))


def square(left: int) -> Any:
    mask = np.zeros((120, 216), bool)
    mask[30:90, left : left + 40] = True
    return mask


@pytest.mark.usefixtures("shallow")
def test_the_trunk_runs_once_a_frame_for_objects_that_start_together():
    torch.manual_seed(0)
    method = RanetMethod(weights=UNTRAINED)
    image = np.random.default_rng(0).integers(0, 256, (120, 216, 3), dtype=np.uint8)
    with watched(method.network, "base_model") as seen:
        method.initialize(image, Prompt(masks={1: square(0), 2: square(60)}))
        method.step(image)
    assert [len(features[0]) for features in seen["base_model"]] == [1, 1]


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("mode", ["single", "multi"])
def test_frames_of_1080p_are_answered_at_their_own_size(mode, require_1080p):
    torch.manual_seed(0)
    require_1080p(RanetMethod(RanetConfig(mode=mode), weights=UNTRAINED))


@pytest.mark.usefixtures("shallow")
@pytest.mark.parametrize("mode", ["single", "multi"])
def test_late_objects_have_a_template_of_their_own(mode):
    torch.manual_seed(0)
    method = RanetMethod(RanetConfig(mode=mode), weights=UNTRAINED)
    images = np.random.default_rng(0).integers(0, 256, (3, 120, 216, 3), dtype=np.uint8)
    method.initialize(images[0], Prompt(masks={1: square(0)}))
    template = method._groups[0].template
    labels = method.step(images[1], Prompt(masks={2: square(60), 3: square(120)})).labels
    np.testing.assert_array_equal(labels == 2, square(60))
    np.testing.assert_array_equal(labels == 3, square(120))
    groups = method._groups
    assert [group.objects for group in groups] == (
        [slice(0, 1), slice(1, 2), slice(2, 3)] if mode == "single" else [slice(0, 1), slice(1, 3)]
    )
    assert torch.equal(groups[0].template, template)
    assert len(groups[1].shares) == (2 if mode == "single" else 3)
    with watched(method.network, "base_model") as seen:
        method.step(images[2])
    assert [len(features[0]) for features in seen["base_model"]] == [len(groups)]
