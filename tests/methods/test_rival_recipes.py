"""The recipes of STM, OSVOS and A-GAME start on small trees of the right layout and give files that load."""

import json

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.models import resnet18, resnet50, vgg16

from vos_bench import registry
from vos_bench.errors import BadInputError
from vos_bench.methods.agame.checkpoint import OFFICIAL as AGAME
from vos_bench.methods.osvos.checkpoint import OFFICIAL as OSVOS
from vos_bench.methods.osvos.recipes import PARENT
from vos_bench.methods.stm.checkpoint import OFFICIAL as STM
from vos_bench.methods.stm.network import StmNetwork
from vos_bench.methods.stm.recipes import DAVIS, STATIC, YTVOS
from vos_bench.methods.stm.training import ClipRunner
from vos_bench.training.clips import CameraSettings, CameraTransform, SkipRule, StillRule
from vos_bench.training.sampling import MiniSequence
from vos_bench.training.session import find_recipe, train

SMALL = ("epochs=1", "steps_per_epoch=2", "workers=0", "batch_size=1")


def draw_frames(images, labels, names):
    for folder in (images, labels):
        folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for number, name in enumerate(names):
        Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8)).save(images / f"{name}.jpg")
        drawn = np.zeros((48, 64), np.uint8)
        drawn[10:30, 10 + number : 40 + number] = 1
        picture = Image.fromarray(drawn)
        picture.putpalette([0, 0, 0, 128, 0, 0] + [0] * 762)
        picture.save(labels / f"{name}.png")


@pytest.fixture(scope="module")
def roots(tmp_path_factory):
    """Miniature trees of DAVIS 2016 and 2017, YouTube-VOS and COCO."""
    davis, ytvos, coco = (tmp_path_factory.mktemp(name) for name in ("davis", "ytvos", "coco"))
    names = [f"{n:05d}" for n in range(8)]
    draw_frames(davis / "JPEGImages" / "480p" / "bear", davis / "Annotations" / "480p" / "bear", names)
    for year in ("2016", "2017"):
        (davis / "ImageSets" / year).mkdir(parents=True)
        (davis / "ImageSets" / year / "train.txt").write_text("bear\n")
    draw_frames(ytvos / "train" / "JPEGImages" / "0a1b", ytvos / "train" / "Annotations" / "0a1b", names)
    meta = {"videos": {"0a1b": {"objects": {"1": {"category": "dog", "frames": names}}}}}
    (ytvos / "train" / "meta.json").write_text(json.dumps(meta))
    (coco / "train2017").mkdir()
    (coco / "annotations").mkdir()
    Image.new("RGB", (64, 48), (90, 60, 30)).save(coco / "train2017" / "a.jpg")
    content = {
        "images": [{"id": 1, "file_name": "a.jpg", "height": 48, "width": 64}],
        "annotations": [{"id": 5, "image_id": 1, "iscrowd": 0, "segmentation": [[10, 10, 40, 10, 40, 30, 10, 30]]}],
    }
    (coco / "annotations" / "instances_train2017.json").write_text(json.dumps(content))
    return {"davis16": davis, "davis17": davis, "ytvos18": ytvos, "coco": coco}


@pytest.mark.parametrize(
    ("method", "recipe", "read", "overrides", "official"),
    [
        ("stm", "static", ["coco"], ("camera.side=32",), STM),
        ("stm", "davis", ["ytvos18", "davis17"], ("camera.side=32",), STM),
        ("agame", "alpha", ["davis17", "ytvos18"], ("height=32", "width=48", "batch_size=2"), AGAME),
        ("agame", "davis-beta", ["davis17"], ("height=32", "width=48", "frames.test_frames=3"), AGAME),
        ("osvos", "parent", ["davis16"], ("height=40", "width=56", "batch_size=2"), OSVOS),
    ],
)
def test_a_recipe_trains_and_its_weights_run(tmp_path, roots, method, recipe, read, overrides, official):
    given = {name: roots[name] for name in read}
    result = train(method, recipe, out=tmp_path, root=given, settings=(*SMALL, *overrides), device="cpu")
    assert result.record.step == 2
    assert "ssumed" in result.record.note
    assert result.weights is not None
    official.load(result.weights)
    registry.resolve(registry.method(method).factory)(weights=result.weights)


def test_every_recipe_of_the_descriptions_exists():
    agame = {"alpha", "beta", "davis-alpha", "davis-beta"}
    for method, names in (("stm", {"static", "ytvos", "davis"}), ("osvos", {"parent"}), ("agame", agame)):
        infos = registry.method(method).recipes
        assert {info.name for info in infos} == names
        assert all(find_recipe(method, name).name == name for name in names)


def test_the_published_numbers_are_the_defaults():
    for recipe in (STATIC, YTVOS, DAVIS):
        settings = recipe.settings
        assert (settings.batch_size, settings.camera.side, settings.frames.test_frames) == (4, 384, 2)
        assert settings.learning_rates == {"network": 1e-5}
    assert YTVOS.settings.frames.samples == 20 * YTVOS.settings.steps_per_epoch * 4
    parent = PARENT.settings
    assert (parent.epochs, parent.batch_size, parent.steps_per_epoch) == (240, 10, 208)
    assert parent.learning_rates == {"network": 1e-8}


