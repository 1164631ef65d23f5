"""Any other system, in a process and an environment of its own; and recipes for four well-known ones."""

from vos_bench.plugins import MethodInfo, WeightsInfo

INFO = MethodInfo(
    name="external",
    summary="Any other system: a command that answers over a pipe, or works from folder to folder.",
    factory="vos_bench.methods.external.method:External",
    licence="the system's own",
    prompts=frozenset({"mask", "box"}),
    row="adapter",
    install="whatever the system needs, in an environment of its own; docs/external.md",
    runs_command=True,
)

_GIVE = "download {file} from {location} and give it with --weights {file}. "
_SAM21 = "https://dl.fbaipublicfiles.com/segment_anything_2/092824/sam2.1_hiera_base_plus.pt"
_CUTIE = "https://github.com/hkchengrex/Cutie/releases/download/v1.0/cutie-base-mega.pth"
_XMEM = "https://github.com/hkchengrex/XMem/releases/download/v1.0/XMem.pth"
_AOT = "https://github.com/yoxu515/aot-benchmark/blob/main/MODEL_ZOO.md"

SAM21 = MethodInfo(
    name="sam2.1",
    summary="SAM 2.1 as released, in an environment of its own.",
    factory="vos_bench.methods.external.recipes:Sam21",
    licence="Apache-2.0",
    prompts=frozenset({"mask", "box"}),
    weights=(
        WeightsInfo(
            name="sam2.1-base-plus",
            location=_SAM21,
            sha256=None,
            licence="Apache-2.0",
            note=_GIVE.format(file="sam2.1_hiera_base_plus.pt", location=_SAM21)
            + "With another size, also --set model=tiny, small or large.",
        ),
    ),
    reference="Ravi et al., SAM 2, 2024; github.com/facebookresearch/sam2",
    deviations=(
        "frames reach its loader as PNG, so that nothing is lost to a second JPEG compression",
        "bf16 autocast as in the authors' script, whatever --amp says; --set precision=off for float32",
    ),
    row="adapter",
    install="git clone https://github.com/facebookresearch/sam2 && pip install -e sam2; Python 3.10, torch 2.5.1",
)

CUTIE = MethodInfo(
    name="cutie",
    summary="Cutie as released, in an environment of its own.",
    factory="vos_bench.methods.external.recipes:Cutie",
    licence="MIT",
    weights=(
        WeightsInfo(
            name="cutie-base-mega",
            location=_CUTIE,
            sha256=None,
            licence="MIT; trained on YouTube-VOS, DAVIS, MOSE, BURST and OVIS, some for research only",
            note=_GIVE.format(file="cutie-base-mega.pth", location=_CUTIE)
            + "md5 a6071de6136982e396851903ab4c083a. The small one: --set model=small.",
        ),
    ),
    reference="Cheng et al., Putting the Object Back into Video Object Segmentation, CVPR 2024",
    row="adapter",
    install="git clone https://github.com/hkchengrex/Cutie && pip install -e Cutie; or pip install rf-cutie",
)

XMEM = MethodInfo(
    name="xmem",
    summary="XMem as released, in an environment of its own.",
    factory="vos_bench.methods.external.recipes:XMem",
    licence="MIT",
    weights=(
        WeightsInfo(
            name="xmem",
            location=_XMEM,
            sha256=None,
            licence="MIT; trained on YouTube-VOS, DAVIS and static sets, some for research only",
            note=_GIVE.format(file="XMem.pth", location=_XMEM),
        ),
    ),
    reference="Cheng and Schwing, XMem, ECCV 2022; github.com/hkchengrex/XMem",
    deviations=(
        "the use of long-term memory is counted for every sequence, not for long ones alone",
        "float32 unless --amp fp16 is given, where the authors' evaluation has autocast on",
    ),
    row="adapter",
    install="git clone https://github.com/hkchengrex/XMem && pip install -r XMem/requirements.txt; "
    "then --set repository=XMem",
)

AOT = MethodInfo(
    name="aot",
    summary="AOT and DeAOT as released, in an environment of their own.",
    factory="vos_bench.methods.external.recipes:Aot",
    licence="BSD-3-Clause",
    weights=(
        WeightsInfo(
            name="r50-aotl",
            location=_AOT,
            sha256=None,
            licence="BSD-3-Clause; trained on YouTube-VOS, DAVIS and static sets, some for research only",
            note="download R50_AOTL_PRE_YTB_DAV.pth by way of " + _AOT + " and give it with --weights FILE; another "
            "model also needs --set model=NAME, as configs/models calls it.",
        ),
    ),
    reference="Yang et al., AOT, NeurIPS 2021, and DeAOT, NeurIPS 2022; github.com/yoxu515/aot-benchmark",
    row="adapter",
    install="git clone https://github.com/yoxu515/aot-benchmark; pip install torch torchvision opencv-python "
    "matplotlib scikit-image timm; AOT models also need spatial-correlation-sampler (DeAOT models do not); "
    "then --set repository=aot-benchmark",
)
