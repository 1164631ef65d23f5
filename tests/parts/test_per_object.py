from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from vos_bench.api import Box, Image, Mask, Prompt
from vos_bench.parts.merging import MergeRule
from vos_bench.parts.per_object import PerObject, Probability, SingleObjectModel, is_empty

SIZE = (6, 8)
IMAGE = np.zeros((*SIZE, 3), np.uint8)


class Scripted(SingleObjectModel):
    """Answers with its start, then with `level` times the start shifted one pixel right a step."""

    def __init__(self, level: float) -> None:
        self.level = level
        self.heard: list[NDArray[np.float32]] = []

    def initialize(self, image: Image, start: Mask | Box) -> Probability:
        if isinstance(start, np.ndarray):
            self.place = start.astype(np.float32)
        else:
            x0, y0, x1, y1 = map(int, start)
            self.place = np.zeros(image.shape[:2], np.float32)
            self.place[y0:y1, x0:x1] = 1
        return self.place

    def step(self, image: Image) -> Probability:
        assert image.shape[:2] == self.place.shape
        self.place = np.roll(self.place, 1, axis=1)
        return self.place * np.float32(self.level)

    def remember(self, merged: Probability) -> None:
        self.heard.append(merged.copy())


class ScriptedMethod(PerObject):
    merge_rule: ClassVar[MergeRule] = "argmax"
    levels: ClassVar[dict[int, float]] = {1: 0.9, 2: 0.8, 3: 0.0}

    def build_model(self, object_id: int) -> SingleObjectModel:
        self.built: dict[int, Scripted] = {**getattr(self, "built", {}), object_id: Scripted(self.levels[object_id])}
        return self.built[object_id]


def block(x: int, width: int = 2) -> Mask:
    mask = np.zeros(SIZE, np.bool_)
    mask[1:4, x : x + width] = True
    return mask


def test_the_first_frame_repeats_masks_and_boxes() -> None:
    prediction = ScriptedMethod().initialize(IMAGE, Prompt(masks={2: block(0)}, boxes={1: (4, 1, 6, 4)}))
    np.testing.assert_array_equal(prediction.labels, 2 * block(0).astype(np.uint16) + block(4))


def test_where_two_objects_meet_the_surer_one_wins() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={1: block(2), 2: block(0, 2)}))
    method.built[1].place = method.built[2].place = block(3).astype(np.float32)
    np.testing.assert_array_equal(method.step(IMAGE).labels, block(4).astype(np.uint16))


def test_a_late_object_keeps_its_mask_and_moves_from_the_next_frame_on() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={1: block(0)}))
    labels, probabilities, _ = method.step(IMAGE, Prompt(masks={2: block(2)}))
    np.testing.assert_array_equal(labels, np.where(block(2), 2, block(1)))
    assert probabilities is not None
    assert probabilities.shape == (3, *SIZE)
    np.testing.assert_allclose(probabilities.sum(axis=0, dtype=np.float32), 1, atol=2e-3)
    assert (method.step(IMAGE).labels == 2)[block(3)][1::2].all()


def test_a_late_object_does_not_reach_outside_its_mask() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={1: block(0)}))
    prediction = method.step(IMAGE, Prompt(masks={2: block(5)}))
    assert prediction.probabilities is not None
    assert not prediction.probabilities[2][~block(5)].any()


def test_an_object_that_vanishes_leaves_background_and_is_asked_again() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={3: block(0)}))
    assert not method.step(IMAGE).labels.any()
    method.built[3].level = 1.0
    np.testing.assert_array_equal(method.step(IMAGE).labels, 3 * block(2).astype(np.uint16))


def test_empty_prompts_are_never_found_and_build_no_model() -> None:
    method = ScriptedMethod()
    empty = np.zeros(SIZE, np.bool_)
    prompt = Prompt(masks={1: empty}, boxes={2: (0, 0, 0, 0), 3: (9, 0, 12, 3)})
    assert not method.initialize(IMAGE, prompt).labels.any()
    assert not method.step(IMAGE).labels.any()
    assert not hasattr(method, "built")


def test_a_start_without_any_object_answers_background() -> None:
    method = ScriptedMethod()
    labels, probabilities, _ = method.initialize(IMAGE, Prompt())
    assert not labels.any()
    assert probabilities is not None
    assert probabilities.shape == (1, *SIZE)


def test_a_second_start_forgets_the_first() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={1: block(0)}))
    method.initialize(IMAGE, Prompt(masks={2: block(0)}))
    assert set(np.unique(method.step(IMAGE).labels)) == {0, 2}


def test_each_model_hears_what_the_merge_left_of_its_answer() -> None:
    method = ScriptedMethod()
    method.initialize(IMAGE, Prompt(masks={1: block(0), 2: block(4)}))
    probabilities = method.step(IMAGE).probabilities
    assert probabilities is not None
    for plane, object_id in enumerate((1, 2), start=1):
        np.testing.assert_allclose(method.built[object_id].heard[-1], probabilities[plane], atol=1e-3)


def test_emptiness_looks_only_at_what_lies_inside_the_image() -> None:
    assert is_empty((-5, 0, 0, 4), SIZE)
    assert not is_empty((-5, 0, 1, 4), SIZE)
    assert is_empty((2, 2, 2, 4), SIZE)
    assert is_empty(np.zeros(SIZE, np.bool_), SIZE)
    assert not is_empty(block(0), SIZE)
