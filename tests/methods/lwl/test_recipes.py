"""Every recipe of the paper starts on trees of the right layout, at a small size."""

import json

import cv2
import numpy as np
import pytest
import torch
from PIL import Image

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.methods.lwl.checkpoint import load_network, save_network
from vos_bench.methods.lwl.config import BOX_NETWORK, MASK_NETWORK, LwlConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.recipes import STAGE1, STAGE2
from vos_bench.training.session import find_recipe, train

NARROW = ("network.target_channels=16", "network.decoder_channels=8", "network.label_encoder_channels=[4, 8, 8]")
SMALL = ("batch_size=1", "epochs=1", "steps_per_epoch=2", "workers=0", "crop.height=64", "crop.width=96")


def draw_sequence(images, labels, *, step=1):
    """Twelve frames with two objects, one of which moves."""
    rng = np.random.default_rng(0)
    for folder in (images, labels):
        folder.mkdir(parents=True)
    for number in range(12):
        name = f"{number * step:05d}"
        cv2.imwrite(str(images / f"{name}.jpg"), rng.integers(0, 256, (96, 128, 3), dtype=np.uint8))
        drawn = np.zeros((96, 128), np.uint8)
        drawn[30:60, 20 + 4 * number : 50 + 4 * number] = 1
        drawn[70:90, 40:70] = 2
        picture = Image.fromarray(drawn)
        picture.putpalette([0, 0, 0, 128, 0, 0, 0, 128, 0] + [0] * 759)
        picture.save(labels / f"{name}.png")


@pytest.fixture(scope="module")
def ytvos(tmp_path_factory):
    """Two train sequences of YouTube-VOS, every fifth frame."""
    root = tmp_path_factory.mktemp("ytvos")
    objects = {str(k): {"category": "dog", "frames": [f"{5 * n:05d}" for n in range(12)]} for k in (1, 2)}
    for name in ("0a1b2c", "3d4e5f"):
        draw_sequence(root / "train" / "JPEGImages" / name, root / "train" / "Annotations" / name, step=5)
    meta = {"videos": {name: {"objects": objects} for name in ("0a1b2c", "3d4e5f")}}
    (root / "train" / "meta.json").write_text(json.dumps(meta))
    return root


@pytest.fixture(scope="module")
def davis(tmp_path_factory):
    """Two sequences in the layout of DAVIS 2017."""
    root = tmp_path_factory.mktemp("davis")
    for name in ("bear", "boat"):
        draw_sequence(root / "JPEGImages" / "480p" / name, root / "Annotations" / "480p" / name)
    lists = root / "ImageSets" / "2017"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("bear\nboat\n")
    return root


