from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vos_bench.plugins import AblationInfo, MethodInfo, WeightsInfo, recipes_of

if TYPE_CHECKING:
    from torch import Tensor

    from .tracker import LwlTracker

_HOW = (
    "download {file} from {location} (the model zoo of github.com/visionml/pytracking links it) and give it with "
    "--weights {file}, or convert it once: vos-bench convert lwl {file} --out {name}.safetensors. "
)
_MASKS = "https://drive.google.com/file/d/1Xnm4A2BRBliDBKO4EEFHAQfGyfOMsVyY/view"
_BOXES = "https://drive.google.com/file/d/1aAsj_N1LAMpmmcb1iOxo2z66tJM6MEuM/view"
_LICENCE = "not stated by the authors, whose code is GPL-3.0; trained on YouTube-VOS and DAVIS, for research"

INFO = MethodInfo(
    name="lwl",
    summary="Learning What to Learn: a few-shot learner fits a linear target model to learned mask encodings.",
    factory="vos_bench.methods.lwl.method:LwlMethod",
    prompts=frozenset({"mask", "box"}),
    weights=(
        WeightsInfo(
            name="lwl",
            location=_MASKS,
            sha256=None,
            licence=_LICENCE,
            note=_HOW.format(file="lwl_stage2.pth", location=_MASKS, name="lwl")
            + "Published: 81.5 G on YouTube-VOS 2018, all frames. The method lwl-lite has its weights with it.",
        ),
        WeightsInfo(
            name="lwl-box",
            location=_BOXES,
            sha256=None,
            licence=_LICENCE + "; the box encoder also on COCO",
            note=_HOW.format(file="lwl_boxinit.pth", location=_BOXES, name="lwl-box")
            + "Needed for --init box. Published: 70.4 G on YouTube-VOS 2018, 70.8 J&F on DAVIS 2017.",
        ),
    ),
    reference="Bhat et al., Learning What to Learn for Video Object Segmentation, ECCV 2020, as first released",
    deviations=(
        "an object of one pixel or of one line gets a box of at least one pixel, where the authors' tracker fails",
        "an empty first mask is an object that is never found, where the authors' tracker fails",
    ),
    converter="vos_bench.methods.lwl.checkpoint:convert",
    untrained=True,
    recipes=recipes_of(
        "vos_bench.methods.lwl.recipes",
        {
            "stage1": "The paper's first 70,000 steps, backbone fixed; YouTube-VOS and DAVIS.",
            "stage2": "The paper's next 80,000 steps, with the backbone.",
            "box": "The box encoder, all else fixed; YouTube-VOS and COCO.",
            "davis": "Fine-tuning on DAVIS 2017; numbers assumed, for the paper gives none.",
            "ytvos-only": "YouTube-VOS 2018 alone from an ImageNet backbone; numbers assumed.",
            "davis-only": "DAVIS 2017 alone from an ImageNet backbone; numbers assumed.",
        },
    ),
    ablations=(
        AblationInfo(
            scale="lite",
            summary="lwl-lite trained briefly on DAVIS 2016 train and measured on its val: a few minutes each.",
            factory="vos_bench.methods.lwl.ablations:LITE",
        ),
        AblationInfo(
            scale="paper",
            summary="The paper's first stage on YouTube-VOS and DAVIS, measured on its hold-out of 300 sequences.",
            factory="vos_bench.methods.lwl.ablations:PAPER",
        ),
    ),
)

LITE = MethodInfo(
    name="lwl-lite",
    default=True,
    summary="LWL with a small network trained here: its weights are included, and a laptop suffices.",
    factory="vos_bench.methods.lwl.lite:LwlLiteMethod",
    prompts=frozenset({"mask", "box"}),
    weights=(
        WeightsInfo(
            name="lwl-lite",
            location="weights/lwl-lite.safetensors",
            sha256="d1330b20ba0c0c42daacfbf1148ebf2c58da8123f2f569f21a8fe4317241031c",
            licence="CC BY-NC 4.0, as its training data (DAVIS 2016 train; ECSSD, which states none: research only)",
            note="Trained on the 30 train sequences of DAVIS 2016, 1,000 still images (ECSSD) and what is synthesised "
            "from them; weights/lwl-lite.json says how. For weights without that licence: "
            "--weights lwl-lite-open.",
        ),
        WeightsInfo(
            name="lwl-lite-open",
            location="weights/lwl-lite-open.safetensors",
            sha256="cf2816823de66dc585867b445306e88591c2d588eba907a2785e182704c111de",
            licence="MIT; Apache-2.0 for the backbone in it (its ImageNet weights); no licence of a data set of videos "
            "applies",
            note="Trained by the recipe open on the demo's train split alone, which is made of photographs under CC0 "
            "or in the public domain: --weights lwl-lite-open. It starts from masks only and scores less than "
            "lwl-lite; weights/lwl-lite-open.json says how it was trained.",
        ),
    ),
    reference="Bhat et al., Learning What to Learn for Video Object Segmentation, ECCV 2020; the network is our own",
    deviations=(
        "EfficientNet-Lite0 instead of ResNet-50, 128 channels for the target model, a narrower and normalised decoder "
        "that ends at stride 2",
        "the target model also sees the backbone's stride 32",
        "an object in a box is drawn in a crop around it, not on the whole frame",
        "crops of 304 x 544, a memory of 8 frames, an update every fourth frame, equal weight for the first samples",
    ),
    recipes=recipes_of(
        "vos_bench.methods.lwl.lite_recipe",
        {
            "stage1": "First stage of the weights that ship: DAVIS 2016 train and what is synthesised from it.",
            "stage2": "Goes on with larger crops, the learning rate falls to zero.",
            "stage3": "Goes on at the size of test time, with one frame more, at a falling learning rate.",
            "stage4": "Goes on with still images too: objects of every kind, several at a time, and look-alikes.",
            "box": "The box encoder alone, so that objects start from boxes; the rest of the network stays.",
            "open": "Freely licensed data alone, for lwl-lite-open: the demo and what is synthesised from it.",
            "ablation": "One short training of a variant, from the ImageNet backbone: see `vos-bench ablate lwl`.",
            "demo": "Fifty steps on the data that the package makes itself, to see that training works.",
        },
    ),
)


def load(weights: "str | Path | Mapping[str, Tensor]", **options: Any) -> "LwlTracker":
    """Return a tracker with these weights; see `vos_bench.methods.lwl.method.load` for the options.

    torch is imported here and not with the package, so that listing methods stays quick.
    """
    from .method import load as load_tracker

    return load_tracker(weights, **options)
