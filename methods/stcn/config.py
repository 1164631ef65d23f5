"""What may be set of STCN."""

from pydantic import Field

from vos_bench.parts.space_time import MemoryPolicy, SpaceTimeConfig


class StcnConfig(SpaceTimeConfig):
    """The authors' settings: first frame and every fifth are remembered, and read from the twenty best places.

    The fifths are counted again from each frame on which objects start, which all objects then remember.

    Attributes:
        working_side: 480, as the authors bring YouTube-VOS to; DAVIS's frames of 480 pixels stay as they are.
        top: Each place reads from so many most similar places of the memory.
    """

    working_side: int | None = Field(default=480, ge=32)
    memory: MemoryPolicy = MemoryPolicy(previous=False, restarts=True)
    top: int = Field(default=20, ge=1)
