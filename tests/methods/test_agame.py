"""A-GAME gives what its authors' code was recorded to give, with the same made-up weights; its rules one by one.

The recording says where it is from in its README; the tolerances are narrower than those of that page.
"""

import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torchvision.models.resnet import Bottleneck, ResNet

from vos_bench.api import UNTRAINED, Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.agame.appearance import AppearanceModel, Mixture
from vos_bench.methods.agame.checkpoint import load_network
from vos_bench.methods.agame.method import AgameConfig, AgameMethod
from vos_bench.methods.agame.network import AgameNetwork, pooled
from vos_bench.parts.resnet import imagenet_scaled

COARSE, STATE, FLOAT16 = 1e-3, 1e-5, 2e-3
"""Of scores, of Gaussians and pooled masks, and of what was recorded in half precision."""


@pytest.fixture(scope="module")
def recording(rest_recording):
    return rest_recording("agame", "AGAME", inside="net")


@pytest.fixture(scope="module")
def weights(recording):
    return recording.weights


def prompt(labels: Any, *ids: int) -> Prompt:
    return Prompt(masks={int(k): labels == k for k in np.unique(labels) if k and (not ids or k in ids)})


def play(method: AgameMethod, frames: Any, given: dict[int, Prompt]) -> tuple[list[Any], list[Tensor], list[Tensor]]:
    """Return the predictions, and for the frames after the first one coarse scores and own probabilities, K x ..."""
    coarse: list[Tensor] = []
    own: list[Tensor] = []
    network = method.network
    hooks = [
        network.fusmod.register_forward_hook(lambda module, _, found: coarse.append(module.predictor(found))),
        network.segmod.register_forward_hook(lambda _module, _, found: own.append(found.softmax(dim=1)[:, 1])),
    ]
    predictions = [method.initialize(frames[0], given[0])]
    predictions += [method.step(frame, given.get(t)) for t, frame in enumerate(frames[1:], start=1)]
    for hook in hooks:
        hook.remove()
    return predictions, coarse, own


def assert_close(found: Any, wanted: Any, tolerance: float, name: str = "") -> None:
    wanted = wanted.astype(np.float32)
    scale = max(1.0, float(np.abs(wanted).max()))
    np.testing.assert_allclose(
        np.asarray(found).reshape(wanted.shape), wanted, rtol=0, atol=tolerance * scale, err_msg=name
    )


RUNS = {
    "multi": (AgameConfig(), "dogs", 6, {0: ()}),
    "late": (AgameConfig(), "dogs", 5, {0: (1, 3), 2: (2,)}),
    "single": (AgameConfig(update="own"), "bmx", 4, {0: ()}),
}


@pytest.mark.parametrize("run", RUNS)
def test_it_follows_its_authors_runs(recording, weights, run):
    config, sequence, frames, starts = RUNS[run]
    data = recording.data
    method = AgameMethod(config, weights=weights)
    labels = data[f"{sequence}_labels_gt"]
    given = {t: prompt(labels[t], *ids) for t, ids in starts.items()}
    predictions, coarse, own = play(method, data[f"{sequence}_rgb"][:frames], given)
    for t, prediction in enumerate(predictions):
        np.testing.assert_array_equal(prediction.labels, data[f"{run}_labels"][t], err_msg=f"frame {t}")
    order = method._objects.ids
    compared = 0
    for name in (name for name in data.files if name.startswith((f"{run}_coarse", f"{run}_prob_own"))):
        *_, time, target = name.split("_")
        frame, plane = int(time[1:]) - 1, order.index(int(target[3:]))
        if "coarse" in name:
            assert_close(coarse[frame][plane], data[name], COARSE, name)
        else:
            assert_close(own[frame][plane, ::2, ::2], data[name], FLOAT16, name)
        compared += 1
    assert compared >= 4
    tracks = method._tracks
    assert tracks is not None
    for plane, k in enumerate(order):
        assert_close(tracks.appearance.means[plane], data[f"{run}_final_means_obj{k}"], STATE)
        assert_close(tracks.appearance.variances[plane], data[f"{run}_final_covs_obj{k}"], 6e-5)
        assert_close(tracks.previous[plane], data[f"{run}_final_prev_seg_obj{k}"], STATE)


