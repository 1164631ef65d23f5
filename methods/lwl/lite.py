"""`lwl-lite`: LWL with a small network that was trained here, at a size that a laptop's processor follows."""

from pydantic import Field

from .method import LwlMethod
from .parameters import Side, TrackerConfig


class LiteTrackerConfig(TrackerConfig):
    """LWL's parameters with other defaults, chosen on train sequences that the training left out.

    The crop is smaller, the memory shorter and updates are rarer, for speed. The first frame starts with the weight of
    any other and keeps a quarter, as the samples of a mini-sequence have equal weights in training.
    """

    crop_size: tuple[Side, Side] = (304, 544)
    search_area_scale: float = Field(default=7.0, gt=0, le=100)
    memory_size: int = Field(default=8, ge=1, le=10000)
    learning_rate: float | None = Field(default=0.2, ge=0, le=1)
    lower_first_weight: bool | None = True
    update_interval: int | None = Field(default=4, ge=1, le=1000000)
    box_search_area: float | None = Field(default=5.0, gt=0, le=100)
    probabilities: bool = False


class LwlLiteMethod(LwlMethod):
    """The `Method` of the entry point `lwl-lite`."""

    Config = LiteTrackerConfig
