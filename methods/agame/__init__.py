from vos_bench.plugins import MethodInfo, WeightsInfo, recipes_of

INFO = MethodInfo(
    name="agame",
    summary="A-GAME: Gaussians of target and background, updated on every frame, join a network that carries the mask.",
    factory="vos_bench.methods.agame.method:AgameMethod",
    weights=(
        WeightsInfo(
            name="agame",
            location="https://github.com/joakimjohnander/agame-vos",
            sha256=None,
            licence="none given by the authors, for code or weights",
            note="download the checkpoint by the Google Drive link in the authors' README "
            "(github.com/joakimjohnander/agame-vos; its name ends with _beta_best.pth.tar) and give it with --weights "
            "FILE, or convert it once: vos-bench convert agame FILE --out agame.safetensors. Published: 70.0 J&F on "
            "DAVIS 2017, 82.1 on DAVIS 2016, 66.1 G on YouTube-VOS 2018.",
        ),
    ),
    reference="Johnander et al., A Generative Appearance Model for End-to-End Video Object Segmentation, CVPR 2019",
    deviations=(
        "frames go through one by one; the authors' script takes 128 at a time, and where a late object falls on the "
        "first of these, answers with the given label map alone and follows the background as an object",
        "frames smaller than their padding are mirrored again and again, where the authors' code fails",
    ),
    converter="vos_bench.methods.agame.checkpoint:convert",
    recipes=recipes_of(
        "vos_bench.methods.agame.recipes",
        {
            "alpha": "Small frames of DAVIS 2017 and YouTube-VOS; the code's numbers, some assumed.",
            "beta": "Then large frames and longer clips; the code's numbers, some assumed.",
            "davis-alpha": "DAVIS 2017 alone, small frames; the code's numbers, some assumed.",
            "davis-beta": "Then large frames and longer clips; the code's numbers, some assumed.",
        },
    ),
    untrained=True,
)
