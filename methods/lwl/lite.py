"""`lwl-lite`: LWL with a small network that was trained here, at a size that a laptop's processor follows."""

from typing import ClassVar

from pydantic import Field

from .method import LwlMethod
from .parameters import TrackerConfig


class LiteTrackerConfig(TrackerConfig):
    """LWL's parameters with other defaults: a smaller crop, a shorter memory, fewer updates.

    All were chosen on train sequences that the training left out.
    """

    crop_size: tuple[int, int] = (240, 432)
    memory_size: int = Field(default=8, ge=1)
    update_interval: int | None = 4
    probabilities: bool = False


class LwlLiteMethod(LwlMethod):
    """The `Method` of the entry point `lwl-lite`."""

    Config: ClassVar[type[LiteTrackerConfig]] = LiteTrackerConfig