@torch.no_grad()
def test_each_module_gives_what_was_recorded(recording, weights):
    data, network = recording.data, load_network(weights)
    frames = imagenet_scaled(torch.from_numpy(data["bmx_rgb"]).permute(0, 3, 1, 2) / 255)
    mask = torch.from_numpy(data["bmx_labels_gt"][0] == 1).float()
    first_mask = pooled(torch.stack([1 - mask, mask])[None])
    assert_close(first_mask, data["mod_given_seg_s16"], STATE)
    start, features = network.backbone(frames[:1]), network.backbone(frames[1:2])
    assert_close(start.stride16[0, ::64], data["mod_s16"], COARSE)
    assert_close(start.stride8[0, ::32, ::2, ::2], data["mod_s8"], COARSE)
    assert_close(start.stride4[0, ::32, ::3, ::3], data["mod_s4"], COARSE)
    described = network.appmod(start.stride16)
    assert_close(described[0, ::16], data["mod_conv_in"], COARSE)
    mixture = network.appmod.fit(described, first_mask)
    assert_close(mixture.means, data["mod_init_means"], STATE)
    assert_close(mixture.variances, data["mod_init_covs"], STATE)
    described = network.appmod(features.stride16)
    scores = mixture.scores(described)
    assert_close(scores, data["mod_scores"], COARSE)
    propagated = network.dynmod(features.stride16, start.stride16, first_mask, first_mask)
    assert_close(propagated[0, ::16], data["mod_dyn"], COARSE)
    fused = network.fusmod(scores, propagated)
    assert_close(fused[0, ::4], data["mod_fused"], COARSE)
    assert_close(network.fusmod.predictor(fused), data["mod_coarse"], COARSE)
    fine = network.segmod(fused, *network.segmod.project(features))
    assert_close(fine[0, :, ::2, ::2], data["mod_segscore"], COARSE)
    update = pooled(fine.softmax(dim=1))
    assert_close(update, data["mod_update_seg"], STATE)
    moved = mixture.moved(network.appmod.fit(described, update), 0.1)
    assert_close(moved.means, data["mod_updated_means"], STATE)
    assert_close(moved.variances, data["mod_updated_covs"], STATE)


@torch.no_grad()
def test_gaussians_are_those_of_the_weighted_cells():
    torch.manual_seed(0)
    model = AppearanceModel(8, 4)
    features, target = torch.randn(1, 4, 5, 6), torch.rand(5, 6)
    masks = torch.stack([1 - target, target])[None]
    mixture = model.fit(features, masks)
    floor = float(np.log1p(np.exp(-2.0)))
    own = []
    for i in range(2):
        weight = masks[0, i] / (1 / 30 + masks[0, i].mean()) / 30
        mean = (features[0] * weight).sum(dim=(1, 2))
        variance = floor + ((features[0] - mean[:, None, None]).square() * weight).sum(dim=(1, 2))
        torch.testing.assert_close(mixture.means[0, i, :, 0, 0], mean)
        torch.testing.assert_close(mixture.variances[0, i, :, 0, 0], variance)
        normal = torch.distributions.Normal(mean[:, None, None], variance.sqrt()[:, None, None])
        own.append(normal.log_prob(features[0]).sum(0) + 2 * np.log(2 * np.pi))
    torch.testing.assert_close(mixture.scores(features)[0, :2], torch.stack(own), rtol=1e-4, atol=1e-4)
    wrong = functional.relu(torch.stack(own).softmax(0) - masks[0])
    again = model.fit(features, wrong[None])
    torch.testing.assert_close(mixture.means[:, 2:], again.means[:, :2], rtol=1e-3, atol=1e-4)


def test_a_mixture_moves_by_the_rate():
    mixture = Mixture(torch.zeros(1, 4, 2, 1, 1), torch.ones(1, 4, 2, 1, 1))
    moved = mixture.moved(Mixture(torch.ones(1, 4, 2, 1, 1), torch.full((1, 4, 2, 1, 1), 3.0)), 0.1)
    torch.testing.assert_close(moved.means, torch.full((1, 4, 2, 1, 1), 0.1))
    torch.testing.assert_close(moved.variances, torch.full((1, 4, 2, 1, 1), 1.2))


def square(left: int, size: tuple[int, int] = (64, 96)) -> Any:
    mask = np.zeros(size, bool)
    mask[16:48, left : left + 32] = True
    return mask


