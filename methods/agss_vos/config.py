"""What AGSS-VOS lets one set."""

from typing import Literal

from pydantic import Field

from vos_bench.config import FrozenModel

Script = Literal["davis", "ytvos"]
FlowName = Literal["flownet2-c", "dis"]


class AgssConfig(FrozenModel):
    """The authors' settings.

    Attributes:
        script: Which of the authors' two scripts is followed. `ytvos` halves frames whose longer side has more than 700
            pixels, and never finds an object again of which nothing was left.
        flow: What carries masks from frame to frame: the authors' network, whose parameters are in their file, or
            OpenCV's DIS flow, which needs none.
        objects_per_pass: At most so many objects go through the network at once; bounds the working memory.
        probabilities: Whether predictions carry the soft masks.
    """

    script: Script = "davis"
    flow: FlowName = "flownet2-c"
    objects_per_pass: int = Field(default=8, ge=1, le=65535)
    probabilities: bool = True
