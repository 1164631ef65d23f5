from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from numpy.typing import NDArray

from vos_bench.compiled.count import LARGEST_RADIUS
from vos_bench.metrics.counts import CompiledCounter, CountFrame, count_frame
from vos_bench.metrics.measures import tolerance_radius

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


@settings(deadline=None, max_examples=40)
@given(pair=pairs(st.integers(1, 4), st.integers(500, 7800)))
def test_wide_images_and_their_wide_disks_agree_too(pair: Pair) -> None:
    assert tolerance_radius(*pair[0].shape) <= LARGEST_RADIUS
    assert CompiledCounter()(*pair) == count_frame(*pair)


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