@pytest.fixture(scope="module")
def coco(tmp_path_factory):
    root = tmp_path_factory.mktemp("coco")
    (root / "train2014").mkdir()
    (root / "annotations").mkdir()
    cv2.imwrite(str(root / "train2014" / "a.jpg"), np.full((96, 128, 3), 90, np.uint8))
    square = [[30, 30, 60, 30, 60, 70, 30, 70]]
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 96, "width": 128}],
        "annotations": [{"id": 5, "image_id": 1, "iscrowd": 0, "segmentation": square}],
    }
    (root / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    return root


def narrow(config: LwlConfig) -> LwlConfig:
    smaller = {"target_channels": 16, "decoder_channels": 8, "label_encoder_channels": (4, 8, 8)}
    return config.model_copy(update=smaller)


@pytest.fixture(scope="module")
def roots(ytvos, davis, coco):
    return {"ytvos19": ytvos, "davis17": davis, "coco": coco}


@pytest.mark.parametrize("recipe", ["stage1", "stage2", "box", "davis", "ytvos-only", "davis-only"])
def test_a_recipe_takes_two_steps_and_writes_weights_that_load(tmp_path, roots, recipe):
    result = train("lwl", recipe, out=tmp_path, root=roots, settings=(*NARROW, *SMALL), device="cpu")
    assert (result.record.status, result.record.step) == ("done", 2)
    assert result.weights is not None
    network = load_network(result.weights)
    assert network.config.target_channels == 16
    assert (network.box_encoder is not None) == (recipe == "box")


@pytest.mark.parametrize("recipe", ["stage1", "box"])
def test_a_recipe_takes_a_step_in_half_precision(tmp_path, roots, recipe):
    overrides = (*NARROW, *SMALL, "steps_per_epoch=1", "amp=bf16")
    result = train("lwl", recipe, out=tmp_path, root=roots, settings=overrides, device="cpu")
    assert (result.record.status, result.record.step) == ("done", 1)
    assert result.weights is not None
    parameters = load_network(result.weights).state_dict().values()
    assert all(x.isfinite().all() and x.dtype == torch.float32 for x in parameters if x.is_floating_point())


def test_sequences_left_out_are_validated_on(tmp_path, roots, davis):
    left_out = sorted(path.name for path in (davis / "JPEGImages" / "480p").iterdir())[0]
    data = f'data=[{{dataset="davis17", leave_out=["{left_out}"]}}]'
    overrides = (*NARROW, *SMALL, data, "validate_every=1", "validate_samples=2")
    result = train("lwl", "davis", out=tmp_path, root=roots, settings=overrides, device="cpu")
    assert set(result.record.validation) == {"loss", "J"}
    assert 0 <= result.record.validation["J"] <= 1
    assert result.record.validation["loss"] > 0


def test_stage1_moves_everything_but_the_backbone():
    recipe = STAGE1.configured(NARROW)
    model = recipe.build_network()
    groups = {group.name for group in recipe.parameter_groups(model)}
    assert groups == {"target_extractor", "learner", "label_encoder", "decoder"}
    frozen = [p.requires_grad for n, p in model.named_parameters() if n.startswith("network.backbone")]
    assert frozen
    assert not any(frozen)


def test_stage2_keeps_stem_first_stage_and_statistics_fixed():
    recipe = STAGE2.configured(NARROW)
    model = recipe.build_network()
    recipe.parameter_groups(model)
    learning = {n.removeprefix("network.backbone.network.") for n, p in model.named_parameters() if p.requires_grad}
    assert not any(name.startswith(("conv1", "bn1", "layer1")) for name in learning)
    assert {"layer2.0.conv1.weight", "layer4.2.bn3.bias"} <= learning
    recipe.training_mode(model)
    assert not any(module.training for module in model.modules())


def test_the_box_recipe_starts_from_a_mask_network_and_moves_the_box_encoder_only(tmp_path, roots):
    start = tmp_path / "stage2.safetensors"
    torch.manual_seed(3)
    save_network(LwlNetwork(narrow(MASK_NETWORK)), start)
    result = train(
        "lwl",
        "box",
        out=tmp_path / "out",
        root=roots,
        weights=start,
        settings=(*NARROW, *SMALL),
        device="cpu",
    )
    assert result.weights is not None
    before, after = load_network(start).state_dict(), load_network(result.weights).state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before)
    fresh = LwlNetwork(narrow(BOX_NETWORK)).state_dict()
    assert {name for name in after if name not in before} == {n for n in fresh if n.startswith("box_encoder.")}


def test_a_backbone_in_torchvisions_names_is_taken(tmp_path):
    source = LwlNetwork(narrow(MASK_NETWORK)).backbone.network.state_dict()
    path = tmp_path / "resnet50.pth"
    torch.save({**source, "fc.weight": torch.zeros(2, 2), "fc.bias": torch.zeros(2)}, path)
    recipe = STAGE1.configured((*NARROW, f'weights={{backbone="{path}"}}'))
    filled = recipe.build_network().get_submodule("network.backbone.network").state_dict()
    assert all(torch.equal(filled[name], value) for name, value in source.items())
    torch.save({"conv1.weight": source["conv1.weight"]}, path)
    with pytest.raises(BadInputError, match="do not fit the network"):
        recipe.build_network()


def test_learning_rates_fall_at_the_milestones():
    factors = [STAGE2.schedule(1000 * epoch) for epoch in (0, 24, 25, 74, 75, 79)]
    assert factors == pytest.approx([1, 1, 0.2, 0.2, 0.04, 0.04])


def test_the_papers_numbers_are_the_defaults():
    settings = STAGE1.settings
    assert (settings.steps, STAGE2.settings.steps) == (70_000, 80_000)
    assert (settings.batch_size, settings.frames.test_frames, settings.frames.window) == (20, 3, 100)
    assert (settings.mini_sequence.first_iterations, settings.mini_sequence.update_iterations) == (5, 2)
    assert (settings.crop.height, settings.crop.width, settings.clip, settings.amp) == (480, 832, None, "off")


@pytest.mark.parametrize("name", ["davis", "ytvos-only", "davis-only"])
def test_recipes_that_nobody_published_say_what_is_assumed(name):
    assert "ssumed" in find_recipe("lwl", name).note


def test_every_recipe_of_the_description_exists():
    infos = registry.method("lwl").recipes
    assert {info.name for info in infos} == {"stage1", "stage2", "box", "davis", "ytvos-only", "davis-only"}
    assert all(find_recipe("lwl", info.name).name == info.name for info in infos)
