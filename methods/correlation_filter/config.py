"""What can be set in correlation-filter."""

from pydantic import Field

from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import BoxFill


class CorrelationFilterConfig(FrozenModel):
    """Settings of correlation-filter; the defaults were chosen on the train sequences of DAVIS 2016.

    Attributes:
        box_fill: What a first box becomes: `ellipse` or `rectangle` in it, or what `grabcut` separates.
        padding: How far the search reaches beyond the object's box, in shares of the box's sides.
        window_side: The search window is resampled to about this many pixels squared.
        cell: Side of the squares that are described, in pixels of that window.
        orientations: How many directions of gradients are told apart.
        colour_weight: Factor on the colour channels beside the gradients.
        spread: Width of the wanted response, as a share of the object's size.
        regularisation: Added to the filters' denominators, as a share of the mean energy.
        rate: Share of the newest frame in the filter of positions, 0 to 1.
        scales: How many sizes are tried, an odd number; 1 keeps the size.
        scale_step: Ratio between neighbouring sizes.
        scale_rate: Share of the newest frame in the filter of sizes, 0 to 1.
        scale_side: Each size is resampled to about this many pixels squared.
        smallest: Least scale against the first frame.
        largest: Greatest scale against the first frame.
        sure_from: Peak-to-sidelobe ratio below which nothing is learned and the object is taken to stand still.
        lost_below: Peak-to-sidelobe ratio below which the object is answered as out of sight.
    """

    box_fill: BoxFill = "grabcut"
    padding: float = Field(default=1.0, gt=0)
    window_side: int = Field(default=128, ge=16)
    cell: int = Field(default=4, ge=1)
    orientations: int = Field(default=9, ge=2)
    colour_weight: float = Field(default=1.0, ge=0)
    spread: float = Field(default=0.1, gt=0)
    regularisation: float = Field(default=0.01, gt=0)
    rate: float = Field(default=0.015, ge=0, le=1)
    scales: int = Field(default=17, ge=1)
    scale_step: float = Field(default=1.03, gt=1)
    scale_rate: float = Field(default=0.05, ge=0, le=1)
    scale_side: int = Field(default=32, ge=8)
    smallest: float = Field(default=0.2, gt=0)
    largest: float = Field(default=5.0, gt=0)
    sure_from: float = Field(default=3.0, ge=0)
    lost_below: float = Field(default=0.0, ge=0)
