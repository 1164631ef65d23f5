"""What a method is given."""

import numpy as np
import pytest

from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.running.frames import Numbering, given_labels, paste, require_accepted, usable


def mask(*pixels: tuple[int, int]) -> np.ndarray:
    region = np.zeros((4, 5), dtype=np.bool_)
    for row, column in pixels:
        region[row, column] = True
    return region


def test_objects_are_numbered_in_the_order_in_which_they_start():
    numbering = Numbering()
    first = numbering.start(Prompt(masks={301: mask((0, 0)), 7: mask((1, 1))}))
    later = numbering.start(Prompt(boxes={2: (0.0, 0.0, 1.0, 1.0)}))
    assert first.object_ids == (1, 2)
    assert first.masks[1][1, 1]
    assert later.object_ids == (3,)
    assert numbering.ids == [7, 301, 2]


def test_numbers_turn_back_into_the_datasets_ids():
    numbering = Numbering()
    numbering.start(Prompt(masks={65535: mask(), 7: mask()}))
    labels = np.array([[0, 1], [2, 2]], dtype=np.uint16)
    assert numbering.restore(labels).tolist() == [[0, 7], [65535, 65535]]


def test_empty_masks_and_boxes_are_left_out():
    prompt = Prompt(masks={1: mask(), 2: mask((0, 0))}, boxes={3: (2.0, 2.0, 2.0, 4.0), 4: (0.0, 0.0, 1.0, 1.0)})
    assert usable(prompt, (), init="mask").object_ids == (2, 4)
    assert usable(prompt, (), init="box").object_ids == (2, 4)


def test_an_object_starts_once():
    prompt = Prompt(masks={1: mask((0, 0)), 2: mask((1, 1))})
    assert usable(prompt, {1}, init="mask").object_ids == (2,)


def test_masks_become_boxes_when_asked_for():
    prompt = usable(Prompt(masks={1: mask((1, 2), (3, 3))}), (), init="box")
    assert prompt.masks == {}
    assert prompt.boxes == {1: (2.0, 1.0, 4.0, 4.0)}


def test_a_method_without_boxes_refuses_them_with_a_hint():
    with pytest.raises(BadInputError, match=r"still starts from a mask, found a box for object 1\n.*vos-bench list"):
        require_accepted(Prompt(boxes={1: (0.0, 0.0, 1.0, 1.0)}), {"mask"}, method="still")


def test_a_given_mask_is_pasted_exactly():
    labels = np.array([[1, 1, 0], [2, 2, 2]], dtype=np.uint16)
    given = np.array([[0, 0, 1], [0, 0, 1]], dtype=np.uint16)
    paste(labels, given)
    assert labels.tolist() == [[0, 0, 1], [2, 2, 1]]


def test_given_labels_do_not_change_with_the_masks():
    region = mask((0, 0))
    labels = given_labels(Prompt(masks={1: region}), (4, 5))
    region[:] = True
    assert labels is not None
    assert labels.sum() == 1


def test_boxes_give_no_labels_to_paste():
    assert given_labels(Prompt(boxes={1: (0.0, 0.0, 1.0, 1.0)}), (4, 5)) is None
