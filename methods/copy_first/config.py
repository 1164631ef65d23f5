"""What can be set in copy-first."""

from vos_bench.config import FrozenModel
from vos_bench.parts.box_start import BoxFill


class CopyFirstConfig(FrozenModel):
    """Settings of copy-first.

    Attributes:
        box_fill: What a box becomes: `ellipse` or `rectangle` in it, or what `grabcut` separates from its surroundings.
    """

    box_fill: BoxFill = "ellipse"