def test_the_trunk_runs_once_a_frame_whatever_the_objects():
    torch.manual_seed(0)
    method = AgameMethod(weights=UNTRAINED)
    calls = []
    method.network.backbone.register_forward_hook(lambda *_: calls.append(1))
    image = np.random.default_rng(0).integers(0, 256, (64, 96, 3), dtype=np.uint8)
    method.initialize(image, Prompt(masks={1: square(0), 2: square(32)}))
    method.step(image, Prompt(masks={3: square(64)}))
    method.step(image)
    assert len(calls) == 3


def test_an_object_that_starts_later_is_looked_for_on_its_first_frame():
    """As the authors' code does: there the network's word counts, for the answer as for what is remembered."""
    torch.manual_seed(0)
    method = AgameMethod(weights=UNTRAINED)
    images = np.random.default_rng(0).integers(0, 256, (3, 64, 96, 3), dtype=np.uint8)
    first = method.initialize(images[0], Prompt(masks={1: square(0)}))
    np.testing.assert_array_equal(first.labels, square(0))
    given = Prompt(masks={2: square(64)})
    late = method.step(images[1], given).labels
    assert not np.array_equal(late == 2, square(64))
    tracks = method._tracks
    assert tracks is not None
    assert tracks.start_of == [0, 1]
    assert torch.equal(tracks.first[1, 1], torch.from_numpy(square(64)[::16, ::16]).float())
    assert not torch.equal(tracks.previous[1], tracks.first[1])


def test_frames_of_1080p_are_answered_at_their_own_size(monkeypatch, require_1080p):
    def shallow(*, weights: None, replace_stride_with_dilation: list[bool]) -> ResNet:
        assert weights is None
        return ResNet(Bottleneck, [1, 1, 1, 1], replace_stride_with_dilation=replace_stride_with_dilation)

    monkeypatch.setattr("vos_bench.methods.agame.network.resnet101", shallow)
    torch.manual_seed(0)
    require_1080p(AgameMethod(weights=UNTRAINED))


def test_the_frames_are_not_counted_in_chunks():
    """A late object on the 129th frame is as on any other; the authors' script would answer with its mask alone."""
    torch.manual_seed(0)
    method = AgameMethod(weights=UNTRAINED)
    image = np.random.default_rng(0).integers(0, 256, (16, 16, 3), dtype=np.uint8)
    masks = {k: np.zeros((16, 16), bool) for k in (1, 2)}
    masks[1][:, :8], masks[2][:, 8:] = True, True
    method.initialize(image, Prompt(masks={1: masks[1]}))
    for _ in range(127):
        method.step(image)
    method.step(image, Prompt(masks={2: masks[2]}))
    assert method._objects.ids == [1, 2]


def test_the_coarse_predictor_of_the_class_default_is_refused_by_name(tmp_path):
    tensors = {f"trackseg.{name}": x for name, x in AgameNetwork().state_dict().items()}
    tensors["trackseg.fusmod.predictor.layer00.conv.weight"] = torch.zeros(2, 128, 3, 3)
    path = tmp_path / "other.pth.tar"
    torch.save({"net": tensors}, path)
    with pytest.raises(BadInputError, match=r"other\.pth\.tar: found the variant of A-GAME with a coarse predictor of"):
        load_network(path)


class AverageMeter:
    """As the authors' training keeps its statistics; it lies in the checkpoint beside the network."""

    def __init__(self) -> None:
        self.history = [0.5]


def test_a_checkpoint_with_statistics_of_a_class_of_their_own_is_read(tmp_path, monkeypatch):
    module = ModuleType("utils")
    module.AverageMeter = AverageMeter  # type: ignore[attr-defined]
    monkeypatch.setattr(AverageMeter, "__module__", "utils")
    monkeypatch.setitem(sys.modules, "utils", module)
    network = AgameNetwork()
    tensors = {f"trackseg.{name}": x for name, x in network.state_dict().items()}
    path = tmp_path / "run_beta_best.pth.tar"
    torch.save(
        {"net": tensors, "epoch": 9, "net_type": "AGAME", "stats": {"val": AverageMeter()}, "use_gpu": True}, path
    )
    monkeypatch.undo()
    loaded = load_network(path)
    assert torch.equal(loaded.appmod.cov_reg, network.appmod.cov_reg)
