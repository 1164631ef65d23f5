from vos_bench.plugins import MethodInfo, WeightsInfo

_WHERE = "https://github.com/andr345/frtm-vos"
_HOW = (
    "download {name}.pth by the Google Drive link in the authors' README (github.com/andr345/frtm-vos); it lacks the "
    "backbone, so put torchvision's {backbone} beside it, and give it with --weights {name}.pth, or make one file of "
    "both: vos-bench convert frtm {name}.pth --out {name}.safetensors. {note}"
)
_RN101 = "https://download.pytorch.org/models/resnet101-63fe2227.pth"
_RN18 = "https://download.pytorch.org/models/resnet18-f37072fd.pth"
_LICENCE = "GPL-3.0, as the authors' code; trained on YouTube-VOS and DAVIS, for research"

INFO = MethodInfo(
    name="frtm",
    summary="FRTM: a small target model, optimised online, finds the object coarsely; a trained refiner sharpens it.",
    factory="vos_bench.methods.frtm.method:FrtmMethod",
    weights=tuple(
        WeightsInfo(
            name=name,
            location=_WHERE,
            sha256=None,
            licence=_LICENCE,
            note=_HOW.format(name=name, backbone=_RN101 if "101" in name else _RN18, note=note),
        )
        for name, note in (
            ("rn101_all", "ResNet-101, both data sets. Published: 76.7 J&F on DAVIS 2017."),
            ("rn101_ytvos", "ResNet-101, YouTube-VOS alone. Published: 72.1 G on YouTube-VOS 2018, all frames."),
            ("rn101_dv", "ResNet-101, DAVIS alone. Published: 68.8 J&F on DAVIS 2017, 81.7 on DAVIS 2016."),
            ("rn18_all", "ResNet-18, both data sets."),
            ("rn18_ytvos", "ResNet-18, YouTube-VOS alone."),
        )
    ),
    reference="Robinson et al., Learning Fast and Robust Target Models for Video Object Segmentation, CVPR 2020",
    deviations=(
        "the samples made of the first frame have the authors' rotations, scales, bounds of the scale, skew and shares "
        "of the mirrored and blurred, drawn without replacement as theirs are, but our random numbers; how what lies "
        "behind the object is filled in, how the motion blur's kernel looks, where on the grid an object comes to lie "
        "and how often the background is scaled instead of blurred are our own",
        "follows the authors' evaluate.py; their script for YouTube-VOS, by which 72.1 G was measured, is --set "
        "script=ytvos: directions after Fletcher and Reeves, a bicubic last enlargement (assumed: at once to the "
        "frame's size), and the highest share takes a pixel",
        "float32 does not determine the masks: conjugate gradients magnify rounding, in the authors' code too, so "
        "other machines may give others",
    ),
    converter="vos_bench.methods.frtm.checkpoint:convert",
    untrained=True,
)
