from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vos_bench.compiled.programs import LARGEST_RADIUS
from vos_bench.metrics.contours import (
    CONTOUR,
    CONTOUR_BY_AREA,
    CONTOUR_OF_COMPILED_OP,
    ContourRule,
    disk,
    disks_by_area,
    tolerance_radius,
)
from vos_bench.metrics.counts import CompiledCounter, CountFrame, HigherLabelError, count_frame, count_object

Count = Callable[[NDArray[Any], NDArray[Any]], Any]
Pair = tuple[NDArray[np.uint8], NDArray[np.uint8]]

WAYS: dict[str, Callable[[], CountFrame]] = {"plain": lambda: count_frame, "compiled": CompiledCounter}


@pytest.fixture(params=WAYS, scope="module")
def count(request: pytest.FixtureRequest) -> CountFrame:
    return WAYS[request.param]()


@st.composite
def pairs(draw: st.DrawFn, heights: st.SearchStrategy[int], widths: st.SearchStrategy[int]) -> Pair:
    """Two label maps of one size: noise, or blocks of one label, or nearly alike."""
    shape, labels = (draw(heights), draw(widths)), st.integers(0, draw(st.sampled_from([1, 3, 40])))
    truth = draw(hnp.arrays(np.uint8, shape, elements=labels, fill=st.just(0)))
    masks = truth.copy() if draw(st.booleans()) else draw(hnp.arrays(np.uint8, shape, elements=labels, fill=labels))
    for labelled in (truth, masks):
        top, left = draw(st.integers(0, shape[0])), draw(st.integers(0, shape[1]))
        labelled[top : top + draw(st.integers(0, 9)), left : left + draw(st.integers(0, 90))] = draw(labels)
    return truth, masks


@settings(deadline=None)
@given(pair=pairs(st.integers(1, 14), st.one_of(st.integers(1, 12), st.sampled_from([63, 64, 65, 100, 127, 128, 129]))))
@example(pair=(np.ones((3, 5), np.uint8), np.zeros((3, 5), np.uint8)))
@example(pair=(np.eye(70, dtype=np.uint8), np.eye(70, dtype=np.uint8)[:, ::-1]))
def test_both_ways_of_counting_agree_with_the_definition(pair: Pair, count: CountFrame, count_naively: Count) -> None:
    assert dict(sorted(count(*pair).items())) == count_naively(*pair)


@pytest.mark.parametrize("label", [2, 7, 8, 255])
def test_one_object_is_counted_where_both_masks_are_0_and_1_and_no_memory_is_taken_for_others(
    label: int, count: CountFrame
) -> None:
    truth, mask = np.zeros((2, 9, 70), np.uint8)
    assert count_object(count, truth, mask) is None
    mask[2:5, 3:66] = truth[3:7, 5:64] = 1
    assert count_object(count, truth, mask) == count_frame(truth, mask)[1]
    for labels in (truth, mask):
        labels[4, 20] = label
        with pytest.raises(HigherLabelError):
            count_object(count, truth, mask)
        labels[4, 20] = 1
        elsewhere = np.roll(truth, (3, 6), (0, 1))  # what was counted in part is not in the way
        assert count_object(count, elsewhere, truth) == count_frame(elsewhere, truth)[1]
    assert getattr(count, "_labels", 8) <= 41  # what the label maps of the other tests have
    assert count_object(count, truth, mask) == count_frame(truth, mask)[1]


@settings(deadline=None, max_examples=40)
@given(pair=pairs(st.integers(1, 4), st.integers(500, 7800)))
def test_wide_images_and_their_wide_disks_agree_too(pair: Pair) -> None:
    assert tolerance_radius(*pair[0].shape) <= LARGEST_RADIUS
    assert CompiledCounter()(*pair) == count_frame(*pair)


def test_a_large_frame_with_large_objects_is_counted_under_every_rule() -> None:
    rows, columns = np.mgrid[:1080, :1920]
    truth, masks = np.zeros((1080, 1920), np.uint8), np.zeros((1080, 1920), np.uint8)
    for label, (y, x, radius) in enumerate(((300, 400, 260), (500, 900, 200), (1000, 1800, 170), (20, 1919, 60)), 1):
        truth[(rows - y) ** 2 + (columns - x) ** 2 < radius**2] = label
        masks[(rows - y - 3 * label) ** 2 + (columns - x + 5 * label) ** 2 < (radius - 7 * label) ** 2] = label
    assert tolerance_radius(*truth.shape) == 18
    for contour in (CONTOUR, *CONTOURS.values()):
        assert CompiledCounter(contour)(truth, masks) == count_frame(truth, masks, contour)


