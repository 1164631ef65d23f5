"""`vos_bench.load_method`: a method that is ready to use, driven frame by frame."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import vos_bench
from vos_bench import registry
from vos_bench.api import Method, Prompt
from vos_bench.errors import BadInputError, MethodError
from vos_bench.running.method import LoadedMethod
from vos_bench.weights import choose

CODE = """
import numpy as np
from vos_bench.api import Method, Prediction, SequenceMethod
from vos_bench.config import FrozenModel

class Depth(FrozenModel):
    levels: int = 1

class Settings(FrozenModel):
    name: str = "plain"
    depth: Depth = Depth()

class Last(Method):
    "Answers with the last object that started, everywhere; notes what it was given."
    Config = Settings

    def initialize(self, image, prompt):
        self.given, self.count, self.drawn = [prompt], 0, np.random.rand()
        return self.answer(image, prompt)

    def step(self, image, new=None):
        self.given.append(new)
        return self.answer(image, new)

    def answer(self, image, new):
        self.count += len(new.object_ids) if new else 0
        shape = image.shape[:2]
        return Prediction(np.full(shape, self.count, np.uint16), np.zeros((1 + self.count, *shape), np.float16))

class Wrong(Last):
    def step(self, image, new=None):
        return Prediction(np.full(image.shape[:2], 9, np.uint16))

class Strict(Last):
    def answer(self, image, new):
        for array in (image, *(new.masks.values() if new else ())):
            assert array.flags.c_contiguous and array.flags.writeable
        return super().answer(image, new)

class Whole(SequenceMethod):
    def segment(self, sequence):
        yield
