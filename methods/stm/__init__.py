from vos_bench.methods.lite.description import lite_method
from vos_bench.plugins import MethodInfo, WeightsInfo, recipes_of

LICENCE = "CC BY-NC-SA 4.0 (the authors', not for commercial use)"

INFO = MethodInfo(
    name="stm",
    summary="STM: attends over keys and values of past frames with their masks; nothing is learned at test time.",
    factory="vos_bench.methods.stm.method:StmMethod",
    weights=(
        WeightsInfo(
            name="stm",
            location="https://github.com/seoungwugoh/STM",
            sha256=None,
            licence=LICENCE,
            note="download STM_weights.pth by the Dropbox link in the authors' README (github.com/seoungwugoh/STM) and "
            "give it with --weights STM_weights.pth, or convert it once: vos-bench convert stm STM_weights.pth --out "
            "stm.safetensors. Published: 79.4 G on YouTube-VOS 2018; 81.8 J&F on DAVIS 2017.",
        ),
    ),
    reference="Oh et al., Video Object Segmentation using Space-Time Memory Networks, ICCV 2019",
    deviations=(
        "any number of objects, where the authors' script has 11 slots, the empty ones with probability 1e-7",
        "an object that starts later is remembered from its first frame on, which is then kept",
    ),
    converter="vos_bench.methods.stm.checkpoint:convert",
    recipes=recipes_of(
        "vos_bench.methods.stm.recipes",
        {
            "static": "Clips made of COCO's images; numbers partly assumed.",
            "ytvos": "Then YouTube-VOS, with larger and larger gaps; numbers partly assumed.",
            "davis": "Or YouTube-VOS and DAVIS 2017; numbers partly assumed.",
        },
    ),
    untrained=True,
)

LITE = lite_method(
    "stm-lite",
    "StmLiteMethod",
    package=__name__,
    summary="STM's memory around the small backbone and decoder of lwl-lite, trained as that one is.",
    reference="Oh et al., Video Object Segmentation using Space-Time Memory Networks, ICCV 2019",
    deviations=(
        "EfficientNet-Lite0, never trained, instead of two ResNet-50; masks join its features at stride 16",
        "keys of 64 and values of 128 channels; lwl-lite's decoder, which ends at stride 2",
    ),
)
