import cv2
import numpy as np
import pytest

from vos_bench.api import Image, Mask, Prompt
from vos_bench.methods.colour_model import ColourModel, ColourModelConfig, best_shift, refine

SIZE = (120, 160)


def disk(row: float, column: float, radius: float = 18) -> Mask:
    rows, columns = np.mgrid[: SIZE[0], : SIZE[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 <= radius**2


def picture(*masks: Mask, seed: int = 0) -> Image:
    """Orange things on greenish grain; the grain is new in every picture, so only colours persist."""
    image = np.random.default_rng(seed).normal((60, 110, 80), 15, (*SIZE, 3))
    for mask in masks:
        image[mask] += (130, 20, -50)
    return image.clip(0, 255).astype(np.uint8)


def overlap(one: Mask, other: Mask) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("steps", [0, 1])
def test_an_object_is_found_again_after_a_jump(steps: int) -> None:
    method = ColourModel(ColourModelConfig(grabcut_steps=steps))
    method.initialize(picture(disk(50, 50)), Prompt(masks={1: disk(50, 50)}))
    assert overlap(method.step(picture(disk(58, 68), seed=1)).labels == 1, disk(58, 68)) > 0.85


def test_a_double_at_another_place_is_left_alone() -> None:
    one, other = disk(60, 40), disk(60, 115)
    method = ColourModel()
    method.initialize(picture(one, other), Prompt(masks={1: one}))
    for seed in range(1, 6):
        labels = method.step(picture(one, other, seed=seed)).labels
    assert not labels[other].any()
    assert overlap(labels == 1, one) > 0.85


def test_two_objects_of_one_colour_keep_their_ids() -> None:
    one, other = disk(60, 40), disk(60, 115)
    method = ColourModel()
    method.initialize(picture(one, other), Prompt(masks={1: one, 2: other}))
    for seed in range(1, 6):
        labels = method.step(picture(one, other, seed=seed)).labels
    assert overlap(labels == 1, one) > 0.8
    assert overlap(labels == 2, other) > 0.8


@pytest.mark.parametrize("move", [(0, 0), (7, -11), (-24, 24)])
def test_the_best_shift_lies_on_the_evidence(move: tuple[int, int]) -> None:
    evidence = np.where(disk(60 + move[0], 80 + move[1]), 3, -3).astype(np.float32)
    plane = disk(60, 80).astype(np.float32)
    found = best_shift(plane, evidence, reach=24, last=np.zeros(2), inertia=0.5)
    assert found.tolist() == list(move)


def test_without_evidence_an_object_goes_on_as_before() -> None:
    plane = disk(60, 80).astype(np.float32)
    found = best_shift(plane, np.zeros(SIZE, np.float32), reach=24, last=np.array([3.0, -6.0]), inertia=0.5)
    assert found.tolist() == [3, -6]


def test_a_lost_object_and_a_reach_of_zero_do_not_move() -> None:
    evidence = np.ones(SIZE, np.float32)
    for plane, reach in ((np.zeros(SIZE, np.float32), 24), (disk(60, 80).astype(np.float32), 0)):
        assert best_shift(plane, evidence, reach=reach, last=np.ones(2), inertia=0.5).tolist() == [0, 0]


def test_grabcut_draws_a_rough_outline_to_the_edge() -> None:
    config = ColourModelConfig(grabcut_share=1.0, grabcut_band=8)
    unsure = cv2.GaussianBlur(disk(60, 83, radius=20).astype(np.float32), (0, 0), 5)
    fine = refine(picture(disk(60, 80)), unsure, config=config, seed=0)
    assert overlap(fine > 0.5, disk(60, 80)) > overlap(unsure > 0.5, disk(60, 80)) + 0.1


def test_grabcut_changes_nothing_far_from_the_outline() -> None:
    plane = np.where(disk(60, 80, radius=30), np.float32(0.8), np.float32(0.2))
    fine = refine(picture(disk(60, 60, radius=8)), plane, config=ColourModelConfig(grabcut_share=1.0), seed=0)
    assert (fine[disk(60, 80, radius=22)] > 0.5).all()
    assert (fine[~disk(60, 80, radius=38)] < 0.5).all()


@pytest.mark.parametrize("level", [0.0, 1.0])
def test_grabcut_leaves_a_plane_alone_that_has_only_one_side(level: float) -> None:
    plane = np.full(SIZE, level, np.float32)
    np.testing.assert_array_equal(refine(picture(), plane, config=ColourModelConfig(), seed=0), plane)
