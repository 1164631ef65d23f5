import numpy as np

from vos_bench.api import Image, Mask
from vos_bench.parts.coloured_mask import ColouredMask, ColouredMaskConfig
from vos_bench.parts.working_size import WorkingFrame

SIZE = (120, 160)


def disk(row: float, column: float, radius: float = 18) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def picture(*masks: Mask, seed: int = 0) -> Image:
    image = np.random.default_rng(seed).normal((60, 110, 80), 15, (*SIZE, 3))
    for mask in masks:
        image[mask] += (130, 20, -50)
    return image.clip(0, 255).astype(np.uint8)


def started(mask: Mask, *, config: ColouredMaskConfig | None = None) -> tuple[WorkingFrame, ColouredMask]:
    frame = WorkingFrame(240)
    frame.see_frame(picture(mask))
    return frame, ColouredMask(frame, mask.astype(np.float32), config=config or ColouredMaskConfig(), seed=0)


def show(frame: WorkingFrame, coloured: ColouredMask, image: Image) -> None:
    frame.see_frame(image)
    coloured.see_frame()


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


def test_a_guess_that_is_off_is_mended_by_colours() -> None:
    frame, coloured = started(disk(60, 80))
    show(frame, coloured, picture(disk(60, 80), seed=1))
    coloured.mend(disk(60, 88).astype(np.float32))
    assert overlap(coloured.plane > 0.5, disk(60, 80)) > 0.9


def test_where_the_guess_is_not_trusted_colours_decide() -> None:
    config = ColouredMaskConfig(prior_weight=20.0)
    frame, coloured = started(disk(60, 80), config=config)
    show(frame, coloured, picture(disk(60, 80), seed=1))
    planes = []
    for trust in (1.0, 0.0):
        coloured.mend(disk(60, 92).astype(np.float32), np.full(SIZE, trust, np.float32))
        planes.append(overlap(coloured.plane > 0.5, disk(60, 80)))
    assert planes[0] < 0.6
    assert planes[1] > 0.85


def test_an_object_that_was_hidden_is_found_again() -> None:
    frame, coloured = started(disk(60, 80))
    doubt = np.full(SIZE, 0.3, np.float32)
    for seed in range(1, 5):
        show(frame, coloured, picture(seed=seed))
        coloured.mend(coloured.plane, doubt)
        coloured.remember(coloured.plane)
        assert not (coloured.plane > 0.5).any()
    show(frame, coloured, picture(disk(60, 86), seed=9))
    coloured.mend(coloured.plane, doubt)
    assert overlap(coloured.plane > 0.5, disk(60, 86)) > 0.5


def test_nothing_is_claimed_outside_the_region_that_is_asked() -> None:
    frame, coloured = started(disk(60, 40))
    show(frame, coloured, picture(disk(60, 40), disk(60, 140), seed=1))
    rows, columns = coloured.mend(disk(60, 40).astype(np.float32))
    outside = np.ones(SIZE, np.bool_)
    outside[rows, columns] = False
    assert outside[disk(60, 140)].all()
    assert not coloured.plane[outside].any()


def test_an_object_smaller_than_a_working_pixel_gets_one() -> None:
    frame = WorkingFrame(30)
    frame.see_frame(picture())
    speck = np.zeros(SIZE, np.float32)
    speck[41, 61] = 1
    plane = ColouredMask(frame, speck, config=ColouredMaskConfig(), seed=0).plane
    assert plane.sum() == plane[10, 15] == 1
