from vos_bench.api import MethodInfo, RecipeInfo, WeightsInfo

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
        "assumed, for nothing at hand says it: a ReLU before the last convolution, padding split between both sides",
    ),
    converter="vos_bench.methods.stm.checkpoint:convert",
    recipes=tuple(
        RecipeInfo(name=name, summary=summary, factory=f"vos_bench.methods.stm.recipes:{name.upper()}")
        for name, summary in (
            ("static", "Clips made of COCO's images; numbers partly assumed."),
            ("ytvos", "Then YouTube-VOS, with larger and larger gaps; numbers partly assumed."),
            ("davis", "Or YouTube-VOS and DAVIS 2017; numbers partly assumed."),
        )
    ),
    untrained=True,
)

LITE = MethodInfo(
    name="stm-lite",
    summary="STM's memory around the small backbone and decoder of lwl-lite, trained as that one is.",
    factory="vos_bench.methods.stm.lite:StmLiteMethod",
    weights=(
        WeightsInfo(
            name="stm-lite",
            location="weights/stm-lite.safetensors",
            sha256=None,
            licence="CC BY-NC 4.0, as its training data (DAVIS 2016 train)",
            note="train it: vos-bench train stm-lite --recipe ablation (or stage1, then stage2).",
        ),
    ),
    reference="Oh et al., Video Object Segmentation using Space-Time Memory Networks, ICCV 2019; our own network",
    deviations=(
        "EfficientNet-Lite0, never trained, instead of two ResNet-50; masks join its features at stride 16",
        "keys of 64 and values of 128 channels; lwl-lite's decoder, which ends at stride 2",
        "frames are shrunk to a shorter side of 304",
    ),
    recipes=tuple(
        RecipeInfo(name=name, summary=summary, factory=f"vos_bench.methods.stm.lite_recipe:{name.upper()}")
        for name, summary in (
            ("stage1", "As the first stage of lwl-lite: DAVIS 2016 train and what is synthesised from it."),
            ("stage2", "As the second stage of lwl-lite: larger crops, the learning rate falls to zero."),
            ("ablation", "As one variant of an ablation of lwl-lite: 400 steps on small crops."),
        )
    ),
    untrained=True,
)
