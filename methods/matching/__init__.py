"""Matching to the cells of the first frame and of those before, on frozen features."""

from vos_bench.lite.shipped_backbone import IMAGENET_LITE0
from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="matching",
    summary="Each cell takes the label of the cells it resembles most, on the first frame and on recent ones.",
    factory="vos_bench.methods.matching.method:Matching",
    weights=(IMAGENET_LITE0,),
    reference="Hu et al., VideoMatch, ECCV 2018, without its training",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "the mean of the 10 best similarities, where the authors take 20 (--set neighbours=20)",
        "the labels' mean similarities go through a softmax of temperature 0.05",
        "beside the first frame, the sure cells of the last one alone, where the authors' bank grows with every frame "
        "(--set recent=N for more frames)",
        "an object is looked for within 0.15 of the frame's shorter side of where it was, where they take 51 pixels",
        "features are frozen ImageNet ones, where the authors train theirs for matching",
        "EfficientNet-Lite0 instead of ResNet-101; masks follow the image's edges by a guided filter",
    ),
)
