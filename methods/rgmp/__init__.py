from vos_bench.api import MethodInfo, WeightsInfo

INFO = MethodInfo(
    name="rgmp",
    summary="RGMP: brings the last frame's mask to the next one, guided by the first frame and its mask.",
    factory="vos_bench.methods.rgmp.method:RgmpMethod",
    weights=(
        WeightsInfo(
            name="rgmp",
            location="https://github.com/seoungwugoh/RGMP",
            sha256=None,
            licence="the authors': research only, not for commercial use",
            note="download weights.pth by the Dropbox link in the authors' README (github.com/seoungwugoh/RGMP) and "
            "give it with --weights weights.pth, or convert it once: vos-bench convert rgmp weights.pth --out "
            "rgmp.safetensors. Published: 81.8 J&F on DAVIS 2016, 66.7 on DAVIS 2017, 53.8 G on YouTube-VOS 2018.",
        ),
    ),
    reference="Oh et al., Fast Video Object Segmentation by Reference-Guided Mask Propagation, CVPR 2018",
    deviations=(
        "an object's scales are those of 0.5, 0.75 and 1 at which its first mask has 64 x 64 pixels or more, averaged: "
        "the authors' rule by size is not known here",
        "frames are resized to multiples of 32",
        "the union's first frame is the latest on which an object starts",
        "assumed, for nothing at hand says it: the frame's features before the first one's, ReLUs before convolutions, "
        "soft masks propagated, corners not aligned in interpolation",
    ),
    converter="vos_bench.methods.rgmp.checkpoint:convert",
    untrained=True,
)
