"""What SiamMask lets one set."""

from collections.abc import Mapping
from typing import Literal, NamedTuple

from pydantic import Field

from vos_bench.config import FrozenModel

Variant = Literal["sharp", "base"]


class TrackingRules(NamedTuple):
    """How the best of all boxes is chosen, and how far it is believed.

    Attributes:
        change_penalty: How much a change of size and shape costs (`penalty_k` in the authors' configurations).
        window_influence: The share of the cosine window in a box's rank, against its penalised score.
        size_rate: How much of the new size is taken at a score of one (`lr`).
        threshold: A pixel goes to an object whose soft mask is above this (`seg_thr`).
    """

    change_penalty: float
    window_influence: float
    size_rate: float
    threshold: float


RULES: Mapping[Variant, TrackingRules] = {
    "sharp": TrackingRules(0.04, 0.40, 1.00, 0.35),
    "base": TrackingRules(0.09, 0.39, 0.38, 0.30),
}
"""Those of the authors' configuration for DAVIS and YouTube-VOS, which refines, and their defaults without."""


class SiamMaskConfig(FrozenModel):
    """The authors' settings for video object segmentation.

    Attributes:
        variant: `sharp` refines the mask by the trunk's finer features, `base` takes the 63 x 63 mask as it is.
        change_penalty: See `TrackingRules`; None stands for the variant's own, as in the fields after it.
        window_influence: See `TrackingRules`.
        size_rate: See `TrackingRules`.
        threshold: See `TrackingRules`.
        objects_per_pass: At most so many objects go through the network at once; bounds the working memory.
        probabilities: Whether predictions carry the soft masks.
    """

    variant: Variant = "sharp"
    change_penalty: float | None = Field(default=None, ge=0, le=100)
    window_influence: float | None = Field(default=None, ge=0, le=1)
    size_rate: float | None = Field(default=None, ge=0, le=1)
    threshold: float | None = Field(default=None, ge=-1, le=1)
    objects_per_pass: int = Field(default=8, ge=1, le=65535)
    probabilities: bool = True

    @property
    def rules(self) -> TrackingRules:
        """The variant's rules, with what was set in their place."""
        own = RULES[self.variant]
        chosen = {name: getattr(self, name) for name in TrackingRules._fields}
        return own._replace(**{name: value for name, value in chosen.items() if value is not None})
