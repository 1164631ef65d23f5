"""A seed for each sequence."""

import random

import cv2
import numpy as np
import pytest

from vos_bench.running.method import seed_everything, sequence_seed


def test_the_seed_depends_on_run_and_sequence_alone():
    assert sequence_seed(0, "bear") == 1534288165
    assert sequence_seed(1, "bear") != sequence_seed(0, "bear") != sequence_seed(0, "bea")


@pytest.mark.parametrize(
    "draw",
    [
        random.random,
        lambda: np.random.rand(),  # noqa: NPY002
        lambda: cv2.randu(np.zeros(1), 0, 1)[0],
        lambda: pytest.importorskip("torch").rand(1).item(),
    ],
    ids=["random", "numpy", "cv2", "torch"],
)
@pytest.mark.parametrize("seed", [0, 2**32 - 1])
def test_every_generator_is_seeded(draw, seed: int):
    draw()
    seed_everything(seed)
    first = draw()
    seed_everything(seed)
    assert draw() == first
