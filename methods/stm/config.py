"""What may be set of STM."""

from vos_bench.parts.space_time import SpaceTimeConfig


class StmConfig(SpaceTimeConfig):
    """The authors' settings: first frame, every fifth and the previous one are remembered; soft aggregation."""
