"""What every method has to bear: several objects, late ones, ones that leave, and the same answer each time."""

import numpy as np
import pytest

import vos_bench

METHOD = "./new_method.py:NewMethod"


@pytest.fixture
def frames() -> np.ndarray:
    """Six frames of 48 x 64 with a bright square that moves to the right, on noise."""
    found = np.random.default_rng(0).integers(0, 80, (6, 48, 64, 3), np.uint8)
    for t, frame in enumerate(found):
        frame[12:28, 8 + 4 * t : 24 + 4 * t] = (230, 60, 40)
    return found


@pytest.fixture
def first(frames: np.ndarray) -> np.ndarray:
    """The label map of the first frame: object 1 is the square."""
    labels = np.zeros(frames.shape[1:3], np.uint16)
    labels[12:28, 8:24] = 1
    return labels


def follow(frames: np.ndarray, first: np.ndarray) -> list[np.ndarray]:
    """Return the label map of every frame."""
    method = vos_bench.load_method(METHOD)
    return [method.initialize(frames[0], first).labels, *(method.step(frame).labels for frame in frames[1:])]


def test_every_answer_is_a_label_map_of_the_frame(frames: np.ndarray, first: np.ndarray) -> None:
    """Every answer has the size of the frame and no unknown id."""
    for labels in follow(frames, first):
        assert labels.shape == frames.shape[1:3]
        assert labels.dtype == np.uint16
        assert set(np.unique(labels)) <= {0, 1}


def test_it_follows_a_bright_square(frames: np.ndarray, first: np.ndarray) -> None:
    """The union of the last answer and the truth is at least half overlap."""
    truth = np.roll(first, 4 * 5, axis=1)
    found = follow(frames, first)[-1]
    assert ((found == 1) & (truth == 1)).sum() > 0.5 * ((found == 1) | (truth == 1)).sum()


def test_it_gives_the_same_answer_twice(frames: np.ndarray, first: np.ndarray) -> None:
    """Nothing of a sequence stays behind, and nothing is left to chance."""
    assert all(map(np.array_equal, follow(frames, first), follow(frames, first)))


def test_an_object_may_start_late(frames: np.ndarray, first: np.ndarray) -> None:
    """An object that starts on a later frame is followed from there."""
    method = vos_bench.load_method(METHOD)
    method.initialize(frames[0], first)
    late = np.zeros_like(first)
    late[36:44, 4:12] = 2
    labels = method.step(frames[1], late).labels
    assert 2 in labels
    assert set(np.unique(method.step(frames[2]).labels)) <= {0, 1, 2}
