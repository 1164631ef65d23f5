"""The numbers behind failures and attributes: plain, compiled, and by definition."""

from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from vos_bench.metrics.overlaps import (
    CompiledOverlapCounter,
    ObjectOverlap,
    OverlapCounter,
    count_overlaps,
    inner_border,
    inner_border_width,
)

Labels = NDArray[np.uint8]

WAYS: dict[str, Callable[[], OverlapCounter]] = {"plain": OverlapCounter, "compiled": CompiledOverlapCounter}


@pytest.fixture(params=WAYS)
def counter(request: pytest.FixtureRequest) -> OverlapCounter:
    return WAYS[request.param]()


def labels(*rows: str) -> Labels:
    return np.array([[int(pixel) for pixel in row] for row in rows], np.uint8)


@st.composite
def clips(draw: st.DrawFn, heights: st.SearchStrategy[int], widths: st.SearchStrategy[int]) -> list[Any]:
    """A few pairs of label maps of one size, with blocks of labels that stay, move or vanish."""
    shape, most = (draw(heights), draw(widths)), draw(st.sampled_from([1, 3, 40]))
    rng = np.random.default_rng(draw(st.integers(0, 10_000)))
    noisy = draw(st.booleans())
    frames = []
    pair = np.zeros((2, *shape), np.uint8)
    for _ in range(draw(st.integers(1, 4))):
        pair = pair.copy()
        for layer in pair:
            for _ in range(2):
                y, x = rng.integers(0, shape[0]), rng.integers(0, shape[1])
                layer[y : y + rng.integers(1, 12), x : x + rng.integers(1, 100)] = rng.integers(0, most + 1)
        if noisy:
            pair[rng.random(pair.shape) < 0.02] = rng.integers(0, most + 1)
        frames.append((pair[0], pair[1], draw(st.booleans())))
    return frames


def same_numbers(frames: list[Any]) -> None:
    plain, compiled = OverlapCounter(), CompiledOverlapCounter()
    for truth, masks, follows in frames:
        expected = plain.count(truth, masks, follows=follows)
        assert compiled.count(truth, masks, follows=follows) == expected


@settings(deadline=None)
@given(
    frames=clips(st.integers(1, 40), st.one_of(st.integers(1, 12), st.sampled_from([63, 64, 65, 127, 128, 129, 200])))
)
def test_both_ways_of_counting_agree(frames: list[Any]) -> None:
    same_numbers(frames)


def test_they_agree_on_a_large_image_whose_inner_borders_are_wider_than_a_word() -> None:
    assert inner_border_width(260, 4000) == 80
    frames = []
    for i in range(2):
        truth, masks = np.zeros((260, 4000), np.uint8), np.zeros((260, 4000), np.uint8)
        truth[5:250, 100:1900], truth[:, 2000:2300] = 1, 2
        masks[9 - i : 251, 90:1870], masks[20:240, 1990 + i : 2310], masks[:, 3900:] = 1, 2, 3
        truth[100:130, 500:530] = 3
        frames.append((truth, masks, i > 0))
    same_numbers(frames)


def test_areas_owners_and_boxes(counter: OverlapCounter) -> None:
    truth = labels("11022", "11022", "00003")
    masks = labels("01111", "01110", "00001")
    [one] = [numbers for label, numbers in counter.count(truth, masks, follows=False).items() if label == 1]
    assert (one.intersection, one.truth_area, one.mask_area) == (2, 4, 8)
    assert (one.owner, one.owned) == (2, 3)
    assert (one.left, one.top, one.right, one.bottom) == (0, 0, 1, 1)
    assert (one.mask_left, one.mask_top, one.mask_right, one.mask_bottom) == (1, 0, 4, 2)


def test_the_outline_counts_sides_of_pixels_and_which_of_them_another_object_shares(counter: OverlapCounter) -> None:
    found = counter.count(labels("0112", "0112", "0333"), labels("0000", "0000", "0000"), follows=False)
    assert {label: (each.outline, each.contact) for label, each in found.items()} == {1: (8, 4), 2: (6, 3), 3: (8, 3)}


def test_flicker_is_what_changes_in_the_mask_alone(counter: OverlapCounter) -> None:
    before, after = labels("0110", "0000"), labels("0011", "0000")
    counter.count(before, labels("0110", "0000"), follows=False)
    [moved] = counter.count(after, labels("0011", "0000"), follows=True).values()
    assert (moved.flicker, moved.lost) == (0, 1), "it changed as the truth did"
    [gone] = counter.count(after, labels("0000", "0100"), follows=True).values()
    assert (gone.flicker, gone.lost) == (3, 2)
    [alone] = counter.count(after, labels("0000", "0000"), follows=False).values()
    assert (alone.flicker, alone.lost) == (0, 0), "nothing comes before it"


def test_a_mask_that_vanishes_where_no_truth_is_leaves_its_numbers(counter: OverlapCounter) -> None:
    nothing = labels("0000")
    counter.count(nothing, labels("0330"), follows=False)
    assert counter.count(nothing, nothing, follows=True) == {3: ObjectOverlap(0, 0, 0, flicker=2, lost=2)}


@pytest.mark.parametrize("shape", [(30, 40), (120, 90), (480, 854)])
def test_the_inner_border_is_that_of_boundary_iou(shape: tuple[int, int]) -> None:
    region = np.zeros(shape, np.bool_)
    height, width = shape
    region[: height // 2, width // 4 :] = True
    region[height // 8, width // 2] = False
    reach = inner_border_width(*shape)
    assert reach == max(1, round(0.02 * np.sqrt(height**2 + width**2)))
    padded = cv2.copyMakeBorder(region.astype(np.uint8), 1, 1, 1, 1, cv2.BORDER_CONSTANT, value=0)
    eroded = cv2.erode(padded, np.ones((3, 3), np.uint8), iterations=reach)[1:-1, 1:-1]
    assert (inner_border(region, reach) == region & (eroded == 0)).all()


def test_inner_borders_are_counted_where_truth_and_mask_meet(counter: OverlapCounter) -> None:
    truth, masks = np.zeros((60, 130), np.uint8), np.zeros((60, 130), np.uint8)
    truth[10:40, 20:100], masks[12:42, 20:100] = 1, 1
    reach = inner_border_width(60, 130)
    assert reach == 3
    one, other = inner_border(truth == 1, reach), inner_border(masks == 1, reach)
    [found] = counter.count(truth, masks, follows=False).values()
    assert (found.inner_both, found.inner_either) == ((one & other).sum(), (one | other).sum())
    masks[:] = 0
    masks[50:55, 20:30] = 1
    [apart] = counter.count(truth, masks, follows=False).values()
    assert (apart.inner_both, apart.inner_either) == (0, 0)


def test_ids_above_255_and_frames_of_another_size_are_counted(counter: OverlapCounter) -> None:
    wide = np.array([[0, 301, 301], [7, 7, 65535]], np.uint16)
    narrow = np.array([[0, 1, 1], [7, 7, 0]], np.uint8)
    previous: Any = None
    for truth, follows in (
        (narrow, False),
        (wide, True),
        (narrow, True),
        (narrow[:, :2].copy(), True),
        (narrow, False),
    ):
        before = previous if follows and previous[0].shape == truth.shape else None
        assert counter.count(truth, truth, follows=follows) == count_overlaps(truth, truth, before)
        previous = truth, truth
