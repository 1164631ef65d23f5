"""What may be set of STCN."""

from pydantic import Field

from vos_bench.parts.space_time import MemoryPolicy, SpaceTimeConfig


class StcnConfig(SpaceTimeConfig):
    """The authors' settings: first frame and every fifth are remembered, and read from the twenty best places.

    Attributes:
        top: Each place reads from so many most similar places of the memory.
    """

    memory: MemoryPolicy = MemoryPolicy(previous=False)
    top: int = Field(default=20, ge=1)
