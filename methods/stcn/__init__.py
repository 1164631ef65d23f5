from vos_bench.plugins import MethodInfo, WeightsInfo

INFO = MethodInfo(
    name="stcn",
    summary="STCN: space-time memory with one image key a frame, compared by distance and read from the best places.",
    factory="vos_bench.methods.stcn.method:StcnMethod",
    weights=(
        WeightsInfo(
            name="stcn",
            location="https://github.com/hkchengrex/STCN",
            sha256=None,
            licence="MIT; trained on YouTube-VOS, DAVIS and static images, for research",
            note="download stcn.pth by the link in the authors' README (github.com/hkchengrex/STCN) and give it with "
            "--weights stcn.pth, or convert it once: vos-bench convert stcn stcn.pth --out stcn.safetensors. "
            "Published: 85.3 J&F on DAVIS 2017, 91.7 on DAVIS 2016, 84.3 G on YouTube-VOS 2018.",
        ),
    ),
    reference="Cheng et al., Rethinking Space-Time Networks with Improved Memory Coverage for Efficient Video Object "
    "Segmentation, NeurIPS 2021",
    deviations=(
        "the softmax over the best places subtracts their maximum first, where the authors' evaluation does not: the "
        "same but for rounding",
        "frames of more than 480 pixels are shrunk bilinearly, each pixel a mean, and masks with them; the authors "
        "take bicubic and nearest samples, and also enlarge smaller frames of YouTube-VOS",
    ),
    converter="vos_bench.methods.stcn.checkpoint:convert",
    untrained=True,
)
