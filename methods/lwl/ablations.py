"""What LWL is ablated by: the paper's table 1 and further axes, at two scales. Data only; nothing here loads torch."""

from collections.abc import Iterable
from dataclasses import dataclass

from vos_bench.ablation.plan import EVALUATED, AblationPlan, Axis, Variant, VariantTraining

from .config import BASELINE, END_TO_END, LABEL_GENERATOR, MASK_NETWORK, LwlConfig

_ASSUMED = (
    "assumed, for the paper does not say more: the reduction before the target model keeps its random initialisation, "
    "and so does the learner's own parameter, which nothing else reaches"
)

_STEPS = (
    ("baseline", "Baseline", BASELINE, _ASSUMED),
    ("end-to-end", "+End-to-end", END_TO_END, ""),
    ("label-generator", "+Label Generator", LABEL_GENERATOR, ""),
    ("weight-predictor", "+Weight Predictor", MASK_NETWORK, ""),
)
"""Value, the paper's name, the network, and what is assumed; the last step is the whole method."""


def _overrides(network: LwlConfig) -> tuple[str, ...]:
    """Return the settings of a recipe in which a network differs from that of the whole method."""
    whole = MASK_NETWORK.model_dump()
    changed = {name: value for name, value in network.model_dump().items() if value != whole[name]}
    return tuple(f"network.{name}={str(value).lower()}" for name, value in changed.items())


_NO_UPDATES = "update_iterations=0"


@dataclass(frozen=True)
class _Scale:
    """What all trainings of one recipe and their runs have in common.

    Attributes:
        common: Settings of every training, after the variant's own.
        settings: Settings of every run with weights that were trained here.
        assumed: What is assumed of every training.
    """

    recipe: str
    common: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    assumed: str = ""

    def trained(self, value: str, *overrides: str, label: str = "", note: str = "", own_start: bool = False) -> Variant:
        """Return a variant with a training of its own; without `overrides` it is the whole method."""
        training = VariantTraining(recipe=self.recipe, overrides=(*overrides, *self.common), own_start=own_start)
        notes = "; ".join(filter(None, (note, self.assumed)))
        return Variant(value=value, label=label, training=training, settings=self.settings, note=notes)

    def table1(self) -> Axis:
        """Return the paper's table 1."""
        return Axis(
            name="table1",
            summary="The parts of LWL, one after the other: table 1 of the paper.",
            variants=tuple(
                self.trained(value, *_overrides(network), label=label, note=note)
                for value, label, network, note in _STEPS
            ),
            seeds=(0, 1, 2),
        )

    def sizes(self) -> Iterable[Axis]:
        """Return the axes D and K."""
        yield Axis(
            name="label-channels",
            summary="D, the channels of the learned labels.",
            variants=(
                self.trained("1", "network.label_channels=1"),
                self.trained("4", "network.label_channels=4"),
                self.trained("16"),
            ),
        )
        yield Axis(
            name="filter-size",
            summary="K, the side of the target model's kernels.",
            variants=(
                self.trained("1", "network.filter_size=1"),
                self.trained("3"),
                self.trained("5", "network.filter_size=5"),
            ),
        )

    def online_update(self, *, default: str) -> Axis:
        """Return the axis of what decodes a frame in training: the first target model, or the updated one."""
        notes = {
            "released": "a training frame is decoded with the first frame's target model, as the authors' code does",
            "paper": "a training frame is decoded with the target model that the frames before it updated",
        }
        return Axis(
            name="online-update",
            summary="Which target model decodes a training frame: as the authors released, or as the paper says.",
            variants=tuple(
                self.trained(value, *(() if value == default else (f"mini_sequence.online_update={value}",)), note=note)
                for value, note in notes.items()
            ),
        )


def _given(value: str, *settings: str, note: str = "") -> Variant:
    """Return a variant that runs with weights that are there already; without `settings` it is the default."""
    return Variant(value=value, settings=settings, note=note)


