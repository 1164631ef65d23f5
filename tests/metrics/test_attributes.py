"""Attributes of objects, from truths small enough to work out by hand."""

import numpy as np
import pytest
from numpy.typing import NDArray

from vos_bench.metrics.attributes import ATTRIBUTES, ObjectAttributes, attributes, colour_likeness, colours
from vos_bench.metrics.failures import ObjectFrames
from vos_bench.metrics.overlaps import NO_OVERLAP, OverlapCounter

Labels = NDArray[np.uint8]


def box(*, k: int = 1, y: int = 2, x: int = 2, height: int = 4, width: int = 4, beside: bool = False) -> Labels:
    labels = np.zeros((20, 30), np.uint8)
    labels[y : y + height, x : x + width] = k
    if beside:
        labels[y : y + height, x + width : x + width + 2] = 2
    return labels


def of(frames: list[Labels], *, others: int = 0, places: list[int] | None = None) -> ObjectAttributes:
    counter = OverlapCounter()
    rows = [counter.count(truth, np.zeros_like(truth), follows=False).get(1, NO_OVERLAP) for truth in frames]
    at = np.array(places or range(len(frames)))
    shown = [i for i, row in enumerate(rows) if row.truth_area]
    clip = ObjectFrames(1, tuple(map(str, at)), np.array(rows, np.int64), shown[0], at, several=others > 0)
    return attributes(clip, size=(20, 30), length=int(at[-1]) + 1, others=others, likeness="one object")


NOTHING = np.zeros((20, 30), np.uint8)


def test_size_length_and_distractors() -> None:
    found = of([box(), box(height=8)], others=3).values
    assert found["size"] == (16 + 32) / 2 / 600
    assert (found["length"], found["distractors"], found["late start"]) == (2, 3, 0)


def test_absence_and_returns_count_from_the_first_appearance_on() -> None:
    found = of([NOTHING, NOTHING, box(), NOTHING, box(), NOTHING, box()]).values
    assert (found["absence"], found["returns"], found["late start"]) == (2 / 4, 2, 2)


def test_speed_is_in_sizes_of_the_box_by_frame_of_the_video() -> None:
    assert of([box(x=2), box(x=6)]).values["motion"] == 1.0
    assert of([box(x=2), box(x=6)], places=[0, 5]).values["motion"] == pytest.approx(0.2)
    assert of([box()]).missing["motion"] == "one frame"


def test_shape_change_compares_the_boxes_width_over_height() -> None:
    frames = [box()] * 30 + [box(width=8)] * 30
    assert of(frames).values["shape change"] == 2.0
    assert of([box(), box(y=9)]).values["shape change"] == 1.0


def test_occlusion_needs_another_object_along_the_outline() -> None:
    assert of([box(), box(beside=True)], others=1).values["occlusion"] == 0.5
    assert of([box()]).missing["occlusion"] == "one object"


def test_border_is_the_share_of_frames_at_any_side_of_the_image() -> None:
    sides = [box(y=0), box(x=0), box(y=16), box(x=26), box()]
    assert of(sides).values["border"] == 4 / 5


def test_every_value_has_a_group() -> None:
    size, absence, returns = ATTRIBUTES[:3]
    assert [size.group(value) for value in (0.0, 0.0099, 0.01, 0.1)] == [*[size.groups[0]] * 2, *size.groups[1:]]
    assert [absence.group(value) for value in (0.0, 0.001, 0.2, 1.0)] == [*absence.groups, absence.groups[2]]
    assert [returns.group(value) for value in (0, 1, 2, 9)] == [*returns.groups, returns.groups[2]]
    for attribute in ATTRIBUTES:
        assert len(attribute.groups) == len(attribute.limits) + 1


def test_likeness_is_the_overlap_of_colours_with_the_most_similar_other_object() -> None:
    image = np.zeros((4, 6, 3), np.uint8)
    image[:, :2], image[:, 2:4] = (200, 0, 0), (0, 200, 0)
    image[:2, 4:] = (200, 0, 0)
    masks = {k: np.zeros((4, 6), np.bool_) for k in (1, 2, 3)}
    masks[1][:, :2], masks[2][:, 2:4], masks[3][:, 4:] = True, True, True
    found = colour_likeness({k: colours(image, mask) for k, mask in masks.items()})
    assert found == {1: 0.5, 2: 0.0, 3: 0.5}
    assert colour_likeness({1: colours(image, masks[1])}) == {}
