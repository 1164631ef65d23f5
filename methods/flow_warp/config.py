"""What can be set in flow-warp."""

from typing import Literal

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.appearance import AppearanceConfig


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
        prior_weight: Log odds of a pixel that the carried mask claims wholly.
        prior_blur: Standard deviation in working pixels by which the carried mask is blurred before it counts.
        colour_weight: Factor on the log odds of colours anywhere; with `place_weight` 0 and `edge_radius` 0 it switches
            drift control off, and the mask is the warped mask.
        place_weight: Factor on the log odds of colours at their place.
        edge_radius: Radius in working pixels of the edge-aware filter; 0 leaves it out.
        edge_contrast: Variance of colour, of values in [0, 1], below which that filter sees no edge.
        appearance: How colours are learned.
    """

    working_side: int = Field(default=240, ge=16)
    preset: Literal["ultrafast", "fast", "medium"] = "medium"
    predict: bool = True
    check: bool = True
    tolerance: float = Field(default=0.5, ge=0)
    tolerance_growth: float = Field(default=0.01, ge=0)
    distrust: float = Field(default=0.3, ge=0, le=1)
    prior_weight: float = Field(default=4.0, gt=0)
    prior_blur: float = Field(default=3.0, ge=0)
    colour_weight: float = Field(default=1.0, ge=0)
    place_weight: float = Field(default=1.0, ge=0)
    edge_radius: int = Field(default=8, ge=0)
    edge_contrast: float = Field(default=1e-4, gt=0)
    appearance: AppearanceConfig = AppearanceConfig()
