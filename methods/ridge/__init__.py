"""A ridge regression from frozen features to the mask."""

from vos_bench.lite.shipped_backbone import IMAGENET_LITE0
from vos_bench.plugins import MethodInfo

INFO = MethodInfo(
    name="ridge",
    summary="A ridge regression from each cell's features to its label, solved again after every frame.",
    factory="vos_bench.methods.ridge.method:Ridge",
    weights=(IMAGENET_LITE0,),
    reference="The closed-form ridge regression of Liu et al.'s meta-learned VOS, without the meta-training",
    deviations=(
        "features are brought to mean 0 and deviation 1 by the first frame",
        "features are frozen ImageNet ones, where the authors learn theirs through the regression",
        "one system of equations for all channels, which are few, instead of blocks",
        "later frames join with their predicted masks; masks follow the image's edges by a guided filter",
    ),
)