def _without_training(*, iterations: int, memory: int, updates: str) -> Iterable[Axis]:
    """Return the axes of the tracker, of which the defaults are named here."""
    nothing = _given("0", "first_iterations=0", _NO_UPDATES, note="no learner at all: no updates either")
    yield Axis(
        name="iterations",
        summary="Learner iterations on the first frame.",
        variants=(
            nothing,
            *(_given(str(n), *(() if n == iterations else (f"first_iterations={n}",))) for n in (1, 5, 20)),
        ),
    )
    yield Axis(
        name="memory",
        summary="Samples in memory, the first frame's among them.",
        variants=tuple(_given(str(n), *(() if n == memory else (f"memory_size={n}",))) for n in (1, 8, 32)),
    )
    yield Axis(
        name="crop-rule",
        summary="How the tracker crops: as in the code of the published numbers, or in the authors' code since.",
        variants=(_given("release"), _given("head", "crop_rule=head")),
    )
    yield Axis(
        name="updates",
        summary="Whether the target model follows its object after the first frame.",
        variants=(_given("none", _NO_UPDATES), _given(updates)),
    )


def _lite_backbones(scale: _Scale) -> Axis:
    return Axis(
        name="backbone",
        summary="Where the backbone, EfficientNet-Lite0, starts and what of it is trained.",
        variants=(
            scale.trained("imagenet-frozen", note="EfficientNet-Lite0, ImageNet weights, fixed"),
            scale.trained(
                "imagenet-last-stages",
                "learning_rates.backbone=1e-4",
                'backbone_stages=["blocks.3", "blocks.4", "blocks.5", "blocks.6"]',
                note="EfficientNet-Lite0 from ImageNet weights; the stages of strides 16 and 32 are trained, at a "
                "tenth of the rate, batch statistics fixed",
            ),
            scale.trained(
                "random-trained",
                "imagenet=false",
                "learning_rates.backbone=1e-3",
                note="EfficientNet-Lite0 from random weights, all of it trained, batch statistics too",
            ),
        ),
    )


def _paper_backbones(scale: _Scale) -> Axis:
    fetched = {
        "resnet18": "ResNet-18",
        "resnet101": "ResNet-101",
        "convnext_tiny": "ConvNeXt-T",
        "tf_efficientnet_lite0": "EfficientNet-Lite0",
    }
    return Axis(
        name="backbone",
        summary="Which backbone, fixed: the paper's, or one of timm's with its ImageNet weights.",
        variants=(
            scale.trained("resnet50", note="ResNet-50 with the Mask R-CNN weights that --start names"),
            *(
                scale.trained(
                    name,
                    f'network.backbone.name="{name}"',
                    "pretrained_backbone=true",
                    label=label,
                    note="timm's default weights for it, which timm downloads",
                    own_start=True,
                )
                for name, label in fetched.items()
            ),
        ),
    )


_LITE = _Scale("ablation", settings=("crop_size=[240, 432]", "search_area_scale=5.5"))
"""lwl-lite's tracker at 0.79 times its size: the object keeps its share of the crop."""

_DATA = f'data=[{{dataset="ytvos19", weight=6.0, leave_out=[{EVALUATED}]}}, {{dataset="davis17"}}]'
_PAPER = _Scale(
    "stage1",
    common=(_DATA,),
    assumed="assumed, for section 4.1 of the paper names no training data: those of its section 3.6, YouTube-VOS "
    "(without the hold-out) and DAVIS 2017, drawn 6 : 1 as in the authors' code",
)

LITE = AblationPlan(
    method="lwl-lite",
    dataset="davis16",
    split="val",
    axes=(
        _LITE.table1(),
        *_without_training(iterations=20, memory=8, updates="every-fourth-frame"),
        *_LITE.sizes(),
        _LITE.online_update(default="paper"),
        _lite_backbones(_LITE),
    ),
)
"""For a laptop: lwl-lite's network, a short training on DAVIS 2016 train for each variant, measured on val."""

PAPER = AblationPlan(
    method="lwl",
    dataset="ytvos19-holdout",
    split="train",
    axes=(
        _PAPER.table1(),
        *_without_training(iterations=20, memory=32, updates="every-frame"),
        *_PAPER.sizes(),
        _PAPER.online_update(default="released"),
        _paper_backbones(_PAPER),
    ),
    needs={
        "backbone": "the Mask R-CNN ResNet-50 that the paper starts from, or any ResNet-50 in torchvision's names",
    },
)
"""For GPUs: the paper's first stage, without the 300 sequences of the hold-out, on which it is measured."""
