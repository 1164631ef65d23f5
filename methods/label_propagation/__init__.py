"""The label propagation by which self-supervised features are judged."""

from vos_bench.lite.shipped_backbone import IMAGENET_LITE0
from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="label-propagation",
    summary="Each cell takes the labels of the most similar cells near it on the first and the last few frames.",
    factory="vos_bench.methods.label_propagation.method:LabelPropagation",
    weights=(IMAGENET_LITE0,),
    reference="The protocol of Jabri et al., CRW, NeurIPS 2020, and of Caron et al., DINO, ICCV 2021",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "ImageNet features of EfficientNet-Lite0 by default, where the protocol judges self-supervised ones",
        "frames of 320 pixels on the shorter side, features of strides 8 and 16 together",
        "on the grid, each object's shares are scaled to a highest of one, and the background is what they leave; DINO "
        "spreads the shares of every label, background included, from 0 to 1 after enlarging them",
        "an object whose highest share on a frame is below 0.05 is not scaled up to one",
        "first masks come to the grid by the mean of each cell, where DINO takes the nearest pixel",
        "the first frame is searched within the radius too, as in DINO; CRW searches all of it",
        "masks follow the image's edges by a guided filter (--set edge_radius=0 for the protocol's plain upsampling)",
    ),
)
