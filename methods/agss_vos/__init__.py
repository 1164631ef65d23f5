from vos_bench.plugins import MethodInfo, WeightsInfo

LICENCE = "not for commercial use: the authors' README, though their licence file says MIT; FlowNet2-C research only"

INFO = MethodInfo(
    name="agss-vos",
    summary="AGSS-VOS: one pass over the union of all objects, then an attention for each, carried by optical flow.",
    factory="vos_bench.methods.agss_vos.method:AgssMethod",
    weights=(
        WeightsInfo(
            name="agss-vos",
            location="https://github.com/dvlab-research/AGSS-VOS",
            sha256=None,
            licence=LICENCE,
            note="download the file by the link in the authors' README (github.com/dvlab-research/AGSS-VOS); it holds "
            "FlowNet2-C too. Give it with --weights FILE, or convert it once: vos-bench convert agss-vos FILE --out "
            "agss-vos.safetensors. Published: 67.4 J&F on DAVIS 2017, 71.3 G on YouTube-VOS 2018.",
        ),
    ),
    reference="Lin et al., AGSS-VOS: Attention Guided Single-Shot Video Object Segmentation, ICCV 2019; flow: Ilg et "
    "al., FlowNet 2.0, CVPR 2017",
    deviations=(
        "FlowNet2-C's correlation is PyTorch's arithmetic; the authors have a CUDA kernel, which was read, not run",
    ),
    converter="vos_bench.methods.agss_vos.checkpoint:convert",
    untrained=True,
)