"""

IMAGE = np.zeros((4, 6, 3), np.uint8)
LABELS = np.zeros((4, 6), np.uint8)
LABELS[0], LABELS[1] = 9, 4


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(CODE, "utf-8")
    return path


@pytest.fixture
def load(file: Path) -> Callable[..., LoadedMethod]:
    return lambda name="Last", **options: vos_bench.load_method(f"{file}:{name}", **options)


def test_ids_and_given_masks_come_back_as_they_were_given(load: Callable[..., LoadedMethod]):
    tracker = load()
    first = tracker.initialize(IMAGE, LABELS)
    assert tracker.object_ids == (4, 9)
    assert tracker.method.given[0].object_ids == (1, 2)
    assert first.labels.dtype == np.uint16
    assert first.labels.tolist() == [[9] * 6, [4] * 6, [0] * 6, [0] * 6]  # pasted over 9 everywhere
    assert (tracker.step(IMAGE).labels == 9).all()
    assert first.probabilities is not None
    assert first.probabilities.shape == (3, 4, 6)


def test_objects_may_start_later(load: Callable[..., LoadedMethod]):
    tracker = load()
    tracker.initialize(IMAGE, LABELS)
    later = tracker.step(IMAGE, {300: (0, 0, 6, 4)})
    assert tracker.object_ids == (4, 9, 300)
    assert tracker.method.given[1].boxes == {3: (0.0, 0.0, 6.0, 4.0)}
    assert (later.labels == 300).all()


def test_a_second_initialize_forgets_the_first_sequence(load: Callable[..., LoadedMethod]):
    tracker = load()
    tracker.initialize(IMAGE, LABELS)
    tracker.initialize(IMAGE[:2], LABELS[:2] == 4)
    assert tracker.object_ids == (1,)


def test_every_sequence_begins_with_the_seed(load: Callable[..., LoadedMethod]):
    drawn = []
    for seed in (0, 0, 1):
        tracker = load(seed=seed)
        for _ in range(2):
            tracker.initialize(IMAGE, LABELS)
            drawn.append(tracker.method.drawn)
    assert len({*drawn[:4]}) == 1
    assert drawn[4] == drawn[5] != drawn[0]


def test_step_needs_a_first_frame_and_one_size(load: Callable[..., LoadedMethod]):
    tracker = load()
    with pytest.raises(BadInputError, match=r"call initialize\(image, prompt\) on its first frame"):
        tracker.step(IMAGE)
    tracker.initialize(IMAGE, LABELS)
    with pytest.raises(BadInputError, match="image: is 6x2 and the first frame 6x4; expected one size"):
        tracker.step(IMAGE[:2])
    with pytest.raises(BadInputError, match="image: found a list"):
        tracker.step([IMAGE])


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        ({1: np.zeros((4, 6), bool)}, "object 1: its mask or box is empty; expected at least one pixel"),
        ({1: (2, 2, 2, 4)}, "object 1: its mask or box is empty"),
        (np.zeros((4, 6), np.uint8), "prompt: found no object; expected at least one"),
        (Prompt(), "prompt: found no object"),
        (np.full((4, 6), 0.7), "give probabilities > 0.5"),
    ],
)
def test_there_is_something_to_follow(load: Callable[..., LoadedMethod], prompt: Any, message: str):
    tracker = load()
    with pytest.raises(BadInputError, match=message):
        tracker.initialize(IMAGE, prompt)
    tracker.initialize(IMAGE, LABELS)
    with pytest.raises(BadInputError, match=message):
        tracker.step(IMAGE, prompt)


def test_an_object_starts_once(load: Callable[..., LoadedMethod]):
    tracker = load()
    tracker.initialize(IMAGE, LABELS)
    with pytest.raises(BadInputError, match="object 9: started on an earlier frame"):
        tracker.step(IMAGE, {9: LABELS == 9})


def test_an_answer_that_breaks_the_contract_is_refused(load: Callable[..., LoadedMethod]):
    tracker = load("Wrong")
    tracker.initialize(IMAGE, LABELS)
    with pytest.raises(MethodError, match="frame 1: returned the unknown object 9"):
        tracker.step(IMAGE)


@pytest.mark.parametrize(
    "settings",
    [
        {"name": "1", "depth.levels": 3},
        {"name": "1", "depth": {"levels": 3}},
        ['name="1"', "depth.levels=3"],
    ],
)
def test_settings_are_a_dict_or_texts(load: Callable[..., LoadedMethod], settings: Any):
    tracker = load(settings=settings)
    assert tracker.config.model_dump() == {"name": "1", "depth": {"levels": 3}}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ("name=x", "found a text; expected a dict of values or a list of texts"),
        ({"name": None}, "settings: name is None; expected a number"),
        ({"name": object}, "settings: name is <class 'object'>; expected a number"),
        ({"depth.levels": float("nan")}, "settings: depth.levels is nan"),
        ({"size": 3}, "there is no 'size'"),
        ({"depth.levels": "many"}, "depth.levels: Input should be a valid integer"),
    ],
)
def test_settings_that_do_not_fit_are_refused(load: Callable[..., LoadedMethod], settings: Any, message: str):
    with pytest.raises(BadInputError, match=message):
        load(settings=settings)


def test_a_method_of_whole_sequences_says_what_to_use(load: Callable[..., LoadedMethod]):
    with pytest.raises(BadInputError, match=r"takes whole sequences, not single frames; use vos_bench\.run\("):
        load("Whole")


def test_absent_weights_get_the_message_of_the_command():
    with pytest.raises(BadInputError) as expected:
        choose(registry.method("lwl"), None)
    with pytest.raises(BadInputError) as found:
        vos_bench.load_method("lwl")
    assert str(found.value) == str(expected.value)


def test_a_method_without_boxes_refuses_them():
    tracker = vos_bench.load_method("label-propagation", device="cpu")
    with pytest.raises(BadInputError, match="label-propagation starts from a mask, found a box for object 1"):
        tracker.initialize(IMAGE, {1: (0, 0, 2, 2)})


def test_flipped_and_read_only_arrays_are_taken(load: Callable[..., LoadedMethod]):
    tracker = load("Strict")
    flipped, read_only = IMAGE[..., ::-1], IMAGE.copy()
    read_only.flags.writeable = False
    for image in (flipped, read_only):
        tracker.initialize(image, {1: (LABELS == 9)[:, ::-1]})
        tracker.step(image)


def test_the_shipped_method_is_ready(tmp_path: Path):
    image = np.zeros((48, 64, 3), np.uint8)
    image[10:30, 20:40] = 200
    labels = np.zeros((48, 64), np.uint8)
    labels[10:30, 20:40] = 5
    first = []
    for weights in (None, "lwl-lite"):
        tracker = vos_bench.load_method("lwl-lite", weights, device="cpu", settings={"crop_size": [96, 128]})
        assert isinstance(tracker, Method)
        tracker.initialize(image, labels)
        first.append(tracker.step(image).labels)
        tracker.close()
    assert set(np.unique(first[0])) <= {0, 5}
    assert (first[0] == first[1]).all()
    with pytest.raises(BadInputError, match="there is no such file of weights"):
        vos_bench.load_method("lwl-lite", tmp_path / "none.pth")
