from vos_bench.plugins import MethodInfo, WeightsInfo, recipes_of

LICENCE = "not stated by the authors, whose code is MIT; trained on ImageNet's sets, COCO and YouTube-VOS, for research"

INFO = MethodInfo(
    name="siammask",
    summary="SiamMask: tracks each box by correlation with its first frame, and draws the mask of the best place.",
    factory="vos_bench.methods.siammask.method:SiamMaskMethod",
    prompts=frozenset({"mask", "box"}),
    weights=(
        WeightsInfo(
            name="siammask",
            location="https://github.com/foolwood/SiamMask",
            sha256=None,
            licence=LICENCE,
            note="download SiamMask_DAVIS.pth by the link in the authors' README (github.com/foolwood/SiamMask) and "
            "give it with --weights SiamMask_DAVIS.pth, or convert it once: vos-bench convert siammask "
            "SiamMask_DAVIS.pth --out siammask.safetensors. Files of the base variant, which does not refine: --set "
            "variant=base. Published: 71.7 J and 67.8 F on DAVIS 2016, 54.3 and 58.5 on DAVIS 2017, 52.8 G on "
            "YouTube-VOS 2018.",
        ),
    ),
    reference="Wang et al., Fast Online Object Tracking and Segmentation: A Unifying Approach, CVPR 2019",
    deviations=(
        "objects are followed to the last frame; on YouTube-VOS the authors' script drops each after the last frame "
        "that the list of the dataset names for it",
        "where an object starts from a box, which the authors' script for video objects never does, its first mask is "
        "what the network finds there",
        "objects go through the network together, each with a crop of its own",
        "OpenCV pastes the masks: versions before 5 round coordinates to 1/32 pixel, so that some pixels differ from "
        "version 5; each gives what the authors' code gives with it",
    ),
    converter="vos_bench.methods.siammask.checkpoint:convert",
    recipes=recipes_of(
        "vos_bench.methods.siammask.recipes",
        {
            "base": "Scores, boxes and masks, the trunk fixed; values stated in part, the rest assumed.",
            "base-trunk": "Then the trunk's later stages too; values stated in part, the rest assumed.",
            "refine": "Then the refinement of the masks; values stated in part, the rest assumed.",
        },
    ),
    untrained=True,
)
