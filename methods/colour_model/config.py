"""What can be set in colour-model."""

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.coloured_mask import ColouredMaskConfig


class ColourModelConfig(FrozenModel):
    """Settings of colour-model; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        working_side: Frames are shrunk so that their shorter side has this many pixels; never enlarged.
        reach: How far an object may move between two frames, in working pixels along each axis.
        inertia: What a move of `reach` against the last one costs, as log odds a pixel.
        grabcut_steps: Rounds of GrabCut; 0 leaves it out.
        grabcut_share: Share of GrabCut's answer in the probability, 0 to 1.
        grabcut_probability: Weight of the probability beside brightness and chroma in what GrabCut sees, 0 to 1.
        grabcut_band: GrabCut decides on pixels this near to the outline, in working pixels.
        grabcut_side: The crop that GrabCut works on is shrunk to at most this many pixels on its longer side.
        colours: How colours are learned and weighed.
    """

    working_side: int = Field(default=240, ge=16)
    reach: int = Field(default=24, ge=0)
    inertia: float = Field(default=0.5, ge=0)
    grabcut_steps: int = Field(default=1, ge=0)
    grabcut_share: float = Field(default=0.5, ge=0, le=1)
    grabcut_probability: float = Field(default=0.5, ge=0, le=1)
    grabcut_band: int = Field(default=6, ge=1)
    grabcut_side: int = Field(default=160, ge=16)
    colours: ColouredMaskConfig = ColouredMaskConfig(prior_weight=2.0)
