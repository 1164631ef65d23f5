from vos_bench.plugins import MethodInfo, WeightsInfo

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
        "objects may start later, which the authors' script does not know: the union's first frame then is the latest "
        "on which an object starts",
    ),
    converter="vos_bench.methods.rgmp.checkpoint:convert",
    untrained=True,
)
