"""What can be set in flow-warp."""

from typing import Literal

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.coloured_mask import ColouredMaskConfig


class FlowWarpConfig(FrozenModel):
    """Settings of flow-warp; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        working_side: Frames are shrunk so that their shorter side has this many pixels; never enlarged. Flow and
            colours are computed there, answers are given at the frames' own size.
        preset: OpenCV's trade of speed against accuracy of the flow.
        predict: Start each search from the last flow, which helps where motion is fast and steady.
        check: Compute the flow both ways and trust it less where the two disagree.
        tolerance: Squared working pixels between a pixel and its way there and back beyond which it is inconsistent.
        tolerance_growth: What is added to that for each squared pixel of motion (Sundaram et al., ECCV 2010, eq. 5).
        distrust: Factor on the carried mask where the flow is inconsistent, 0 (colours alone decide) to 1.
        mend: Mend drift by colours and edges; without, a mask is what the flow makes of the first one.
        colours: How it is mended.
    """

    working_side: int = Field(default=240, ge=16)
    preset: Literal["ultrafast", "fast", "medium"] = "medium"
    predict: bool = True
    check: bool = True
    tolerance: float = Field(default=0.5, ge=0)
    tolerance_growth: float = Field(default=0.01, ge=0)
    distrust: float = Field(default=0.3, ge=0, le=1)
    mend: bool = True
    colours: ColouredMaskConfig = ColouredMaskConfig()
