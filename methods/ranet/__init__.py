from vos_bench.plugins import MethodInfo, WeightsInfo

_PLACE = "https://github.com/Storife/RANet"
_LICENCE = "not stated by the authors, whose code is Apache-2.0; trained on DAVIS, for research"
_HOW = "download {file} by the link in the authors' README (github.com/Storife/RANet) and give it with --weights {file}"

INFO = MethodInfo(
    name="ranet",
    summary="RANet: correlations with the first frame, ranked so that a decoder of fixed size can use the best.",
    factory="vos_bench.methods.ranet.method:RanetMethod",
    weights=(
        WeightsInfo(
            name="ranet-multi",
            location=_PLACE,
            sha256=None,
            licence=_LICENCE,
            note=_HOW.format(file="RANet_video_multi.pth")
            + ", or convert it once: vos-bench convert ranet RANet_video_multi.pth --out ranet.safetensors. For "
            "several objects. Published: 65.7 J&F on DAVIS 2017 val, 55.3 on test-dev.",
        ),
        WeightsInfo(
            name="ranet-single",
            location=_PLACE,
            sha256=None,
            licence=_LICENCE,
            note=_HOW.format(file="RANet_video_single.pth")
            + ". For a single object. Published: 85.5 J&F on DAVIS 2016.",
        ),
        WeightsInfo(
            name="ranet-image",
            location=_PLACE,
            sha256=None,
            licence="not stated by the authors, whose code is Apache-2.0; trained on static images, for research",
            note=_HOW.format(file="RANet_image_single.pth") + ". For a single object, before training on videos.",
        ),
    ),
    reference="Wang et al., RANet: Ranking Attention Network for Fast Video Object Segmentation, ICCV 2019",
    deviations=(
        "float32 unless --amp fp16 is given, where the authors run in half precision",
        "objects that start later have a template of their own frame, a box and a pass of their own; the authors know "
        "none",
        "several objects with weights for a single one are followed one by one; the authors make one of them",
        "label maps are brought back to the frame's size, whatever that is; the authors' script does so for frames "
        "wider than 864 pixels alone, and cuts others out of the middle",
        "frames that need resizing are resized by Pillow's bicubic filter, its default since version 7; the authors' "
        "version took nearest pixels",
        "an object that nearest pixels miss keeps one pixel",
    ),
    converter="vos_bench.methods.ranet.checkpoint:convert",
    untrained=True,
)
