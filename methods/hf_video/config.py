"""What can be set of the methods on transformers."""

from pydantic import Field

from vos_bench.config import FrozenModel


class HfVideoConfig(FrozenModel):
    """Settings that all of them have.

    Attributes:
        video_frames: How many frames the videos have, 16 for 16 or more. The networks look back on at most 16 pointers
            to an object and scale their ages by that number; the authors' code takes a shorter video's own length.
        choose_mask: Whether a mask that is not stable gives way to the best of three others. None: as the authors
            evaluate, which is no for SAM 2 and EdgeTAM and yes for SAM 3.
    """

    video_frames: int = Field(default=16, ge=2, le=16)
    choose_mask: bool | None = None
