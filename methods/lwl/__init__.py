from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vos_bench.api import MethodInfo, WeightsInfo

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
)


def load(weights: "str | Path | Mapping[str, Tensor]", **options: Any) -> "LwlTracker":
    """Return a tracker with these weights; see `vos_bench.methods.lwl.method.load` for the options.

    torch is imported here and not with the package, so that listing methods stays quick.
    """
    from .method import load as load_tracker

    return load_tracker(weights, **options)
