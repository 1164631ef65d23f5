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
from vos_bench.methods.lwl.training_samples import JitterSettings, LwlTransform, brightened
from vos_bench.training.augmentation import Size, crop_window
from vos_bench.training.losses import lovasz
from vos_bench.training.sampling import MiniSequences, training_objects
from vos_bench.training.session import find_recipe, train
from vos_bench.training.validation import mean_losses

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
    (root / "youtubevos_jjvalid.txt").write_text("3d4e5f\n")
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
    return config.replace(**smaller)


@pytest.fixture(scope="module")
def roots(ytvos, davis, coco):
    return {"ytvos18": ytvos, "ytvos19": ytvos, "davis17": davis, "coco": coco}


READS = {
    "stage1": ("ytvos19", "davis17"),
    "stage2": ("ytvos19", "davis17"),
    "box": ("ytvos19", "coco"),
    "davis": ("davis17",),
    "ytvos-only": ("ytvos18",),
    "davis-only": ("davis17",),
}


def read_by(recipe, roots):
    """Only these: a root that the recipe does not read is refused."""
    return {name: roots[name] for name in READS[recipe]}


@pytest.mark.parametrize("recipe", READS)
def test_a_recipe_takes_two_steps_and_writes_weights_that_load(tmp_path, roots, recipe):
    result = train("lwl", recipe, out=tmp_path, root=read_by(recipe, roots), settings=(*NARROW, *SMALL), device="cpu")
    assert (result.record.status, result.record.step) == ("done", 2)
    assert result.weights is not None
    network = load_network(result.weights)
    assert network.config.target_channels == 16
    assert (network.box_encoder is not None) == (recipe == "box")


@pytest.mark.parametrize("recipe", ["stage1", "box"])
def test_a_recipe_takes_a_step_in_half_precision(tmp_path, roots, recipe):
    overrides = (*NARROW, *SMALL, "steps_per_epoch=1", "amp=bf16")
    result = train("lwl", recipe, out=tmp_path, root=read_by(recipe, roots), settings=overrides, device="cpu")
    assert (result.record.status, result.record.step) == ("done", 1)
    assert result.weights is not None
    parameters = load_network(result.weights).state_dict().values()
    assert all(x.isfinite().all() and x.dtype == torch.float32 for x in parameters if x.is_floating_point())


LEFT_OUT = {
    "stage1": {"ytvos19": ("3d4e5f",), "davis17": ()},
    "stage2": {"ytvos19": ("3d4e5f",), "davis17": ()},
    "box": {"ytvos19": ("3d4e5f",), "coco": ()},
    "ytvos-only": {"ytvos18": ()},
}


@pytest.mark.parametrize("recipe", LEFT_OUT)
def test_the_data_and_the_sequences_left_out_are_those_of_the_paper_and_the_released_settings(roots, recipe):
    chosen = find_recipe("lwl", recipe)
    opened = [registry.open_dataset(s.dataset, root=roots[s.dataset], split=s.split) for s in chosen.settings.data]
    pairs = list(zip(chosen.settings.data, opened, strict=True))
    assert {share.dataset: tuple(share.left_out(dataset)) for share, dataset in pairs} == LEFT_OUT[recipe]
    everything = chosen.configured(["data.0.leave_out=[]"])
    assert everything.settings.data[0].left_out(opened[0]) == frozenset()
    if "3d4e5f" in LEFT_OUT[recipe].get("ytvos19", ()):
        assert {chosen.held_out(opened).describe(number)["sequence"] for number in range(20)} == {"3d4e5f"}
        assert everything.held_out(opened) is None


def test_the_holdout_that_was_not_fetched_is_said_before_a_training_begins(tmp_path, roots, ytvos):
    bare = tmp_path / "ytvos"
    bare.mkdir()
    (bare / "train").symlink_to(ytvos / "train")
    with pytest.raises(BadInputError, match="vos-bench fetch ytvos19-holdout"):
        train(
            "lwl",
            "stage1",
            out=tmp_path / "out",
            root={**read_by("stage1", roots), "ytvos19": bare},
            settings=SMALL,
            device="cpu",
        )
    assert not (tmp_path / "out" / "training.json").exists()