def test_batch_normalisation_is_fixed_and_all_else_learns():
    model = ClipRunner(StmNetwork())
    [group] = STATIC.parameter_groups(model)
    fixed = {name for name, parameter in model.named_parameters() if not parameter.requires_grad}
    assert len(group.parameters) + len(fixed) == len(list(model.parameters()))
    assert all("bn" in name or "downsample.1" in name for name in fixed)
    assert "network.Encoder_M.conv1_m.weight" not in fixed
    STATIC.training_mode(model)
    assert not any(part.training for part in model.modules())


def test_both_trunks_and_the_stages_start_from_torchvisions_names(tmp_path):
    trunk, stages = resnet50(weights=None), vgg16(weights=None, init_weights=False).features.float()
    torch.save(trunk.state_dict(), tmp_path / "resnet50.pth")
    torch.save({f"features.{name}": x for name, x in stages.state_dict().items()}, tmp_path / "vgg16.pth")
    torch.save(resnet18(weights=None).state_dict(), tmp_path / "resnet18.pth")
    start = (
        STATIC.configured((f'weights={{backbone="{tmp_path / "resnet50.pth"}"}}',))
        .build_network()
        .get_submodule("network")
    )
    for encoder in (start.Encoder_M, start.Encoder_Q):
        assert torch.equal(encoder.res4[0].conv1.weight, trunk.layer3[0].conv1.weight)
    parent = PARENT.configured((f'weights={{backbone="{tmp_path / "vgg16.pth"}"}}',)).build_network()
    assert torch.equal(parent.stages[4][5].bias, stages[28].bias)
    for recipe, other in ((STATIC, "vgg16.pth"), (STATIC, "resnet18.pth"), (PARENT, "resnet50.pth")):
        with pytest.raises(BadInputError, match="weights of another network"):
            recipe.configured((f'weights={{backbone="{tmp_path / other}"}}',)).build_network()


def test_gaps_grow_with_the_number_of_samples_and_frames_stay_in_order():
    rule, rng, visible = SkipRule(growth=5, samples=10, most=25), np.random.default_rng(0), np.ones(200, bool)
    largest = []
    for stage in range(7):
        drawn = np.array([rule.draw(visible, rng, 10 * stage + 9) for _ in range(200)])
        gaps = np.diff(drawn)
        assert gaps.min() >= 1
        largest.append(gaps.max() - 1)
    assert largest == [0, 5, 10, 15, 20, 25, 25]
    assert rule.draw(np.ones(1, bool), rng, 0) == (0, 0, 0)
    assert rule.draw(np.ones(3, bool), rng, 99) == (0, 1, 2)


def test_a_single_frame_is_one_on_which_the_object_is_visible():
    rng, visible = np.random.default_rng(0), np.array([False, True, False, True])
    assert {StillRule().draw(visible, rng, 0) for _ in range(30)} == {(1,), (3,)}


def test_a_camera_that_stands_still_cuts_a_square_and_moves_masks_with_frames():
    still = CameraSettings(side=32, zoom=0, shift=0, degrees=0, shear=0, brightness=0)
    mask = np.zeros((60, 90), bool)
    mask[20:45, 30:60] = True
    image = np.where(mask[..., None], 200, 20).astype(np.uint8).repeat(3, 2)
    batch = CameraTransform(still)(MiniSequence([image] * 3, [mask] * 3), np.random.default_rng(0), None)
    assert (batch["images"].shape, batch["masks"].shape) == ((3, 3, 32, 32), (3, 32, 32))
    assert torch.equal(batch["images"][0], batch["images"][2])
    shaky = CameraTransform(CameraSettings(side=32, bend=0.05, brightness=0))
    for seed in range(5):
        batch = shaky(MiniSequence([image] * 3, [mask] * 3), np.random.default_rng(seed), None)
        assert batch["masks"].any()
        assert ((batch["images"][:, 0] > 110) == batch["masks"]).float().mean() > 0.9
        assert not torch.equal(batch["images"][0], batch["images"][1])


def test_soft_aggregation_with_one_object_doubles_its_logit():
    torch.manual_seed(0)
    runner = ClipRunner(StmNetwork().eval())
    images, masks = torch.randint(0, 256, (1, 3, 3, 32, 32)).float(), torch.zeros(1, 1, 32, 32)
    masks[..., 8:20, 8:20] = 1
    with torch.no_grad():
        logits = runner(images, masks)
        network, frames = runner.network, images[0] / 255
        memory = network.memorise(frames[:1], network.encode_query(frames[:1]), masks, 0 * masks)
        probability = network.segment(network.encode_query(frames[1:2]), memory)
    torch.testing.assert_close(logits[0, 0], 2 * probability.logit(), rtol=1e-3, atol=1e-3)
    assert logits.shape == (2, 1, 1, 32, 32)


def test_side_losses_fade_with_the_epochs():
    torch.manual_seed(0)
    recipe = PARENT.configured(("epochs=10",))
    network = recipe.build_network()
    batch = {"images": torch.randn(1, 3, 32, 32), "masks": torch.rand(1, 1, 32, 32) > 0.5}
    first, middle, end = (recipe.loss(network, {**batch, "epoch": torch.tensor([e])}) for e in (0.0, 5.0, 10.0))
    assert end.total.item() == pytest.approx(end.parts["fused"].item())
    sides = [losses.total - losses.parts["fused"] for losses in (first, middle)]
    assert (sides[1] / sides[0]).item() == pytest.approx(0.5)