def test_a_disk_wider_than_a_word_is_counted_all_the_same(count_naively: Count) -> None:
    truth, masks = np.zeros((2, 7900), np.uint8), np.zeros((2, 7900), np.uint8)
    truth[:, 1000:1010], masks[:, 1074:1084] = 1, 1
    assert tolerance_radius(*truth.shape) == 64
    assert CompiledCounter()(truth, masks) == count_naively(truth, masks)


def test_labels_of_any_width_and_layout_are_counted(count: CountFrame, count_naively: Count) -> None:
    rng = np.random.default_rng(0)
    wide = rng.integers(0, 4, (20, 30)).astype(np.uint16)
    narrow = rng.integers(0, 4, (20, 30)).astype(np.uint8)
    layouts = (narrow, wide, narrow[::-1, ::-1], np.asfortranarray(narrow), np.pad(wide, 3)[3:-3, 3:-3])
    for truth in layouts:
        assert count(truth, narrow) == count_naively(truth, narrow)
        assert count(narrow, truth) == count_naively(narrow, truth)


def test_ids_above_255_are_counted(count: CountFrame, count_naively: Count) -> None:
    truth = np.array([[0, 301, 301], [7, 7, 65535]], np.uint16)
    assert count(truth, np.array([[0, 301, 7], [7, 0, 0]], np.uint16)) == count_naively(
        truth, np.array([[0, 301, 7], [7, 0, 0]], np.uint16)
    )


def test_a_counter_keeps_nothing_of_the_frames_before(count_naively: Count) -> None:
    rng, counter = np.random.default_rng(1), CompiledCounter()
    for size, labels in (((9, 70), 3), ((9, 70), 255), ((70, 9), 12), ((9, 70), 2), ((9, 70), 1)):
        truth, masks = rng.integers(0, labels + 1, (2, *size)).astype(np.uint8)
        assert counter(truth, masks) == count_naively(truth, masks)


def test_nothing_in_either_map_counts_nothing(count: CountFrame) -> None:
    assert count(np.zeros((4, 4), np.uint8), np.zeros((4, 4), np.uint8)) == {}


CONTOURS = {"by area": CONTOUR_BY_AREA, "compiled op": CONTOUR_OF_COMPILED_OP, "none": None}


@settings(deadline=None, max_examples=60)
@given(
    pair=pairs(st.integers(1, 40), st.sampled_from([1, 5, 63, 64, 65, 129, 250, 400])),
    contour=st.sampled_from([*CONTOURS.values()]),
)
def test_both_ways_of_counting_agree_under_every_rule(pair: Pair, contour: ContourRule | None) -> None:
    assert CompiledCounter(contour)(*pair) == count_frame(*pair, contour)


def test_a_fractional_disk_is_smaller_than_the_next_whole_one_and_off_its_centre() -> None:
    # ceil(2 r + 1) = 5 rows and columns at -1.6, -0.6, 0.4, 1.4, 2.4, the third of which is the centre.
    coordinates = [k - 1.6 for k in range(5)]
    inside = {
        (i - 2, j - 2) for i, y in enumerate(coordinates) for j, x in enumerate(coordinates) if x * x + y * y <= 2.56
    }
    rows = disk(1.6)
    assert {(row, column) for row, left, right in rows for column in range(-left, right + 1)} == inside
    assert len(inside) < sum(left + right + 1 for _, left, right in disk(2))


def test_small_objects_match_nearer_and_large_ones_by_the_unrounded_distance() -> None:
    disks = disks_by_area(480, 854)  # 0.8 % of the diagonal are 7.84 pixels
    assert disks.places(0) == (0, 0)
    assert disks.places(100) == (len(disks.disks) - 1, 1)
    assert disks.places(101) == (len(disks.disks) - 1, 2)
    assert disks.places(4900) == (len(disks.disks) - 1, 7)
    assert disks.places(4901) == (0, 0)
    assert disks.disks[0] == disk(0.008 * (480**2 + 854**2) ** 0.5)
    assert disks.disks[-1] == disk(8)
