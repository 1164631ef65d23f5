"""Hostile frames: each is refused by one message, or becomes an image of the size that its header says."""

import numpy as np
from hostile.frames import Frame, frames
from hostile.outcome import Refused, outcome
from hostile.plan import fuzz

from vos_bench.datasets.frames import MAX_PIXELS, file_damage, image_size, read_image


@fuzz("frames", frames())
def test_a_hostile_frame_is_refused_or_of_the_size_its_header_says(arena, file: Frame) -> None:
    path = arena.inside / "00000.jpg"
    path.write_bytes(file.data)
    found = outcome(lambda: read_image(path), path)
    size = outcome(lambda: image_size(path), path)
    if file.size is not None:
        assert not isinstance(found, Refused), found
        assert found.shape == (*file.size, 3)
    if file.wrong == "cut":
        assert isinstance(found, Refused)
        assert file_damage(path)
    if isinstance(found, Refused):
        return
    assert found.dtype == np.uint8
    assert found.size <= 3 * MAX_PIXELS
    assert size == found.shape[:2]
