import numpy as np
import pytest

from vos_bench.parts.working_size import WorkingFrame


def frame(size: tuple[int, int], side: int) -> WorkingFrame:
    made = WorkingFrame(side)
    made.see_frame(np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8))
    return made


@pytest.mark.parametrize(
    ("size", "expected"), [((480, 854), (240, 427)), ((854, 480), (427, 240)), ((100, 120), (100, 120))]
)
def test_the_shorter_side_is_shrunk_and_never_enlarged(size: tuple[int, int], expected: tuple[int, int]) -> None:
    assert frame(size, 240).image.shape[:2] == expected


def test_shrinking_averages_and_enlarging_restores_the_size() -> None:
    made = frame((480, 854), 240)
    plane = np.random.default_rng(0).random((480, 854)).astype(np.float32)
    small = made.shrink(plane)
    np.testing.assert_allclose(small, plane.reshape(240, 2, 427, 2).mean(axis=(1, 3)), atol=1e-6)
    assert made.enlarge(small).shape == (480, 854)


def test_objects_of_one_frame_share_a_palette_and_later_frames_make_another() -> None:
    made = frame((60, 80), 240)
    first = made.palette(4, similarity=3.0, seed=0)
    assert made.palette(4, similarity=3.0, seed=0) is first
    assert made.palette(5, similarity=3.0, seed=0) is not first
    made.see_frame(np.zeros((60, 80, 3), np.uint8))
    assert made.palette(4, similarity=3.0, seed=0) is not first
