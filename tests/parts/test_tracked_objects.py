from collections.abc import Callable

import numpy as np
import pytest

from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.parts.tracked_objects import TrackedObjects

IMAGE = np.zeros((6, 8, 3), np.uint8)
MASK = np.ones((6, 8), bool)


@pytest.fixture
def objects() -> TrackedObjects:
    objects = TrackedObjects("mine")
    objects.reset(IMAGE)
    return objects


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda objects: objects.reset(IMAGE[..., 0]),
            r"mine: found an image of \(6, 8\) uint8, expected H x W x 3 uint8",
        ),
        (lambda objects: objects.reset(IMAGE / 255), "float64, expected H x W x 3 uint8"),
        (lambda objects: objects.check_frame(IMAGE[1:]), "mine: found a frame of 5 x 8 pixels, expected 6 x 8"),
        (lambda objects: objects.check_prompt(Prompt(masks={3: MASK[1:]})), "mine: the mask of object 3 has"),
        (lambda objects: objects.check_prompt(Prompt(boxes={3: (0, 0, 1, 1)})), "mine: object 3 is given as a box"),
    ],
)
def test_what_breaks_the_contract_is_refused_by_name(
    objects: TrackedObjects, call: Callable[[TrackedObjects], None], message: str
) -> None:
    with pytest.raises(BadInputError, match=message):
        call(objects)


def test_a_step_needs_a_first_image() -> None:
    with pytest.raises(BadInputError, match="mine: step was called before initialize"):
        TrackedObjects("mine").check_frame(IMAGE)


@pytest.mark.parametrize("again", [2, 5])
def test_an_object_starts_once_even_when_there_was_nothing_to_see(objects: TrackedObjects, again: int) -> None:
    objects.add([2], Prompt(masks={2: MASK, 5: ~MASK}))
    with pytest.raises(BadInputError, match=f"object {again} was given before"):
        objects.check_prompt(Prompt(masks={again: MASK}))
    objects.reset(IMAGE)
    objects.check_prompt(Prompt(masks={again: MASK}))


def test_boxes_are_taken_where_a_method_says_so() -> None:
    objects = TrackedObjects("mine", boxes=True)
    objects.reset(IMAGE)
    objects.check_prompt(Prompt(boxes={3: (0, 0, 1, 1)}))


def test_planes_come_by_ascending_id_with_empty_ones_for_the_absent(objects: TrackedObjects) -> None:
    objects.add([7], Prompt(masks={7: MASK, 3: ~MASK}))
    objects.add([5], Prompt(masks={5: MASK}))
    planes = objects.to_planes(np.stack([np.full((6, 8), value, np.float32) for value in (0.25, 0.5, 0.75)]))
    assert planes.dtype == np.float16
    assert planes[:, 0, 0].tolist() == [0.25, 0.0, 0.75, 0.5]