def test_a_validation_is_neither_turned_nor_brightened_and_is_one_loss_of_a_batch(roots):
    overrides = (*NARROW, *SMALL, "batch_size=2", "crop.grey=0", "crop.flip=0")
    recipe = find_recipe("lwl", "stage1").configured(overrides)
    opened = [registry.open_dataset(s.dataset, root=roots[s.dataset], split=s.split) for s in recipe.settings.data]
    held_out = recipe.held_out(opened)
    still = LwlTransform(recipe.settings.crop.replace(affine=False, brightness=0.0))
    drawn = held_out.read(held_out.draw(rng := held_out._generator(0)))
    assert torch.equal(held_out[0]["images"], still(drawn, rng, held_out)["images"])
    assert held_out[0]["gains"].tolist() == [1, 1, 1, 1]
    assert len({float(gain) for gain in recipe.samples(opened)[0]["gains"]}) == 4

    torch.manual_seed(0)
    network = recipe.build_network().eval()
    with torch.no_grad():
        found = mean_losses(recipe, network, held_out, count=2, device=torch.device("cpu"))["loss"]
        batch = {name: torch.stack([held_out[n][name] for n in (0, 1)]) for name in held_out[0]}
        logits = network(brightened(batch), batch["masks"].float()[:, :1])
        target = batch["masks"].float()[:, 1:].transpose(0, 1)[:, :, None]
        alone = [100 * float(lovasz(logits[:, n].sigmoid(), target[:, n])) for n in (0, 1)]
    assert found == pytest.approx(100 * float(lovasz(logits.sigmoid(), target)), rel=1e-6)
    assert found != pytest.approx(sum(alone) / 2, rel=1e-5)


@pytest.mark.parametrize("recipe", ["stage1", "box"])
def test_brightness_changes_in_floats(roots, recipe, monkeypatch):
    chosen = find_recipe("lwl", recipe).configured((*NARROW, *SMALL))
    opened = [registry.open_dataset(s.dataset, root=roots[s.dataset], split=s.split) for s in chosen.settings.data]
    batch = {name: value[None] for name, value in chosen.samples(opened)[0].items()}
    network, seen = chosen.build_network(), []
    monkeypatch.setattr(network.network, "scale_images", lambda images: seen.append(images) or images / 255)
    chosen.loss(network, batch)
    frames = 4 if recipe == "stage1" else 1
    wanted = batch["images"][0, :frames].float() * batch["gains"][0, :frames, None, None, None]
    assert batch["images"].dtype == torch.uint8
    assert torch.equal(seen[0], wanted.clamp(0, 255))
    assert (seen[0] != seen[0].round()).float().mean() > 0.5


def test_objects_of_coco_have_their_own_boxes_and_may_be_of_any_size(coco, tmp_path):
    (tmp_path / "train2014").symlink_to(coco / "train2014")
    (tmp_path / "annotations").mkdir()
    content = json.loads((coco / "annotations" / "instances_train2014.json").read_text())
    content["annotations"][0]["bbox"] = [28.5, 29.25, 33.5, 42.0]
    speck = {"id": 6, "image_id": 1, "segmentation": [[5, 5, 7, 5, 7, 7, 5, 7]], "bbox": [4.5, 5, 2.5, 2.25]}
    flat = {"id": 7, "image_id": 1, "segmentation": [[5, 5, 7, 5, 7, 7, 5, 7]], "bbox": [4.5, 5, 2.5, 0]}
    content["annotations"] += [speck, flat]
    (tmp_path / "annotations" / "instances_train2014.json").write_text(json.dumps(content))
    dataset = registry.open_dataset("coco", root=tmp_path)
    recipe = find_recipe("lwl", "box").configured((*NARROW, *SMALL, "crop.flip=0"))
    objects = training_objects(dataset, recipe.settings.frames)
    assert [each.sequence.name for each in objects] == ["5", "6"]
    supply = MiniSequences([(1.0, objects[:1])], recipe.settings.frames, lambda given, *_: given, seed=0)
    given = supply[0]
    assert given.boxes == [(28.5, 29.25, 62.0, 71.25)] * 2
    calm = JitterSettings(scale=0, centre=(0, 0))
    settings = recipe.settings.crop.replace(train=calm, test=calm)
    box = LwlTransform(settings)(given, np.random.default_rng(0), supply)["boxes"]
    window = crop_window((28.5, 29.25, 33.5, 42.0), Size(96, 128), Size(64, 96), search_area=5.0)
    assert box.tolist() == pytest.approx(window.carry((28.5, 29.25, 33.5, 42.0), Size(64, 96)))


def test_sequences_left_out_are_validated_on(tmp_path, roots, davis):
    left_out = sorted(path.name for path in (davis / "JPEGImages" / "480p").iterdir())[0]
    data = f'data=[{{dataset="davis17", leave_out=["{left_out}"]}}]'
    overrides = (*NARROW, *SMALL, data, "validate_every=1", "validate_samples=2")
    result = train("lwl", "davis", out=tmp_path, root=read_by("davis", roots), settings=overrides, device="cpu")
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
        root=read_by("box", roots),
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
