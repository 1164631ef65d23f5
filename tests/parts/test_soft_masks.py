"""The frame of methods with soft masks: shrunk frames, padding, and what a subclass is told."""

import numpy as np
import pytest
import torch

from vos_bench.api import Prompt
from vos_bench.errors import BadInputError
from vos_bench.parts.soft_masks import SoftMaskConfig, SoftMaskMethod, working_size


class Keeps(SoftMaskMethod):
    """Answers with the masks of the frame before."""

    Config = SoftMaskConfig
    multiple = 16

    def reset(self):
        self.frames, self.new = [], []

    def find(self, frame):
        self.frames.append(frame.shape)
        return self.last

    def remember(self, frame, merged, new):
        assert merged.shape[1:] == frame.shape[2:]
        self.last = merged[1:]
        self.new.append(new)


def disc(size, row, column, radius):
    rows, columns = np.mgrid[: size[0], : size[1]]
    return (rows - row) ** 2 + (columns - column) ** 2 < radius**2


def test_a_frame_is_shrunk_to_its_shorter_side_and_never_enlarged():
    assert working_size((480, 854), 240) == (240, 427)
    assert working_size((854, 480), 240) == (427, 240)
    assert working_size((480, 854), None) == working_size((480, 854), 500) == (480, 854)


@pytest.mark.parametrize(("side", "seen"), [(None, (112, 160)), (50, (64, 80))])
def test_masks_go_down_to_the_working_size_and_come_back(side, seen):
    method = Keeps(SoftMaskConfig(working_side=side))
    image, mask = np.zeros((100, 150, 3), np.uint8), disc((100, 150), 50, 70, 30)
    method.initialize(image, Prompt(masks={4: mask}))
    labels, probabilities, *_ = method.step(image)
    assert method.frames[0][2:] == seen
    found = labels == 4
    assert (found & mask).sum() / (found | mask).sum() > 0.95
    assert probabilities.shape == (2, 100, 150)


def test_a_new_mask_cuts_older_objects_and_planes_are_in_the_order_of_ids():
    method = Keeps()
    image, one, two = np.zeros((40, 60, 3), np.uint8), disc((40, 60), 20, 20, 12), disc((40, 60), 20, 30, 12)
    method.initialize(image, Prompt(masks={7: one, 9: np.zeros_like(one)}))
    labels, probabilities, *_ = method.step(image, Prompt(masks={3: two}))
    assert (labels[two] == 3).all()
    assert (labels[one & ~two] == 7).all()
    assert method.new == [1, 1]
    assert probabilities.shape == (4, 40, 60)
    assert (probabilities[1][two] > 0.99).all()
    assert not probabilities[3].any()


def test_a_box_is_refused_instead_of_being_taken_for_an_object_that_is_never_seen():
    method = Keeps()
    with pytest.raises(BadInputError, match="Keeps: object 2 is given as a box, expected a mask"):
        method.initialize(np.zeros((40, 60, 3), np.uint8), Prompt(boxes={2: (1.0, 1.0, 9.0, 9.0)}))


def test_probabilities_may_be_left_out():
    method = Keeps(SoftMaskConfig(probabilities=False))
    image = np.zeros((40, 60, 3), np.uint8)
    assert method.initialize(image, Prompt(masks={1: disc((40, 60), 20, 20, 9)})).probabilities is None
    assert not torch.is_inference_mode_enabled()
