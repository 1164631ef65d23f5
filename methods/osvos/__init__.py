from vos_bench.methods.lite.description import lite_method
from vos_bench.plugins import MethodInfo, WeightsInfo, recipes_of

INFO = MethodInfo(
    name="osvos",
    summary="OSVOS: a network is fine-tuned on an object's first frame, then segments each frame alone.",
    factory="vos_bench.methods.osvos.method:OsvosMethod",
    weights=(
        WeightsInfo(
            name="osvos",
            location="https://github.com/kmaninis/OSVOS-PyTorch",
            sha256=None,
            licence="GPL-3.0, as the authors' code; trained on DAVIS 2016, for research",
            note="download parent_epoch-239.pth, the parent network trained on DAVIS 2016, by the link in the README "
            "of the authors' PyTorch port (github.com/kmaninis/OSVOS-PyTorch) and give it with --weights "
            "parent_epoch-239.pth, or convert it once: vos-bench convert osvos parent_epoch-239.pth --out "
            "osvos.safetensors. Published: 80.2 J&F on DAVIS 2016, 60.3 on DAVIS 2017. 10,000 passes an object need a "
            "GPU; less with --set budget.steps=N.",
        ),
    ),
    reference="Caelles et al., One-Shot Video Object Segmentation, CVPR 2017, as its PyTorch port",
    deviations=("no contour snapping, as in the authors' PyTorch port; the paper has it",),
    converter="vos_bench.methods.osvos.checkpoint:convert",
    recipes=recipes_of(
        "vos_bench.methods.osvos.recipes",
        {"parent": "The parent network, which knows foreground: DAVIS 2016 train, from a VGG-16."},
    ),
    untrained=True,
)

LITE = lite_method(
    "osvos-lite",
    "OsvosLiteMethod",
    package=__name__,
    summary="OSVOS's fine-tuning on the small backbone and decoder of lwl-lite, trained as that one is.",
    reference="Caelles et al., One-Shot Video Object Segmentation, CVPR 2017",
    deviations=(
        "EfficientNet-Lite0, never trained, instead of VGG-16; lwl-lite's decoder is what is fine-tuned",
        "60 steps of Adam on lwl-lite's loss instead of 10,000 passes",
    ),
)
