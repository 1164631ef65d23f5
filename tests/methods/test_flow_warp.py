import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.api import Image, Mask, Prompt
from vos_bench.methods.flow_warp import FlowWarp, FlowWarpConfig, Motion

SIZE = (120, 160)


def texture(seed: int, height: int = 200, width: int = 240) -> NDArray[np.float32]:
    grain = np.random.default_rng(seed).normal(0, 1, (height, width, 3)).astype(np.float32)
    smooth = cv2.GaussianBlur(grain, (0, 0), 2)
    return 128 + 45 * smooth / smooth.std()


def shifted(down: int, right: int) -> Image:
    """A still texture seen through a window that moves, so that all content moves by (down, right)."""
    cut = texture(0)[40 - down : 40 - down + SIZE[0], 40 - right : 40 - right + SIZE[1]]
    return cut.clip(0, 255).astype(np.uint8)


def disk(row: float, column: float, radius: float = 25) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def over_background(row: int, column: int) -> Image:
    image = 0.5 * texture(1)[: SIZE[0], : SIZE[1]]
    image[disk(row, column)] = (
        100 + texture(2)[100 - row : 100 - row + SIZE[0], 120 - column : 120 - column + SIZE[1]]
    )[disk(row, column)]
    return image.clip(0, 255).astype(np.uint8)


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("mend", [True, False])
def test_a_mask_moves_with_what_it_covers(mend: bool) -> None:
    method = FlowWarp(FlowWarpConfig(mend=mend))
    method.initialize(over_background(50, 60), Prompt(masks={1: disk(50, 60)}))
    for t in range(1, 6):
        labels = method.step(over_background(50 + t, 60 + 4 * t)).labels
    assert overlap(labels == 1, disk(55, 80)) > 0.85


def test_without_mending_a_shift_moves_the_mask_by_that_shift() -> None:
    method = FlowWarp(FlowWarpConfig(mend=False))
    method.initialize(shifted(0, 0), Prompt(masks={1: disk(60, 80)}))
    assert overlap(method.step(shifted(3, -5)).labels == 1, disk(63, 75)) > 0.97


def test_mending_recovers_an_outline_that_was_drawn_too_wide() -> None:
    wide = disk(60, 80, radius=31)
    scores = []
    for mend in (False, True):
        method = FlowWarp(FlowWarpConfig(mend=mend))
        method.initialize(over_background(60, 80), Prompt(masks={1: wide}))
        for _ in range(6):
            labels = method.step(over_background(60, 80)).labels
        scores.append(overlap(labels == 1, disk(60, 80)))
    assert scores[1] > scores[0] + 0.05


def test_one_flow_serves_all_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    frames: list[int] = []
    see_frame = Motion.see_frame
    monkeypatch.setattr(Motion, "see_frame", lambda self, image: (frames.append(1), see_frame(self, image))[1])
    method = FlowWarp()
    method.initialize(shifted(0, 0), Prompt(masks={k: disk(60, 20 * k, radius=8) for k in range(1, 7)}))
    method.step(shifted(1, 1))
    assert len(frames) == 2


def test_the_flow_of_a_shift_is_that_shift_and_is_trusted() -> None:
    motion = Motion(FlowWarpConfig())
    motion.see_frame(shifted(0, 0))
    motion.see_frame(shifted(2, 6))
    carried = motion.carry(disk(60, 80).astype(np.float32))
    assert overlap(carried > 0.5, disk(62, 86)) > 0.97
    assert (motion.trust[20:-20, 20:-20] == 1).mean() > 0.99


def test_pixels_that_come_into_sight_are_distrusted() -> None:
    motion = Motion(FlowWarpConfig(distrust=0.25))
    motion.see_frame(over_background(60, 60))
    motion.see_frame(over_background(60, 72))
    uncovered = disk(60, 60) & ~disk(60, 72, radius=27)
    assert (motion.trust[uncovered] == 0.25).mean() > 0.5
    assert (motion.trust == 0.25).mean() < 0.3


def test_without_the_check_everything_is_trusted() -> None:
    motion = Motion(FlowWarpConfig(check=False))
    motion.see_frame(over_background(60, 60))
    motion.see_frame(over_background(60, 72))
    assert (motion.trust == 1).all()


def test_nothing_is_carried_in_from_outside_the_frame() -> None:
    motion = Motion(FlowWarpConfig())
    motion.see_frame(shifted(0, 0))
    motion.see_frame(shifted(0, 8))
    carried = motion.carry(np.ones(SIZE, np.float32))
    assert (carried[20:-20, :5] < 0.5).mean() > 0.9
    assert (carried[20:-20, 20:-20] > 0.9).all()


def test_answers_have_the_frame_s_own_size_at_any_working_size() -> None:
    big = cv2.resize(over_background(50, 60), (640, 480), interpolation=cv2.INTER_LINEAR)
    mask = cv2.resize(disk(50, 60).astype(np.uint8), (640, 480), interpolation=cv2.INTER_NEAREST) > 0
    method = FlowWarp(FlowWarpConfig(working_side=90))
    method.initialize(big, Prompt(masks={1: mask}))
    labels = method.step(big).labels
    assert labels.shape == (480, 640)
    assert overlap(labels == 1, mask) > 0.9
